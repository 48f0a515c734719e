//! A [`CredentialRepo`] that fails on demand.

use super::Faulty;
use async_trait::async_trait;
use tintype_core::{
    domain::{ApiKey, BlobId, KeyPlace, Ticket, Timestamp},
    error::PortResult,
    ports::CredentialRepo,
};

#[async_trait]
impl CredentialRepo for Faulty<dyn CredentialRepo> {
    async fn add_key(&self, key: &ApiKey) -> PortResult<()> {
        self.call("CredentialRepo::add_key", self.inner.add_key(key)).await
    }

    async fn find_key(&self, hash: &BlobId, now: Timestamp) -> PortResult<Option<ApiKey>> {
        self.call("CredentialRepo::find_key", self.inner.find_key(hash, now)).await
    }

    async fn list_keys(
        &self,
        after: Option<KeyPlace>,
        limit: u32,
        now: Timestamp,
    ) -> PortResult<Vec<ApiKey>> {
        self.call("CredentialRepo::list_keys", self.inner.list_keys(after, limit, now)).await
    }

    async fn remove_key(&self, hash: &BlobId) -> PortResult<()> {
        self.call("CredentialRepo::remove_key", self.inner.remove_key(hash)).await
    }

    async fn add_ticket(&self, ticket: &Ticket, now: Timestamp) -> PortResult<()> {
        self.call("CredentialRepo::add_ticket", self.inner.add_ticket(ticket, now)).await
    }

    async fn take_ticket(&self, hash: &BlobId, now: Timestamp) -> PortResult<Option<Ticket>> {
        self.call("CredentialRepo::take_ticket", self.inner.take_ticket(hash, now)).await
    }
}
