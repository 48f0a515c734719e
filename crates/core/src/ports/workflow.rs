//! The port to what carries a job through its steps.

use crate::domain::{Job, JobId, Timestamp};
use crate::error::PortResult;
use async_trait::async_trait;
use std::fmt::Debug;

/// Runs accepted jobs to their end, outliving this process.
///
/// # Contract
/// - Every job that was started reaches an end, through any crash: it is run with
///   [`run_job`](crate::use_cases::run_job), again after an attempt that asks for it, not before the time it names.
/// - Starting a job again while it waits or runs, or after it ended, changes nothing. One that has not ended and whose
///   run is over, because it was cut off or stopped by hand, is started anew.
/// - Among jobs that wait: owners take turns, so that one with many can't hold up another; an owner's own go by
///   priority, the highest first, then by age.
/// - A job whose run was given up (the worker died) is run by another, and the first can't write any more.
///
/// # Errors
/// [`Denied`](crate::ErrorKind::Denied), [`Throttled`](crate::ErrorKind::Throttled),
/// [`Unavailable`](crate::ErrorKind::Unavailable).
///
/// # Cancellation
/// Dropping a future stops waiting; the job may still be started or stopped. Both can be repeated.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Workflow: Debug + Send + Sync + 'static {
    /// Starts a job that [`JobRepo::insert`](super::JobRepo::insert) accepted: that it is the only one of its id is
    /// settled there. `job` is as it was read last.
    async fn start(&self, job: &Job) -> PortResult<()>;

    /// Stops working on a job that [`JobRepo::cancel`](super::JobRepo::cancel) ended, and frees its worker. One that
    /// is not there is success.
    async fn cancel(&self, id: &JobId) -> PortResult<()>;

    /// Where a waiting job stands in line; `None` where there is no line, or the job is not in it.
    async fn place(&self, job: &Job, now: Timestamp) -> PortResult<Option<Place>>;

    /// How many jobs of all owners wait and run; `None` where there is no queue. The cost does not grow with the queue
    /// beyond [`QueueCounts::COUNTED_MAX`].
    async fn queue(&self, now: Timestamp) -> PortResult<Option<QueueCounts>>;
}

/// The length of the queue, over all owners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Jobs that wait, those for their next attempt included.
    pub queued: u32,
    /// Jobs that a worker holds.
    pub running: u32,
    /// When the job that waits longest was accepted; `None` if none waits.
    pub oldest: Option<Timestamp>,
}

impl QueueCounts {
    /// The most waiting jobs that are counted; a longer queue counts as this long.
    pub const COUNTED_MAX: u32 = 100_000;
}

/// A waiting job's place in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// 1 for the next of its owner's waiting jobs.
    pub position: u32,
    /// When it is likely to be done, in seconds from now, judged by recent jobs; `None` if there were none.
    pub eta_s: Option<u32>,
}
