//! `memory:` URLs that say what they lead to. Nothing serves them.

use async_trait::async_trait;
use tintype_core::{
    PortResult,
    domain::Timestamp,
    ports::{LinkSigner, LinkTarget},
};

/// A [`LinkSigner`] whose URLs a test can read.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryLinks;

#[async_trait]
impl LinkSigner for MemoryLinks {
    async fn sign(&self, target: &LinkTarget, _: Timestamp) -> PortResult<String> {
        Ok(match target {
            LinkTarget::JobImage { job_id, index, .. } => format!("memory:/jobs/{job_id}/images/{index}"),
            LinkTarget::Original { image_id, .. } => format!("memory:/images/{image_id}/original"),
            LinkTarget::Thumbnail { image_id, .. } => format!("memory:/images/{image_id}/thumbnail"),
        })
    }
}
