//! API keys and tickets in the table of connections.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `CREDENTIAL#<hash>` | `#` | a key or a ticket |
//! | `CREDENTIALS` | `<name>#<hash>` | a key once more, for the list |
//!
//! A caller's key costs one consistent read of a whole unit; a ticket one write to make and one to take. Both items of
//! a key are written in one transaction, so that no key works without being listed. TTL removes what has expired, days
//! late; it is filtered at read.

use crate::dynamodb::{
    Bounds, Condition, Item, Key, Stretch, TRIES, Table, Transacted, Write, contended, pause,
};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use serde::{Serialize, de::DeserializeOwned};
use tintype_core::{
    PortResult,
    domain::{ApiKey, BlobId, KeyPlace, Ticket, Timestamp},
    ports::CredentialRepo,
};

/// The partition of the list of keys.
const LIST: &str = "CREDENTIALS";
/// The attribute that says what a credential is, and what it says.
const KIND: &str = "kind";
const KEY: &str = "key";
const TICKET: &str = "ticket";

/// A [`CredentialRepo`] in a DynamoDB table with the string keys `pk` and `sk` and the TTL attribute `ttl`.
#[derive(Clone, Debug)]
pub struct DynamoCredentialRepo {
    table: Table,
}

impl DynamoCredentialRepo {
    /// The credentials in `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { table: Table::new(client, table.into()) }
    }

    /// The key with this hash, valid or not.
    async fn key(&self, operation: &'static str, hash: &BlobId) -> PortResult<Option<ApiKey>> {
        match self.table.get(operation, key_of(hash)).await? {
            Some(item) => read(operation, &item, KEY),
            None => Ok(None),
        }
    }
}

fn key_of(hash: &BlobId) -> Key {
    Key::head(format!("CREDENTIAL#{hash}"))
}

/// `#` comes before everything a name may hold, so that the order of the text is that of the places.
fn sort_key(place: &KeyPlace) -> String {
    format!("{}#{}", place.name, place.hash)
}

fn listed(place: &KeyPlace) -> Key {
    Key::new(LIST, sort_key(place))
}

fn item(
    operation: &'static str,
    at: Key,
    (kind, record): (&str, &impl Serialize),
    expires_at: Option<Timestamp>,
) -> PortResult<Item> {
    let item = Item::new(at).with_text(KIND, kind).with_body(operation, record)?;
    Ok(match expires_at {
        Some(expires_at) => item.with_ttl(expires_at),
        None => item,
    })
}

/// What an item holds, if it is of this kind.
fn read<T: DeserializeOwned>(operation: &'static str, item: &Item, kind: &str) -> PortResult<Option<T>> {
    if item.optional_text(KIND) != Some(kind) {
        return Ok(None);
    }
    item.body(operation).map(Some)
}

#[async_trait]
impl CredentialRepo for DynamoCredentialRepo {
    async fn add_key(&self, key: &ApiKey) -> PortResult<()> {
        const OPERATION: &str = "CredentialRepo::add_key";
        let credential = item(OPERATION, key_of(&key.hash), (KEY, key), key.expires_at)?;
        let entry = item(OPERATION, listed(&key.place()), (KEY, key), key.expires_at)?;
        for tries in 0..TRIES {
            let writes =
                [credential.clone(), entry.clone()].map(|item| Write::put_if(item, Condition::Absent));
            if self.table.transact(OPERATION, writes).await? == Transacted::Done {
                return Ok(());
            }
            // The hash is there already, or another writer is at it.
            if self.table.get(OPERATION, key_of(&key.hash)).await?.is_some() {
                return Ok(());
            }
            pause(tries).await;
        }
        Err(contended(OPERATION))
    }

    async fn find_key(&self, hash: &BlobId, now: Timestamp) -> PortResult<Option<ApiKey>> {
        let key = self.key("CredentialRepo::find_key", hash).await?;
        Ok(key.filter(|key| key.is_valid(now)))
    }

    async fn list_keys(
        &self,
        after: Option<KeyPlace>,
        limit: u32,
        now: Timestamp,
    ) -> PortResult<Vec<ApiKey>> {
        const OPERATION: &str = "CredentialRepo::list_keys";
        let mut after = after.map_or_else(|| " ".to_owned(), |place| sort_key(&place));
        let mut keys = Vec::new();
        loop {
            let missing = limit.saturating_sub(keys.len() as u32);
            let stretch = Stretch::of(LIST, Bounds::After(after.clone()));
            let items = self.table.query(OPERATION, &stretch, Some(missing)).await?;
            for item in &items {
                let key: Option<ApiKey> = read(OPERATION, item, KEY)?;
                keys.extend(key.filter(|key| key.is_valid(now)));
            }
            match items.last() {
                Some(last) if items.len() == missing as usize => after = last.key(OPERATION)?.sk,
                _ => return Ok(keys),
            }
        }
    }

    async fn remove_key(&self, hash: &BlobId) -> PortResult<()> {
        const OPERATION: &str = "CredentialRepo::remove_key";
        let Some(key) = self.key(OPERATION, hash).await? else { return Ok(()) };
        for tries in 0..TRIES {
            let writes = [key_of(hash), listed(&key.place())].map(Write::delete);
            if self.table.transact(OPERATION, writes).await? == Transacted::Done {
                return Ok(());
            }
            pause(tries).await;
        }
        Err(contended(OPERATION))
    }

    async fn add_ticket(&self, ticket: &Ticket, _: Timestamp) -> PortResult<()> {
        const OPERATION: &str = "CredentialRepo::add_ticket";
        let item = item(OPERATION, key_of(&ticket.hash), (TICKET, ticket), Some(ticket.expires_at))?;
        // If it is there, a repeated call is success.
        self.table.put_if(OPERATION, item, &Condition::Absent).await.map(drop)
    }

    /// One conditional delete that returns what it deleted: of any number of racing calls the table answers one so. A
    /// call that the SDK repeats because its answer was lost finds the ticket gone, which errs on the safe side.
    async fn take_ticket(&self, hash: &BlobId, now: Timestamp) -> PortResult<Option<Ticket>> {
        const OPERATION: &str = "CredentialRepo::take_ticket";
        // A key's hash must not delete the key.
        let condition = Condition::Text(KIND, TICKET.to_owned());
        let taken = self.table.take_if(OPERATION, &key_of(hash), &condition).await?;
        let ticket: Option<Ticket> = match taken {
            Some(item) => read(OPERATION, &item, TICKET)?,
            None => None,
        };
        Ok(ticket.filter(|ticket| ticket.is_valid(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_core::ErrorKind;

    fn placed(name: &str) -> String {
        sort_key(&KeyPlace { name: name.parse().unwrap(), hash: BlobId::of(b"x") })
    }

    #[test]
    fn the_order_of_places_is_that_of_names() {
        for (first, second) in [("a", "a-b"), ("a", "a.b"), ("a", "a0"), ("a-b", "a.b"), ("B", "a")] {
            assert!(placed(first) < placed(second), "{first} {second}");
        }
    }

    #[test]
    fn a_body_that_is_no_record_is_damage() {
        let item = item("test", key_of(&BlobId::of(b"x")), (KEY, &()), None).unwrap();
        assert_eq!(read::<ApiKey>("test", &item, KEY).unwrap_err().kind(), ErrorKind::Data);
        assert_eq!(read::<Ticket>("test", &item, TICKET).unwrap(), None);
    }
}
