//! Links to this server itself. There is nothing to sign: the server checks who asks.

use async_trait::async_trait;
use tintype_core::{
    PortResult,
    domain::Timestamp,
    ports::{LinkSigner, LinkTarget},
};

/// Gives the server's own paths.
#[derive(Clone, Copy, Debug, Default)]
pub struct PathLinkSigner;

#[async_trait]
impl LinkSigner for PathLinkSigner {
    async fn sign(&self, target: &LinkTarget, _now: Timestamp) -> PortResult<String> {
        Ok(match target {
            LinkTarget::JobImage { job_id, index, .. } => format!("/jobs/{job_id}/images/{index}"),
            LinkTarget::Original { image_id, .. } => format!("/images/{image_id}/content"),
            LinkTarget::Thumbnail { image_id, .. } => format!("/images/{image_id}/content?variant=thumbnail"),
        })
    }
}
