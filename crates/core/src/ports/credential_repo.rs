//! The port to what lets callers in.

use crate::domain::{ApiKey, BlobId, KeyPlace, Ticket, Timestamp};
use crate::error::PortResult;
use async_trait::async_trait;
use std::fmt::Debug;

/// Keeps API keys and tickets, each under the hash of its secret.
///
/// It is no field of [`Ports`](super::Ports): only the route that makes tickets, the authorizer and the commands that
/// manage keys need it, and a server without keys has none.
///
/// # Contract
/// - A write that returned is seen by every later call. Keys are durable; tickets may be lost with the store's power.
/// - A hash stands for one credential, a key or a ticket. Adding what is there already is success and changes nothing.
/// - A ticket is given out once, under any race; a caller that did not get the answer has lost it.
/// - Nothing at or past its `expires_at` is ever shown, even where the store still holds it.
///
/// # Errors
/// Any method: [`Denied`](crate::ErrorKind::Denied), [`Throttled`](crate::ErrorKind::Throttled),
/// [`Unavailable`](crate::ErrorKind::Unavailable), [`Data`](crate::ErrorKind::Data).
///
/// # Cancellation
/// Dropping a future stops waiting, not the work: a write may still land. Every write but
/// [`take_ticket`](Self::take_ticket) can be repeated.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait CredentialRepo: Debug + Send + Sync + 'static {
    /// Adds a key.
    async fn add_key(&self, key: &ApiKey) -> PortResult<()>;

    /// The key with this hash; `None` if there is none.
    async fn find_key(&self, hash: &BlobId, now: Timestamp) -> PortResult<Option<ApiKey>>;

    /// Up to `limit` keys of all owners in order of their [places](ApiKey::place), from the one after `after`.
    async fn list_keys(&self, after: Option<KeyPlace>, limit: u32, now: Timestamp)
    -> PortResult<Vec<ApiKey>>;

    /// Removes the key with this hash. A missing one is success.
    async fn remove_key(&self, hash: &BlobId) -> PortResult<()>;

    /// Adds a ticket. What has expired at `now` may be forgotten.
    ///
    /// # Errors
    /// [`Throttled`](crate::ErrorKind::Throttled) also where there is no room for more.
    async fn add_ticket(&self, ticket: &Ticket, now: Timestamp) -> PortResult<()>;

    /// Takes the ticket with this hash out; `None` if there is none, or another call took it.
    async fn take_ticket(&self, hash: &BlobId, now: Timestamp) -> PortResult<Option<Ticket>>;
}
