//! The port to who is connected and listens to what.

use crate::domain::{Connection, ConnectionId, JobId, Seq, Subscription, Timestamp};
use crate::error::PortResult;
use async_trait::async_trait;
use std::fmt::Debug;

/// Knows which connections are open and which jobs they listen to.
///
/// # Contract
/// - A write that returned is seen by every later call.
/// - Connecting or subscribing again replaces what was there.
/// - Nothing at or past its `expires_at` is ever shown, even where the store still holds it.
/// - `advance` never moves a subscription back.
/// - Removing a connection removes its subscriptions. Removing what is not there is success.
///
/// # Errors
/// Any method: [`Denied`](crate::ErrorKind::Denied), [`Throttled`](crate::ErrorKind::Throttled),
/// [`Unavailable`](crate::ErrorKind::Unavailable). Others are named at the method.
///
/// # Cancellation
/// Dropping a future stops waiting, not the work: a write may still land. Every write can be repeated.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait ConnectionRegistry: Debug + Send + Sync + 'static {
    /// Adds a connection.
    async fn connect(&self, connection: &Connection) -> PortResult<()>;

    /// The connection `id`; `None` if there is none.
    async fn find(&self, id: &ConnectionId, now: Timestamp) -> PortResult<Option<Connection>>;

    /// Removes a connection and its subscriptions.
    async fn disconnect(&self, id: &ConnectionId) -> PortResult<()>;

    /// Adds a subscription. It needs no [`connect`](Self::connect) before: it names its own owner and expiry.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if the connection already listens to
    /// [`SUBSCRIPTIONS_MAX`](crate::domain::limits::SUBSCRIPTIONS_MAX) other jobs.
    async fn subscribe(&self, subscription: &Subscription) -> PortResult<()>;

    /// Removes a subscription.
    async fn unsubscribe(&self, id: &ConnectionId, job_id: &JobId) -> PortResult<()>;

    /// The subscriptions to a job, in any order.
    async fn listeners(&self, job_id: &JobId, now: Timestamp) -> PortResult<Vec<Subscription>>;

    /// Notes that the connection was sent the job's events up to `seq`. A missing subscription is success.
    async fn advance(&self, id: &ConnectionId, job_id: &JobId, seq: Seq) -> PortResult<()>;
}
