//! Port for the integrity of a deployment's records.

use crate::domain::Timestamp;
use crate::error::PortResult;
use async_trait::async_trait;
use std::fmt::Debug;

/// Confirms that records and blobs belong together before anything is deleted on the word of the records.
///
/// # Contract
/// - `confirm` succeeds only if the records are intact as far as the store can check, and are those that the blobs beside
///   them were stored with: not empty, foreign or older.
/// - A sweep deletes nothing unless `confirm` succeeded in the same sweep.
/// - Damage that was found stays in `damage` until the store is repaired.
///
/// # Errors
/// [`Data`](crate::ErrorKind::Data) from `confirm` if the records can't be trusted: the message names the resource and the
/// remedy. [`Unavailable`](crate::ErrorKind::Unavailable) if that can't be checked now.
///
/// # Cancellation
/// Dropping a future stops waiting. A check has no effect on records or blobs.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Integrity: Debug + Send + Sync + 'static {
    /// Checks the records; a recent check that passed may stand for a new one.
    async fn confirm(&self, now: Timestamp) -> PortResult<()>;

    /// The damage that was found in the records so far, one sentence each; empty if none was.
    async fn damage(&self) -> Vec<String>;
}
