//! A [`VariantCache`] that fails on demand.

use super::Faulty;
use async_trait::async_trait;
use bytes::Bytes;
use tintype_core::{domain::Variant, error::PortResult, ports::VariantCache};

#[async_trait]
impl VariantCache for Faulty<dyn VariantCache> {
    async fn get(&self, variant: &Variant) -> PortResult<Option<Bytes>> {
        self.call("VariantCache::get", self.inner.get(variant)).await
    }

    async fn put(&self, variant: &Variant, bytes: Bytes) -> PortResult<()> {
        self.call("VariantCache::put", self.inner.put(variant, bytes)).await
    }
}
