//! Credentials as items of the table.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::HashMap;
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{ApiKey, BlobId, KeyPlace, Ticket, Timestamp},
};

/// The attributes of an item, or of its key.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The partition of the list of keys.
pub(super) const LIST: &str = "CREDENTIALS";
/// The attribute that says what a credential is.
pub(super) const KIND: &str = "kind";

const BODY: &str = "body";

/// What a credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Key,
    Ticket,
}

impl Kind {
    /// The kind as the attribute says it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Ticket => "ticket",
        }
    }
}

/// The key of the credential with this hash.
pub(super) fn key(hash: &BlobId) -> Item {
    keys(format!("CREDENTIAL#{hash}"), "#".to_owned())
}

/// The key of an entry of the list.
pub(super) fn list_key(place: &KeyPlace) -> Item {
    keys(LIST.to_owned(), self::place(place))
}

/// The sort key of an entry of the list. `#` comes before everything a name may hold, so that the order of the text is
/// that of the places.
pub(super) fn place(place: &KeyPlace) -> String {
    format!("{}#{}", place.name, place.hash)
}

/// A key.
pub(super) fn of_key(api_key: &ApiKey, operation: &'static str) -> PortResult<Item> {
    with_record(key(&api_key.hash), Kind::Key, api_key, api_key.expires_at, operation)
}

/// A key in the list.
pub(super) fn listed(key: &ApiKey, operation: &'static str) -> PortResult<Item> {
    with_record(list_key(&key.place()), Kind::Key, key, key.expires_at, operation)
}

/// A ticket.
pub(super) fn of_ticket(ticket: &Ticket, operation: &'static str) -> PortResult<Item> {
    with_record(key(&ticket.hash), Kind::Ticket, ticket, Some(ticket.expires_at), operation)
}

/// What an item holds, if it is of this kind.
pub(super) fn read<T: DeserializeOwned>(
    item: &Item,
    kind: Kind,
    operation: &'static str,
) -> PortResult<Option<T>> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    if text(KIND).map(String::as_str) != Some(kind.name()) {
        return Ok(None);
    }
    let body = text(BODY).ok_or_else(|| damaged(operation))?;
    serde_json::from_str(body).map(Some).map_err(|error| damaged(operation).with_source(error))
}

/// A moment, for a condition.
pub(super) fn millis(moment: Timestamp) -> AttributeValue {
    AttributeValue::N(moment.as_millis().to_string())
}

fn keys(pk: String, sk: String) -> Item {
    HashMap::from([("pk".to_owned(), AttributeValue::S(pk)), ("sk".to_owned(), AttributeValue::S(sk))])
}

fn with_record<T: Serialize>(
    mut item: Item,
    kind: Kind,
    record: &T,
    expires_at: Option<Timestamp>,
    operation: &'static str,
) -> PortResult<Item> {
    let body = serde_json::to_string(record).map_err(|error| {
        PortError::new(ErrorKind::Internal, operation, "the record can't be written as JSON")
            .with_source(error)
    })?;
    item.insert(KIND.to_owned(), AttributeValue::S(kind.name().to_owned()));
    item.insert(BODY.to_owned(), AttributeValue::S(body));
    if let Some(expires_at) = expires_at {
        item.insert("expires_at".to_owned(), millis(expires_at));
        // TTL counts whole seconds; rounded up, so that it never removes what still is valid.
        let seconds = expires_at.as_millis().saturating_add(999).div_euclid(1_000);
        item.insert("ttl".to_owned(), AttributeValue::N(seconds.to_string()));
    }
    Ok(item)
}

fn damaged(operation: &'static str) -> PortError {
    PortError::new(ErrorKind::Data, operation, "a credential in the table can't be read back")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(name: &str) -> String {
        place(&KeyPlace { name: name.parse().unwrap(), hash: BlobId::of(b"x") })
    }

    #[test]
    fn the_order_of_places_is_that_of_names() {
        for (first, second) in [("a", "a-b"), ("a", "a.b"), ("a", "a0"), ("a-b", "a.b"), ("B", "a")] {
            assert!(placed(first) < placed(second), "{first} {second}");
        }
    }

    #[test]
    fn ttl_never_removes_what_is_valid() {
        let ticket = Ticket {
            hash: BlobId::of(b"x"),
            owner: "alice".parse().unwrap(),
            expires_at: Timestamp::from_millis(1_001),
        };
        let item = of_ticket(&ticket, "test").unwrap();
        assert_eq!(item["ttl"], AttributeValue::N("2".to_owned()));
        assert_eq!(read(&item, Kind::Ticket, "test").unwrap(), Some(ticket));
    }

    #[test]
    fn a_body_that_is_no_record_is_damage() {
        let mut item = keys("x".into(), "y".into());
        item.insert(KIND.to_owned(), AttributeValue::S("key".to_owned()));
        item.insert(BODY.to_owned(), AttributeValue::S("{}".to_owned()));
        assert_eq!(read::<ApiKey>(&item, Kind::Key, "test").unwrap_err().kind(), ErrorKind::Data);
    }
}
