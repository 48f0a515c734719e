//! A [`LinkSigner`] that fails on demand.

use super::Faulty;
use async_trait::async_trait;
use tintype_core::{
    domain::Timestamp,
    error::PortResult,
    ports::{LinkSigner, LinkTarget},
};

#[async_trait]
impl LinkSigner for Faulty<dyn LinkSigner> {
    async fn sign(&self, target: &LinkTarget, now: Timestamp) -> PortResult<String> {
        self.call("LinkSigner::sign", self.inner.sign(target, now)).await
    }
}
