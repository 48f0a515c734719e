//! The port to the jobs, their logs and the idempotency keys.

use crate::domain::{
    BlobId, Fence, Idempotency, Job, JobError, JobEvent, JobId, JobQuery, NewJob, Outcome, OwnerId, Page,
    Progress, Seq, Timestamp,
};
use crate::error::PortResult;
use async_trait::async_trait;
use std::fmt::Debug;

/// Keeps jobs and what happened to them.
///
/// # Contract
/// - Each method that changes a job writes the job and its event in one transaction: both or neither are seen.
/// - A change goes through [`Job`]'s own methods, one at a time per job: the rules of a job's life hold under any
///   number of callers.
/// - `insert`, `finish`, `cancel`, `requeue` and `expire` are durable when they return. `begin` and `advance` are
///   seen by every later call, and may be lost with the machine's power: then the job is begun again.
/// - A job's events are numbered from 1 without gaps, and never change.
/// - Another owner's job is as one that does not exist; so, to its owner, is a job past its `expires_at`. `begin` and
///   `expire` still end it.
/// - One owner and one idempotency key: one job, under any race, for as long as the job is shown.
/// - A write that removes the last reference of a job to a blob records the blob as released, in the same transaction.
///   A blob without such a record is no one's to delete.
///
/// # Errors
/// Any method: [`Denied`](crate::ErrorKind::Denied), [`Throttled`](crate::ErrorKind::Throttled),
/// [`Unavailable`](crate::ErrorKind::Unavailable), [`Data`](crate::ErrorKind::Data). Where there is no space, `insert` of a
/// new job and `advance` are [`Exhausted`](crate::ErrorKind::Exhausted); what ends, requeues or removes a job needs none. Others
/// are named at the method.
///
/// # Cancellation
/// Dropping a future stops waiting, not the work: a write may still land. Every write can be repeated.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait JobRepo: Debug + Send + Sync + 'static {
    /// Accepts a job with [`Job::accept`], together with its idempotency key. A job whose id is there already stays
    /// as it is.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) if the key is just being used by another call that is not done.
    async fn insert<'a>(&self, job: &NewJob, key: Option<&'a Idempotency>) -> PortResult<InsertedJob>;

    /// What [`insert`](Self::insert) would tell of this key of the owner's, without accepting a job; `None` where it would
    /// accept one.
    async fn find_by_key(
        &self,
        owner: &OwnerId,
        key: &Idempotency,
        now: Timestamp,
    ) -> PortResult<Option<InsertedJob>>;

    /// The owner's job `id`; `None` if there is none.
    async fn find(&self, owner: &OwnerId, id: &JobId, now: Timestamp) -> PortResult<Option<Job>>;

    /// A page of the owner's jobs, the newest first.
    async fn list(&self, owner: &OwnerId, query: &JobQuery, now: Timestamp) -> PortResult<Page<Job>>;

    /// Up to `limit` events of the owner's job after `after`, in order; `None` if there is no such job.
    async fn events(
        &self,
        owner: &OwnerId,
        id: &JobId,
        after: Seq,
        limit: u32,
        now: Timestamp,
    ) -> PortResult<Option<Vec<JobEvent>>>;

    /// Begins an attempt with [`Job::begin`] and returns the job, whose [`fence`](Job::fence) is the right to write.
    /// A job that is overdue is ended with [`Job::expire`] instead, and returned so.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) if the job has ended, [`NotFound`](crate::ErrorKind::NotFound) if
    /// there is none.
    async fn begin(&self, id: &JobId, now: Timestamp) -> PortResult<Job>;

    /// Notes a step with [`Job::advance`].
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) if the attempt lost its right to write,
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such job.
    async fn advance(&self, fence: &Fence, progress: Progress, now: Timestamp) -> PortResult<()>;

    /// Puts the job back in line with [`Job::requeue`]. An attempt that was interrupted, or found no space for its result, does
    /// not count.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    async fn requeue(
        &self,
        fence: &Fence,
        error: JobError,
        not_before: Timestamp,
        now: Timestamp,
    ) -> PortResult<Job>;

    /// Ends the job with [`Job::finish`].
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    async fn finish(&self, fence: &Fence, outcome: Outcome, now: Timestamp) -> PortResult<Job>;

    /// Stops the owner's job with [`Job::cancel`]; one that has ended stays as it is. `None` if there is none.
    async fn cancel(&self, owner: &OwnerId, id: &JobId, now: Timestamp) -> PortResult<Option<Job>>;

    /// Ends the job with [`Job::expire`] if it is overdue: also one that waits for space for its result. `None` if it is not, or there is none.
    async fn expire(&self, id: &JobId, now: Timestamp) -> PortResult<Option<Job>>;

    /// Up to `limit` jobs of any owner that have not ended, accepted before `accepted_before`, in order of their ids
    /// from the one after `after`: for the sweep, which starts those that were left behind and ends the overdue ones.
    async fn unfinished(
        &self,
        accepted_before: Timestamp,
        after: Option<JobId>,
        limit: u32,
    ) -> PortResult<Vec<Job>>;

    /// Whether any job refers to this content address: as a result that is still kept, or as a source.
    async fn refers_to(&self, blob: &BlobId) -> PortResult<bool>;

    /// Whether a release of `blob` is recorded here: a job referred to it, and a transaction of this repository removed
    /// the reference. A record that is older than the blob's last put proves nothing where an adapter can tell.
    async fn is_released(&self, blob: &BlobId) -> PortResult<bool>;

    /// Up to `limit` blobs with a release record, in order of their addresses, from the one after `after`.
    async fn released(&self, after: Option<BlobId>, limit: u32) -> PortResult<Vec<BlobId>>;

    /// Removes the release record of `blob`, once the blob is unlinked or referred to again. A missing record is success.
    async fn forget_release(&self, blob: &BlobId) -> PortResult<()>;

    /// Removes up to `limit` ended jobs that expired before `now`, with their events and keys, and records the blobs that
    /// they referred to as released.
    async fn purge(&self, now: Timestamp, limit: u32) -> PortResult<PurgedJobs>;
}

/// What became of an insertion, or would become of it.
#[derive(Clone, Debug, PartialEq)]
pub enum InsertedJob {
    /// The job was accepted.
    Created(Box<Job>),
    /// The key was used before with the same request, for this job.
    Existing(Box<Job>),
    /// The key was used before with another request; nothing was accepted.
    KeyReused,
}

/// What a purge removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PurgedJobs {
    /// How many jobs.
    pub jobs: u32,
    /// The addresses they referred to; each may be referred to from elsewhere.
    pub blobs: Vec<BlobId>,
}
