//! A [`CollectionRepo`] that fails on demand.

use super::Faulty;
use async_trait::async_trait;
use tintype_core::{
    domain::{Collection, CollectionChange, CollectionId, Expected, OwnerId, Refusal},
    error::PortResult,
    ports::CollectionRepo,
};

#[async_trait]
impl CollectionRepo for Faulty<dyn CollectionRepo> {
    async fn insert(&self, collection: &Collection) -> PortResult<Result<(), Refusal>> {
        self.call("CollectionRepo::insert", self.inner.insert(collection)).await
    }

    async fn find(&self, owner: &OwnerId, id: &CollectionId) -> PortResult<Option<Collection>> {
        self.call("CollectionRepo::find", self.inner.find(owner, id)).await
    }

    async fn list(&self, owner: &OwnerId) -> PortResult<Vec<Collection>> {
        self.call("CollectionRepo::list", self.inner.list(owner)).await
    }

    async fn change(
        &self,
        owner: &OwnerId,
        id: &CollectionId,
        change: &CollectionChange,
    ) -> PortResult<Result<Collection, Refusal>> {
        self.call("CollectionRepo::change", self.inner.change(owner, id, change)).await
    }

    async fn delete(
        &self,
        owner: &OwnerId,
        id: &CollectionId,
        expected: &Expected,
    ) -> PortResult<Result<(), Refusal>> {
        self.call("CollectionRepo::delete", self.inner.delete(owner, id, expected)).await
    }
}
