//! A [`MetadataRepo`] that fails on demand.

use super::Faulty;
use async_trait::async_trait;
use tintype_core::{
    domain::{
        BlobId, ImageChange, ImageId, ImageQuery, OwnerId, Page, Refusal, SavedImage, Timeline, Timestamp,
        Version,
    },
    error::PortResult,
    ports::{InsertedImage, MetadataRepo},
};

#[async_trait]
impl MetadataRepo for Faulty<dyn MetadataRepo> {
    async fn insert(&self, image: &SavedImage) -> PortResult<InsertedImage> {
        self.call("MetadataRepo::insert", self.inner.insert(image)).await
    }

    async fn find(&self, owner: &OwnerId, id: &ImageId, now: Timestamp) -> PortResult<Option<SavedImage>> {
        self.call("MetadataRepo::find", self.inner.find(owner, id, now)).await
    }

    async fn list(
        &self,
        owner: &OwnerId,
        query: &ImageQuery,
        now: Timestamp,
    ) -> PortResult<Page<SavedImage>> {
        self.call("MetadataRepo::list", self.inner.list(owner, query, now)).await
    }

    async fn timeline(&self, owner: &OwnerId, query: &ImageQuery, now: Timestamp) -> PortResult<Timeline> {
        self.call("MetadataRepo::timeline", self.inner.timeline(owner, query, now)).await
    }

    async fn change(
        &self,
        owner: &OwnerId,
        id: &ImageId,
        change: &ImageChange,
    ) -> PortResult<Result<SavedImage, Refusal>> {
        self.call("MetadataRepo::change", self.inner.change(owner, id, change)).await
    }

    async fn delete(&self, owner: &OwnerId, id: &ImageId, expected: Version) -> PortResult<()> {
        self.call("MetadataRepo::delete", self.inner.delete(owner, id, expected)).await
    }

    async fn refers_to(&self, blob: &BlobId) -> PortResult<bool> {
        self.call("MetadataRepo::refers_to", self.inner.refers_to(blob)).await
    }

    async fn is_released(&self, blob: &BlobId) -> PortResult<bool> {
        self.call("MetadataRepo::is_released", self.inner.is_released(blob)).await
    }

    async fn released(&self, after: Option<BlobId>, limit: u32) -> PortResult<Vec<BlobId>> {
        self.call("MetadataRepo::released", self.inner.released(after, limit)).await
    }

    async fn forget_release(&self, blob: &BlobId) -> PortResult<()> {
        self.call("MetadataRepo::forget_release", self.inner.forget_release(blob)).await
    }

    async fn purge(&self, trashed_before: Timestamp, limit: u32) -> PortResult<Vec<BlobId>> {
        self.call("MetadataRepo::purge", self.inner.purge(trashed_before, limit)).await
    }
}
