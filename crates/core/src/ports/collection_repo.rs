//! The port to collections of saved images.

use crate::domain::{Collection, CollectionChange, CollectionId, Expected, OwnerId, Refusal};
use crate::error::PortResult;
use async_trait::async_trait;
use std::fmt::Debug;

/// Keeps the records of collections. Which images are in one is noted in each image, and looked for with
/// [`MetadataRepo::list`](super::MetadataRepo::list).
///
/// # Contract
/// - A write that returned is durable and seen by every later call.
/// - Another owner's collection is as one that does not exist.
/// - An owner's collections have different names ([`Collection::check_name`]) and are at most
///   [`COLLECTIONS_MAX`](crate::domain::limits::COLLECTIONS_MAX), also where several are added or renamed at once.
///
/// A change or removal is applied to the record that is stored when it is written: no other write comes between.
///
/// # Errors
/// Any method: [`Denied`](crate::ErrorKind::Denied), [`Throttled`](crate::ErrorKind::Throttled),
/// [`Unavailable`](crate::ErrorKind::Unavailable), [`Data`](crate::ErrorKind::Data). A write to a store without a single
/// writer: [`Conflict`](crate::ErrorKind::Conflict), if other writers came first for several seconds. Where there is no
/// space, `insert` and a `change` to a longer record are [`Exhausted`](crate::ErrorKind::Exhausted); `delete` needs none.
/// Others are named at the method.
///
/// # Cancellation
/// Dropping a future stops waiting, not the work: a write may still land. Every write can be repeated.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait CollectionRepo: Debug + Send + Sync + 'static {
    /// Adds `collection`, if [`Collection::check_new`] allows it beside the owner's others. The very same one again is
    /// success and changes nothing. Its id was drawn: that another owner has the same does not happen, and a store need not
    /// look.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) if its id is another collection's of the owner.
    async fn insert(&self, collection: &Collection) -> PortResult<Result<(), Refusal>>;

    /// The owner's collection `id`; `None` if there is none.
    async fn find(&self, owner: &OwnerId, id: &CollectionId) -> PortResult<Option<Collection>>;

    /// All of the owner's collections, in the order of their ids: there are few.
    async fn list(&self, owner: &OwnerId) -> PortResult<Vec<Collection>>;

    /// Applies `change` to the owner's collection `id`, and returns the record as it is then. Of concurrent changes each is
    /// applied once, and of those that expect the same version one is applied and the others are [`Refusal::Stale`].
    ///
    /// - [`CollectionChange::apply`] decides, and sets the version and the time of the change.
    /// - A new name that another collection of the owner has is [`Refusal::Invalid`].
    /// - A change that alters nothing is not written.
    /// - A refused change leaves the record as it is.
    async fn change(
        &self,
        owner: &OwnerId,
        id: &CollectionId,
        change: &CollectionChange,
    ) -> PortResult<Result<Collection, Refusal>>;

    /// Removes the owner's collection, if its version is `expected`. Of concurrent removals one succeeds, and the others are
    /// [`Refusal::NotFound`], as is that of a missing collection; another version is [`Refusal::Stale`].
    async fn delete(
        &self,
        owner: &OwnerId,
        id: &CollectionId,
        expected: &Expected,
    ) -> PortResult<Result<(), Refusal>>;
}
