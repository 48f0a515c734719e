//! Looking at pictures on this machine.

use async_trait::async_trait;
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{Blob, Embedding, Space},
    imaging::{ImageLimits, look, look_space},
    ports::Embedder,
};
use tokio::task::spawn_blocking;

/// An [`Embedder`] of how pictures look, by core's [`look`]: without a model.
#[derive(Clone, Copy, Debug, Default)]
pub struct LookEmbedder {
    limits: ImageLimits,
}

impl LookEmbedder {
    /// Looks at images within `limits`.
    pub const fn new(limits: ImageLimits) -> Self {
        Self { limits }
    }
}

#[async_trait]
impl Embedder for LookEmbedder {
    fn space(&self) -> Space {
        look_space()
    }

    async fn embed(&self, picture: &Blob) -> PortResult<Option<Embedding>> {
        let (picture, limits) = (picture.clone(), self.limits);
        let looked = spawn_blocking(move || look(picture.bytes(), picture.content_type(), &limits)).await;
        looked.unwrap_or_else(|error| {
            let message = "looking at the picture ended in a panic";
            Err(PortError::new(ErrorKind::Internal, "Embedder::embed", message).with_source(error))
        })
    }
}
