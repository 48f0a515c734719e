//! Several writes that are seen together or not at all.

use super::{Condition, Item, Key, Table, failure, has_code};
use crate::error::SdkError;
use aws_sdk_dynamodb::{
    error::BuildError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{Delete, Put, TransactWriteItem},
};
use tintype_core::{ErrorKind, PortError, PortResult};

/// How many writes a transaction holds.
pub(crate) const TRANSACTION_MAX: usize = 100;

/// One write of a transaction.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Put(Item, Option<Condition>),
    Delete(Key, Option<Condition>),
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transacted {
    /// Everything is written.
    Done,
    /// Nothing is: what is there is not what the caller took it for, or another writer is at it. Read again and decide.
    Lost,
}

impl Write {
    pub(crate) const fn put(item: Item) -> Self {
        Self::Put(item, None)
    }

    pub(crate) const fn put_if(item: Item, condition: Condition) -> Self {
        Self::Put(item, Some(condition))
    }

    pub(crate) const fn delete(key: Key) -> Self {
        Self::Delete(key, None)
    }

    pub(crate) const fn delete_if(key: Key, condition: Condition) -> Self {
        Self::Delete(key, Some(condition))
    }

    fn of_table(self, table: &str) -> Result<TransactWriteItem, BuildError> {
        let write = TransactWriteItem::builder();
        Ok(match self {
            Self::Put(item, condition) => write.put(put(item, condition.as_ref(), table)?),
            Self::Delete(key, condition) => write.delete(delete(key, condition.as_ref(), table)?),
        }
        .build())
    }
}

fn put(item: Item, condition: Option<&Condition>, table: &str) -> Result<Put, BuildError> {
    Put::builder()
        .table_name(table)
        .set_item(Some(item.into()))
        .set_condition_expression(condition.map(|condition| condition.expression().to_owned()))
        .set_expression_attribute_names(condition.and_then(Condition::names))
        .set_expression_attribute_values(condition.and_then(Condition::values))
        .build()
}

fn delete(key: Key, condition: Option<&Condition>, table: &str) -> Result<Delete, BuildError> {
    Delete::builder()
        .table_name(table)
        .set_key(Some(key.into_attributes()))
        .set_condition_expression(condition.map(|condition| condition.expression().to_owned()))
        .set_expression_attribute_names(condition.and_then(Condition::names))
        .set_expression_attribute_values(condition.and_then(Condition::values))
        .build()
}

impl Table {
    /// Makes the writes, all or none. The SDK names each call by a token of its own, so that what it repeats after a
    /// lost answer is written once.
    pub(crate) async fn transact(
        &self,
        operation: &'static str,
        writes: impl IntoIterator<Item = Write> + Send,
    ) -> PortResult<Transacted> {
        let writes: Result<Vec<_>, _> = writes.into_iter().map(|write| write.of_table(&self.name)).collect();
        let writes = writes.map_err(|error| {
            PortError::new(ErrorKind::Internal, operation, "the transaction can't be built")
                .with_source(error)
        })?;
        match self.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(Transacted::Done),
            Err(error) => canceled(operation, error),
        }
    }
}

/// A transaction is cancelled for reasons of very different kinds; the worst of them decides.
fn canceled(operation: &'static str, error: SdkError<TransactWriteItemsError>) -> PortResult<Transacted> {
    // An earlier try of the same call still runs: whoever reads again sees what came of it, or meets it once more.
    if has_code(&error, "TransactionInProgressException") {
        return Ok(Transacted::Lost);
    }
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error()
    else {
        return Err(failure(operation, error));
    };
    let reasons: Vec<_> = canceled.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
    let is_lost = |code: &&str| matches!(*code, "ConditionalCheckFailed" | "TransactionConflict");
    let is_throttled = |code: &&str| matches!(*code, "ThrottlingError" | "ProvisionedThroughputExceeded");
    if reasons.iter().all(|code| *code == "None" || is_lost(code)) && reasons.iter().any(is_lost) {
        return Ok(Transacted::Lost);
    }
    let (kind, message) = if reasons.iter().any(is_throttled) {
        (ErrorKind::Throttled, "the service asks for a slower pace".to_owned())
    } else {
        (ErrorKind::Internal, format!("the transaction was cancelled ({})", reasons.join(", ")))
    };
    Err(PortError::new(kind, operation, message).with_source(error))
}
