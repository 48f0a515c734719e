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

    async fn get(&self, owner: &OwnerId, id: &ImageId) -> PortResult<Option<Embedding>> {
        self.call("VectorIndex::get", self.inner.get(owner, id)).await
    }

    async fn nearest(&self, owner: &OwnerId, to: &Embedding, limit: u32) -> PortResult<Vec<Near>> {
        self.call("VectorIndex::nearest", self.inner.nearest(owner, to, limit)).await
    }
}
