//! The port to collections of saved images.

use crate::domain::{Collection, CollectionId, OwnerId, Version};
use crate::error::PortResult;
use async_trait::async_trait;
use std::fmt::Debug;

/// Keeps the records of collections. Which images are in one is noted in each image, and looked for with
/// [`MetadataRepo::list`](super::MetadataRepo::list).
///
/// # Contract
/// - A write that returned is durable and seen by every later call.
/// - Another owner's collection is as one that does not exist.
///
/// # Errors
/// Any method: [`Denied`](crate::ErrorKind::Denied), [`Throttled`](crate::ErrorKind::Throttled),
/// [`Unavailable`](crate::ErrorKind::Unavailable), [`Data`](crate::ErrorKind::Data). Where there is no space, `insert` and an
/// `update` to a longer record are [`Exhausted`](crate::ErrorKind::Exhausted); `delete` needs none. Others are named at the method.
///
/// # Cancellation
/// Dropping a future stops waiting, not the work: a write may still land. Every write can be repeated.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait CollectionRepo: Debug + Send + Sync + 'static {
    /// Adds `collection`. The very same one again is success and changes nothing. Its id was drawn: that another owner has the
    /// same does not happen, and a store need not look.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) if its id is another collection's of the owner.
    async fn insert(&self, collection: &Collection) -> PortResult<()>;

    /// The owner's collection `id`; `None` if there is none.
    async fn find(&self, owner: &OwnerId, id: &CollectionId) -> PortResult<Option<Collection>>;

    /// All of the owner's collections, in the order of their ids: there are few.
    async fn list(&self, owner: &OwnerId) -> PortResult<Vec<Collection>>;

    /// Replaces the record of `collection`, if the stored version still is `expected`. `collection.version` is the new one.
    /// Where the stored record is `collection` already it is success and changes nothing: the call was repeated.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) if another writer came first,
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such collection.
    async fn update(&self, collection: &Collection, expected: Version) -> PortResult<()>;

    /// Removes the owner's collection, if the stored version still is `expected`. A missing one is success.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) if another writer came first.
    async fn delete(&self, owner: &OwnerId, id: &CollectionId, expected: Version) -> PortResult<()>;
}
