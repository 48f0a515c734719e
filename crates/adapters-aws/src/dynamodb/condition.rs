//! What a write asks of the item that is there.

use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;

/// What must hold of the item at a write's key. Names are given apart from the expression: many are reserved words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// There is none.
    Absent,
    /// Its text of this name is this one.
    Text(&'static str, String),
    /// There is none, or its text of this name is this one.
    AbsentOrText(&'static str, String),
    /// Its number of this name is this one.
    Number(&'static str, u64),
}

impl Condition {
    pub(super) const fn expression(&self) -> &'static str {
        match self {
            Self::Absent => "attribute_not_exists(pk)",
            Self::Text(..) | Self::Number(..) => "#name = :value",
            Self::AbsentOrText(..) => "attribute_not_exists(pk) OR #name = :value",
        }
    }

    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        match self {
            Self::Absent => None,
            Self::Text(name, _) | Self::AbsentOrText(name, _) | Self::Number(name, _) => {
                Some(HashMap::from([("#name".to_owned(), (*name).to_owned())]))
            }
        }
    }

    pub(super) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        let value = match self {
            Self::Absent => return None,
            Self::Text(_, text) | Self::AbsentOrText(_, text) => AttributeValue::S(text.clone()),
            Self::Number(_, number) => AttributeValue::N(number.to_string()),
        };
        Some(HashMap::from([(":value".to_owned(), value)]))
    }
}
