//! A [`CollectionRepo`] that fails on demand.

use super::Faulty;
use async_trait::async_trait;
use tintype_core::{
    domain::{Collection, CollectionId, OwnerId, Version},
    error::PortResult,
    ports::CollectionRepo,
};

#[async_trait]
impl CollectionRepo for Faulty<dyn CollectionRepo> {
    async fn insert(&self, collection: &Collection) -> PortResult<()> {
        self.call("CollectionRepo::insert", self.inner.insert(collection)).await
    }

    async fn find(&self, owner: &OwnerId, id: &CollectionId) -> PortResult<Option<Collection>> {
        self.call("CollectionRepo::find", self.inner.find(owner, id)).await
    }

    async fn list(&self, owner: &OwnerId) -> PortResult<Vec<Collection>> {
        self.call("CollectionRepo::list", self.inner.list(owner)).await
    }

    async fn update(&self, collection: &Collection, expected: Version) -> PortResult<()> {
        self.call("CollectionRepo::update", self.inner.update(collection, expected)).await
    }

    async fn delete(&self, owner: &OwnerId, id: &CollectionId, expected: Version) -> PortResult<()> {
        self.call("CollectionRepo::delete", self.inner.delete(owner, id, expected)).await
    }
}
