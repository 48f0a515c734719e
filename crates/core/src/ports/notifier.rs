//! The port to the clients' open connections.

use crate::domain::ConnectionId;
use crate::error::PortResult;
use crate::views::Message;
use async_trait::async_trait;
use std::fmt::Debug;

/// Pushes a message to one connection.
///
/// # Contract
/// - Messages to one connection sent one after the other arrive in that order.
/// - `Sent` promises no more than that the message was handed on: the client may be gone already. Nothing is lost by
///   it, because what happened is in the job's log.
/// - A connection that is not there any more is `Gone`, not an error.
///
/// # Errors
/// [`Throttled`](crate::ErrorKind::Throttled), [`Unavailable`](crate::ErrorKind::Unavailable),
/// [`Denied`](crate::ErrorKind::Denied).
///
/// # Cancellation
/// Dropping a future stops waiting; the message may still arrive.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Notifier: Debug + Send + Sync + 'static {
    /// Sends `message` to `connection`.
    async fn send(&self, connection: &ConnectionId, message: &Message) -> PortResult<Delivery>;
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It was handed on.
    Sent,
    /// The connection is no longer there: forget it.
    Gone,
}
