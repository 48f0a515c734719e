//! A [`Workflow`] that fails on demand.

use super::Faulty;
use async_trait::async_trait;
use tintype_core::{
    domain::{Job, JobId, Timestamp},
    error::PortResult,
    ports::{Place, QueueCounts, Workflow},
};

#[async_trait]
impl Workflow for Faulty<dyn Workflow> {
    async fn start(&self, job: &Job) -> PortResult<()> {
        self.call("Workflow::start", self.inner.start(job)).await
    }

    async fn cancel(&self, id: &JobId) -> PortResult<()> {
        self.call("Workflow::cancel", self.inner.cancel(id)).await
    }

    async fn place(&self, job: &Job, now: Timestamp) -> PortResult<Option<Place>> {
        self.call("Workflow::place", self.inner.place(job, now)).await
    }

    async fn queue(&self, now: Timestamp) -> PortResult<Option<QueueCounts>> {
        self.call("Workflow::queue", self.inner.queue(now)).await
    }
}
