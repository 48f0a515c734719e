//! Links that lead to the API itself, made to work for clients that find it elsewhere than at its host's root.

use async_trait::async_trait;
use std::sync::Arc;
use tintype_core::{
    domain::Timestamp,
    error::PortResult,
    ports::{LinkSigner, LinkTarget},
};

/// A [`LinkSigner`] whose paths are below a root. Links that lead elsewhere stay as they are.
#[derive(Debug)]
pub(crate) struct PublicLinks {
    inner: Arc<dyn LinkSigner>,
    root: String,
}

impl PublicLinks {
    pub(crate) fn new(inner: Arc<dyn LinkSigner>, root: &str) -> Self {
        Self { inner, root: root.to_owned() }
    }
}

#[async_trait]
impl LinkSigner for PublicLinks {
    async fn sign(&self, target: &LinkTarget, now: Timestamp) -> PortResult<String> {
        let link = self.inner.sign(target, now).await?;
        Ok(if link.starts_with('/') { format!("{}{link}", self.root) } else { link })
    }
}
