//! A [`ConnectionRegistry`] that fails on demand.

use super::Faulty;
use async_trait::async_trait;
use tintype_core::{
    domain::{Connection, ConnectionId, JobId, Seq, Subscription, Timestamp},
    error::PortResult,
    ports::ConnectionRegistry,
};

#[async_trait]
impl ConnectionRegistry for Faulty<dyn ConnectionRegistry> {
    async fn connect(&self, connection: &Connection) -> PortResult<()> {
        self.call("ConnectionRegistry::connect", self.inner.connect(connection)).await
    }

    async fn find(&self, id: &ConnectionId, now: Timestamp) -> PortResult<Option<Connection>> {
        self.call("ConnectionRegistry::find", self.inner.find(id, now)).await
    }

    async fn disconnect(&self, id: &ConnectionId) -> PortResult<()> {
        self.call("ConnectionRegistry::disconnect", self.inner.disconnect(id)).await
    }

    async fn subscribe(&self, subscription: &Subscription) -> PortResult<()> {
        self.call("ConnectionRegistry::subscribe", self.inner.subscribe(subscription)).await
    }

    async fn unsubscribe(&self, id: &ConnectionId, job_id: &JobId) -> PortResult<()> {
        self.call("ConnectionRegistry::unsubscribe", self.inner.unsubscribe(id, job_id)).await
    }

    async fn listeners(&self, job_id: &JobId, now: Timestamp) -> PortResult<Vec<Subscription>> {
        self.call("ConnectionRegistry::listeners", self.inner.listeners(job_id, now)).await
    }

    async fn advance(&self, id: &ConnectionId, job_id: &JobId, seq: Seq) -> PortResult<()> {
        self.call("ConnectionRegistry::advance", self.inner.advance(id, job_id, seq)).await
    }
}
