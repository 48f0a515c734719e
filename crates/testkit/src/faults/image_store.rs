//! A [`ImageStore`] that fails on demand.

use super::Faulty;
use async_trait::async_trait;
use bytes::Bytes;
use tintype_core::{
    domain::{Blob, BlobId, Timestamp},
    error::PortResult,
    ports::{BlobInfo, BlobReader, ImageStore},
};

#[async_trait]
impl ImageStore for Faulty<dyn ImageStore> {
    async fn put(&self, blob: &Blob, now: Timestamp) -> PortResult<()> {
        self.call("ImageStore::put", self.inner.put(blob, now)).await
    }

    async fn get(&self, id: &BlobId) -> PortResult<Bytes> {
        self.call("ImageStore::get", self.inner.get(id)).await
    }

    async fn open(&self, id: &BlobId) -> PortResult<Box<dyn BlobReader>> {
        self.call("ImageStore::open", self.inner.open(id)).await
    }

    async fn find(&self, id: &BlobId) -> PortResult<Option<BlobInfo>> {
        self.call("ImageStore::find", self.inner.find(id)).await
    }

    async fn delete(&self, id: &BlobId, put_before: Timestamp) -> PortResult<bool> {
        self.call("ImageStore::delete", self.inner.delete(id, put_before)).await
    }

    async fn quarantine(&self, id: &BlobId, put_before: Timestamp, now: Timestamp) -> PortResult<bool> {
        self.call("ImageStore::quarantine", self.inner.quarantine(id, put_before, now)).await
    }

    async fn purge_quarantine(&self, quarantined_before: Timestamp, limit: u32) -> PortResult<u32> {
        self.call("ImageStore::purge_quarantine", self.inner.purge_quarantine(quarantined_before, limit))
            .await
    }

    async fn list(&self, after: Option<BlobId>, limit: u32) -> PortResult<Vec<BlobInfo>> {
        self.call("ImageStore::list", self.inner.list(after, limit)).await
    }
}
