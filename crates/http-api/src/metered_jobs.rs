//! A [`JobRepo`] that counts what becomes of jobs: every change of a job passes here, whichever part makes it.

use crate::metrics::Metrics;
use async_trait::async_trait;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};
use tintype_core::{
    PortResult,
    domain::{
        BlobId, Fence, Idempotency, Job, JobError, JobEvent, JobId, JobQuery, JobStatus, NewJob, Outcome,
        OwnerId, Page, Progress, Seq, Timestamp,
    },
    ports::{InsertedJob, JobRepo, PurgedJobs},
};

/// See the module.
#[derive(Debug)]
pub(crate) struct MeteredJobs {
    inner: Arc<dyn JobRepo>,
    metrics: Metrics,
    /// The last time at which jobs ended, and which: one that is ended twice at one time is counted once.
    just_ended: Mutex<(Option<Timestamp>, BTreeSet<JobId>)>,
}

impl MeteredJobs {
    /// Counts what `inner` does.
    pub(crate) fn new(inner: Arc<dyn JobRepo>, metrics: Metrics) -> Self {
        Self { inner, metrics, just_ended: Mutex::default() }
    }

    /// Counts a job that ended just now; one that had ended before was counted then.
    fn ended(&self, job: &Job, now: Timestamp) {
        if job.finished_at != Some(now) {
            return;
        }
        let mut just_ended = self.just_ended.lock().unwrap_or_else(PoisonError::into_inner);
        if just_ended.0 != Some(now) {
            *just_ended = (Some(now), BTreeSet::new());
        }
        if just_ended.1.insert(job.id) {
            self.metrics.ended(job);
        }
    }
}

#[async_trait]
impl JobRepo for MeteredJobs {
    async fn insert<'a>(&self, job: &NewJob, key: Option<&'a Idempotency>) -> PortResult<InsertedJob> {
        self.inner.insert(job, key).await
    }

    async fn finish(&self, fence: &Fence, outcome: Outcome, now: Timestamp) -> PortResult<Job> {
        let job = self.inner.finish(fence, outcome, now).await?;
        self.ended(&job, now);
        Ok(job)
    }

    async fn cancel(&self, owner: &OwnerId, id: &JobId, now: Timestamp) -> PortResult<Option<Job>> {
        let job = self.inner.cancel(owner, id, now).await?;
        job.iter().for_each(|job| self.ended(job, now));
        Ok(job)
    }

    async fn expire(&self, id: &JobId, now: Timestamp) -> PortResult<Option<Job>> {
        let job = self.inner.expire(id, now).await?;
        job.iter().for_each(|job| self.ended(job, now));
        Ok(job)
    }

    async fn begin(&self, id: &JobId, now: Timestamp) -> PortResult<Job> {
        let job = self.inner.begin(id, now).await?;
        if job.status == JobStatus::Running {
            self.metrics.begun(&job);
        }
        self.ended(&job, now);
        Ok(job)
    }

    async fn find_by_key(
        &self,
        owner: &OwnerId,
        key: &Idempotency,
        now: Timestamp,
    ) -> PortResult<Option<InsertedJob>> {
        self.inner.find_by_key(owner, key, now).await
    }

    async fn find(&self, owner: &OwnerId, id: &JobId, now: Timestamp) -> PortResult<Option<Job>> {
        self.inner.find(owner, id, now).await
    }

    async fn list(&self, owner: &OwnerId, query: &JobQuery, now: Timestamp) -> PortResult<Page<Job>> {
        self.inner.list(owner, query, now).await
    }

    async fn events(
        &self,
        owner: &OwnerId,
        id: &JobId,
        after: Seq,
        limit: u32,
        now: Timestamp,
    ) -> PortResult<Option<Vec<JobEvent>>> {
        self.inner.events(owner, id, after, limit, now).await
    }

    async fn advance(&self, fence: &Fence, progress: Progress, now: Timestamp) -> PortResult<()> {
        self.inner.advance(fence, progress, now).await
    }

    async fn requeue(
        &self,
        fence: &Fence,
        error: JobError,
        not_before: Timestamp,
        now: Timestamp,
    ) -> PortResult<Job> {
        self.inner.requeue(fence, error, not_before, now).await
    }

    async fn unfinished(
        &self,
        accepted_before: Timestamp,
        after: Option<JobId>,
        limit: u32,
    ) -> PortResult<Vec<Job>> {
        self.inner.unfinished(accepted_before, after, limit).await
    }

    async fn refers_to(&self, blob: &BlobId) -> PortResult<bool> {
        self.inner.refers_to(blob).await
    }

    async fn is_released(&self, blob: &BlobId) -> PortResult<bool> {
        self.inner.is_released(blob).await
    }

    async fn released(&self, after: Option<BlobId>, limit: u32) -> PortResult<Vec<BlobId>> {
        self.inner.released(after, limit).await
    }

    async fn forget_release(&self, blob: &BlobId) -> PortResult<()> {
        self.inner.forget_release(blob).await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> PortResult<PurgedJobs> {
        self.inner.purge(now, limit).await
    }
}
