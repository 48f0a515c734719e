//! An item and its key, written and read by name. What can't be read back is a `Data` error that names the attribute.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::HashMap, str::FromStr};
use tintype_core::{ErrorKind, PortError, PortResult, domain::Timestamp};

type Attributes = HashMap<String, AttributeValue>;

/// Where an item is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    pub(crate) fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// The key of what is alone in its partition, or first there.
    pub(crate) fn head(pk: impl Into<String>) -> Self {
        Self::new(pk, "#")
    }

    pub(super) fn into_attributes(self) -> Attributes {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(self.pk)),
            ("sk".to_owned(), AttributeValue::S(self.sk)),
        ])
    }
}

/// A moment as part of a sort key: in milliseconds, with zeros in front, so that texts sort as moments do.
pub(crate) fn moment(at: Timestamp) -> String {
    format!("{:015}", at.as_millis().max(0))
}

/// What a table holds under one key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item(Attributes);

impl From<Attributes> for Item {
    fn from(attributes: Attributes) -> Self {
        Self(attributes)
    }
}

impl From<Item> for Attributes {
    fn from(item: Item) -> Self {
        item.0
    }
}

impl Item {
    pub(crate) fn new(key: Key) -> Self {
        Self(key.into_attributes())
    }

    pub(crate) fn with_text(self, name: &'static str, text: impl Into<String>) -> Self {
        self.with(name, AttributeValue::S(text.into()))
    }

    pub(crate) fn with_number(self, name: &'static str, number: u64) -> Self {
        self.with(name, AttributeValue::N(number.to_string()))
    }

    pub(crate) fn with_time(self, name: &'static str, time: Timestamp) -> Self {
        self.with(name, AttributeValue::N(time.as_millis().to_string()))
    }

    pub(crate) fn with_flag(self, name: &'static str, flag: bool) -> Self {
        self.with(name, AttributeValue::Bool(flag))
    }

    /// When DynamoDB may remove the item; it does so within days, never before.
    pub(crate) fn with_ttl(self, from: Timestamp) -> Self {
        let seconds = from.as_millis().saturating_add(999).div_euclid(1_000);
        self.with("ttl", AttributeValue::N(seconds.to_string()))
    }

    /// The record the item is for.
    pub(crate) fn with_body(self, operation: &'static str, record: &impl Serialize) -> PortResult<Self> {
        let json = serde_json::to_string(record).map_err(|error| {
            PortError::new(ErrorKind::Internal, operation, "the record can't be written as JSON")
                .with_source(error)
        })?;
        Ok(self.with_text("body", json))
    }

    fn with(mut self, name: &'static str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn key(&self, operation: &'static str) -> PortResult<Key> {
        Ok(Key::new(self.text(operation, "pk")?, self.text(operation, "sk")?))
    }

    pub(crate) fn text(&self, operation: &'static str, name: &'static str) -> PortResult<&str> {
        let text = self.0.get(name).and_then(|value| value.as_s().ok());
        text.map(String::as_str).ok_or_else(|| unreadable(operation, name))
    }

    /// A text of a type of its own, such as an id.
    pub(crate) fn parsed<T: FromStr>(&self, operation: &'static str, name: &'static str) -> PortResult<T> {
        self.text(operation, name)?.parse().map_err(|_| unreadable(operation, name))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text that may be missing.
    pub(crate) fn optional_text(&self, name: &'static str) -> Option<&str> {
        self.0.get(name)?.as_s().ok().map(String::as_str)
    }

    pub(crate) fn number<T: FromStr>(&self, operation: &'static str, name: &'static str) -> PortResult<T> {
        let number = self.0.get(name).and_then(|value| value.as_n().ok());
        number.and_then(|number| number.parse().ok()).ok_or_else(|| unreadable(operation, name))
    }

    pub(crate) fn time(&self, operation: &'static str, name: &'static str) -> PortResult<Timestamp> {
        self.number(operation, name).map(Timestamp::from_millis)
    }

    pub(crate) fn flag(&self, operation: &'static str, name: &'static str) -> PortResult<bool> {
        let flag = self.0.get(name).and_then(|value| value.as_bool().ok());
        flag.copied().ok_or_else(|| unreadable(operation, name))
    }

    pub(crate) fn body<T: DeserializeOwned>(&self, operation: &'static str) -> PortResult<T> {
        serde_json::from_str(self.text(operation, "body")?)
            .map_err(|error| unreadable(operation, "body").with_source(error))
    }
}

/// How large DynamoDB reckons the item to be: names and values.
#[cfg(test)]
pub(crate) fn item_bytes(item: &Item) -> usize {
    let value = |value: &AttributeValue| value.as_s().or_else(|_| value.as_n()).map_or(1, String::len);
    item.0.iter().map(|(name, held)| name.len() + value(held)).sum()
}

fn unreadable(operation: &'static str, name: &str) -> PortError {
    PortError::new(ErrorKind::Data, operation, format!("the item's `{name}` is not what was written there"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_sort_as_texts() {
        let times = [0, 9, 10, 1_769_860_800_000, 10_000_000_000_000].map(Timestamp::from_millis);
        assert!(times.map(moment).is_sorted());
    }

    #[test]
    fn an_item_lives_at_least_until_its_time_to_live() {
        let item = Item::new(Key::head("a")).with_ttl(Timestamp::from_millis(1_001));
        assert_eq!(item.number::<i64>("test", "ttl").unwrap(), 2);
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = Item::new(Key::head("a")).number::<u64>("test", "rev").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.message().contains("`rev`"), "{error}");
    }
}
