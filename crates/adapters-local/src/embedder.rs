//! Looking at pictures on this machine.

use async_trait::async_trait;
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{Blob, Embedding, Space},
    imaging::{look, look_space},
    ports::Embedder,
};
use tokio::task::spawn_blocking;

/// An [`Embedder`] of how pictures look, by core's [`look`]: without a model.
#[derive(Clone, Copy, Debug, Default)]
pub struct LookEmbedder;

#[async_trait]
impl Embedder for LookEmbedder {
    fn space(&self) -> Space {
        look_space()
    }

    async fn embed(&self, picture: &Blob) -> PortResult<Option<Embedding>> {
        let picture = picture.clone();
        let looked = spawn_blocking(move || look(picture.bytes(), picture.content_type())).await;
        looked.unwrap_or_else(|error| {
            let message = "looking at the picture ended in a panic";
            Err(PortError::new(ErrorKind::Internal, "Embedder::embed", message).with_source(error))
        })
    }
}
