//! A [`TextEmbedder`] that fails on demand.

use super::Faulty;
use async_trait::async_trait;
use tintype_core::{
    domain::{Space, Understood},
    error::PortResult,
    ports::TextEmbedder,
};

#[async_trait]
impl TextEmbedder for Faulty<dyn TextEmbedder> {
    fn space(&self) -> Space {
        self.inner.space()
    }

    fn score_min(&self) -> f32 {
        self.inner.score_min()
    }

    async fn embed(&self, text: &str) -> PortResult<Understood> {
        self.call("TextEmbedder::embed", self.inner.embed(text)).await
    }
}
