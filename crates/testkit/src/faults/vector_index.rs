//! A [`VectorIndex`] that fails on demand.

use super::Faulty;
use async_trait::async_trait;
use tintype_core::{
    domain::{Embedding, ImageId, Near, OwnerId, Space, Version},
    error::PortResult,
    ports::VectorIndex,
};

#[async_trait]
impl VectorIndex for Faulty<dyn VectorIndex> {
    async fn use_space(&self, space: &Space) -> PortResult<()> {
        self.call("VectorIndex::use_space", self.inner.use_space(space)).await
    }

    async fn waiting(&self, limit: u32) -> PortResult<Vec<(OwnerId, ImageId)>> {
        self.call("VectorIndex::waiting", self.inner.waiting(limit)).await
    }

    async fn put(
        &self,
        owner: &OwnerId,
        id: &ImageId,
        of: Option<Version>,
        vector: Option<Embedding>,
    ) -> PortResult<()> {
        self.call("VectorIndex::put", self.inner.put(owner, id, of, vector)).await
    }

    async fn begin(&self, id: &ImageId) -> PortResult<u32> {
        self.call("VectorIndex::begin", self.inner.begin(id)).await
    }

    async fn end(&self, id: &ImageId) -> PortResult<()> {
        self.call("VectorIndex::end", self.inner.end(id)).await
    }

    async fn take_back(&self, id: &ImageId) -> PortResult<()> {
        self.call("VectorIndex::take_back", self.inner.take_back(id)).await
    }

    async fn take_all_back(&self) -> PortResult<()> {
        self.call("VectorIndex::take_all_back", self.inner.take_all_back()).await
    }

    async fn give_up(&self, owner: &OwnerId, id: &ImageId, reason: &str) -> PortResult<()> {
        self.call("VectorIndex::give_up", self.inner.give_up(owner, id, reason)).await
    }

    async fn given_up(&self, owner: &OwnerId, id: &ImageId) -> PortResult<Option<String>> {
        self.call("VectorIndex::given_up", self.inner.given_up(owner, id)).await
    }

    async fn get(&self, owner: &OwnerId, id: &ImageId) -> PortResult<Option<Embedding>> {
        self.call("VectorIndex::get", self.inner.get(owner, id)).await
    }

    async fn nearest(&self, owner: &OwnerId, to: &Embedding, limit: u32) -> PortResult<Vec<Near>> {
        self.call("VectorIndex::nearest", self.inner.nearest(owner, to, limit)).await
    }
}
