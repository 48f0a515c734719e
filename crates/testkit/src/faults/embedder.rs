//! An [`Embedder`] that fails on demand.

use super::Faulty;
use async_trait::async_trait;
use tintype_core::{
    domain::{Blob, Embedding, Space},
    error::PortResult,
    ports::Embedder,
};

#[async_trait]
impl Embedder for Faulty<dyn Embedder> {
    fn space(&self) -> Space {
        self.inner.space()
    }

    async fn embed(&self, picture: &Blob) -> PortResult<Option<Embedding>> {
        self.call("Embedder::embed", self.inner.embed(picture)).await
    }
}
