//! Two items written together. DynamoDB cancels a transaction that meets another one on the same item: it is tried
//! again, a few times, after a short pause.

use crate::error::{SdkError, port_error};
use aws_sdk_dynamodb::{
    Client, error::BuildError, operation::transact_write_items::TransactWriteItemsError,
    types::TransactWriteItem,
};
use std::time::Duration;
use tintype_core::{ErrorKind, PortError, PortResult};

const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(25);

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// All of it was written.
    Done,
    /// A condition did not hold, and nothing was written.
    Refused,
}

/// Writes all or nothing.
pub(super) async fn write<const N: usize>(
    client: &Client,
    operation: &'static str,
    writes: [Result<TransactWriteItem, BuildError>; N],
) -> PortResult<Written> {
    let writes = writes.into_iter().collect::<Result<Vec<_>, _>>().map_err(|error| {
        PortError::new(ErrorKind::Internal, operation, "the request can't be built").with_source(error)
    })?;
    for tries in 1..=TRIES {
        let sent = client.transact_write_items().set_transact_items(Some(writes.clone())).send().await;
        match sent {
            Ok(_) => return Ok(Written::Done),
            Err(error) if has_reason(&error, "ConditionalCheckFailed") => return Ok(Written::Refused),
            Err(error) if has_reason(&error, "TransactionConflict") => pause(tries).await,
            Err(error) => return Err(port_error(operation, error, |_| None)),
        }
    }
    let message = "others write the same credential all the time; try again";
    Err(PortError::new(ErrorKind::Unavailable, operation, message))
}

async fn pause(tries: u32) {
    tokio::time::sleep(PAUSE * tries).await;
}

/// Whether the transaction was cancelled for this reason, at any of its items.
fn has_reason(error: &SdkError<TransactWriteItemsError>, code: &str) -> bool {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
            canceled.cancellation_reasons().iter().any(|reason| reason.code() == Some(code))
        }
        _ => false,
    }
}
