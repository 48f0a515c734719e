//! A [`JobRepo`] that fails on demand.

use super::Faulty;
use async_trait::async_trait;
use tintype_core::{
    domain::{
        BlobId, Fence, Idempotency, Job, JobError, JobEvent, JobId, JobQuery, NewJob, Outcome, OwnerId, Page,
        Progress, Seq, Timestamp,
    },
    error::PortResult,
    ports::{InsertedJob, JobRepo, PurgedJobs},
};

#[async_trait]
impl JobRepo for Faulty<dyn JobRepo> {
    async fn insert<'a>(&self, job: &NewJob, key: Option<&'a Idempotency>) -> PortResult<InsertedJob> {
        self.call("JobRepo::insert", self.inner.insert(job, key)).await
    }

    async fn find_by_key(
        &self,
        owner: &OwnerId,
        key: &Idempotency,
        now: Timestamp,
    ) -> PortResult<Option<InsertedJob>> {
        self.call("JobRepo::find_by_key", self.inner.find_by_key(owner, key, now)).await
    }

    async fn find(&self, owner: &OwnerId, id: &JobId, now: Timestamp) -> PortResult<Option<Job>> {
        self.call("JobRepo::find", self.inner.find(owner, id, now)).await
    }

    async fn list(&self, owner: &OwnerId, query: &JobQuery, now: Timestamp) -> PortResult<Page<Job>> {
        self.call("JobRepo::list", self.inner.list(owner, query, now)).await
    }

    async fn events(
        &self,
        owner: &OwnerId,
        id: &JobId,
        after: Seq,
        limit: u32,
        now: Timestamp,
    ) -> PortResult<Option<Vec<JobEvent>>> {
        self.call("JobRepo::events", self.inner.events(owner, id, after, limit, now)).await
    }

    async fn begin(&self, id: &JobId, now: Timestamp) -> PortResult<Job> {
        self.call("JobRepo::begin", self.inner.begin(id, now)).await
    }

    async fn advance(&self, fence: &Fence, progress: Progress, now: Timestamp) -> PortResult<()> {
        self.call("JobRepo::advance", self.inner.advance(fence, progress, now)).await
    }

    async fn requeue(
        &self,
        fence: &Fence,
        error: JobError,
        not_before: Timestamp,
        now: Timestamp,
    ) -> PortResult<Job> {
        self.call("JobRepo::requeue", self.inner.requeue(fence, error, not_before, now)).await
    }

    async fn finish(&self, fence: &Fence, outcome: Outcome, now: Timestamp) -> PortResult<Job> {
        self.call("JobRepo::finish", self.inner.finish(fence, outcome, now)).await
    }

    async fn cancel(&self, owner: &OwnerId, id: &JobId, now: Timestamp) -> PortResult<Option<Job>> {
        self.call("JobRepo::cancel", self.inner.cancel(owner, id, now)).await
    }

    async fn expire(&self, id: &JobId, now: Timestamp) -> PortResult<Option<Job>> {
        self.call("JobRepo::expire", self.inner.expire(id, now)).await
    }

    async fn unfinished(
        &self,
        accepted_before: Timestamp,
        after: Option<JobId>,
        limit: u32,
    ) -> PortResult<Vec<Job>> {
        self.call("JobRepo::unfinished", self.inner.unfinished(accepted_before, after, limit)).await
    }

    async fn refers_to(&self, blob: &BlobId) -> PortResult<bool> {
        self.call("JobRepo::refers_to", self.inner.refers_to(blob)).await
    }

    async fn is_released(&self, blob: &BlobId) -> PortResult<bool> {
        self.call("JobRepo::is_released", self.inner.is_released(blob)).await
    }

    async fn released(&self, after: Option<BlobId>, limit: u32) -> PortResult<Vec<BlobId>> {
        self.call("JobRepo::released", self.inner.released(after, limit)).await
    }

    async fn forget_release(&self, blob: &BlobId) -> PortResult<()> {
        self.call("JobRepo::forget_release", self.inner.forget_release(blob)).await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> PortResult<PurgedJobs> {
        self.call("JobRepo::purge", self.inner.purge(now, limit)).await
    }
}
