//! A [`PictureSigner`] that fails on demand.

use super::Faulty;
use async_trait::async_trait;
use tintype_core::{domain::Blob, error::PortResult, ports::PictureSigner};

#[async_trait]
impl PictureSigner for Faulty<dyn PictureSigner> {
    async fn sign(&self, picture: &Blob, title: &str) -> PortResult<Blob> {
        self.call("PictureSigner::sign", self.inner.sign(picture, title)).await
    }
}
