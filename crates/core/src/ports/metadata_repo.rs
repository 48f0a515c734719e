//! The port to what is known of saved images.

use crate::domain::{
    BlobId, ImageChange, ImageId, ImageQuery, OwnerId, Page, Refusal, SavedImage, Timeline, Timestamp,
    Version,
};
use crate::error::PortResult;
use async_trait::async_trait;
use std::fmt::Debug;

/// Keeps the records of saved images.
///
/// # Contract
/// - A write that returned is durable and seen by every later call.
/// - An owner has one image per content address, trashed or not.
/// - Another owner's image is as one that does not exist.
/// - A trashed image is in the trash only, and past its retention nowhere, even while the store still holds it.
/// - A write that removes the last image with a content address records the blob as released, in the same transaction.
///   A blob without such a record is no one's to delete.
/// - Pages are by keyset: nothing is shown twice or left out while images are added, and a page costs the same at
///   any depth.
///
/// # Errors
/// Any method: [`Denied`](crate::ErrorKind::Denied), [`Throttled`](crate::ErrorKind::Throttled),
/// [`Unavailable`](crate::ErrorKind::Unavailable), [`Data`](crate::ErrorKind::Data). Where there is no space, `insert` of a
/// new image and an `update` to a longer record are [`Exhausted`](crate::ErrorKind::Exhausted); the trash, restoring and removing
/// need none. Others are named at the method.
///
/// # Cancellation
/// Dropping a future stops waiting, not the work: a write may still land. Every write can be repeated.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait MetadataRepo: Debug + Send + Sync + 'static {
    /// Adds `image`, unless its owner has one with the same content address: then that one is returned unchanged,
    /// also where it is in the trash past its retention: the use case decides what becomes of it.
    async fn insert(&self, image: &SavedImage) -> PortResult<InsertedImage>;

    /// The owner's image `id`, in the trash or not; `None` if there is none.
    async fn find(&self, owner: &OwnerId, id: &ImageId, now: Timestamp) -> PortResult<Option<SavedImage>>;

    /// A page of the owner's images, by the time they were saved.
    async fn list(&self, owner: &OwnerId, query: &ImageQuery, now: Timestamp)
    -> PortResult<Page<SavedImage>>;

    /// How the owner's list of `query` lies in time, from its start on and in pages of `query.limit`. Its cost grows with
    /// the list; a store may stop counting at a number that it documents. Images that were trashed longer ago than they are
    /// kept may be counted until they are purged.
    async fn timeline(&self, owner: &OwnerId, query: &ImageQuery, now: Timestamp) -> PortResult<Timeline>;

    /// Applies `change` to the record of the owner's image `id` that is stored when the change is written, and returns the
    /// record as it is then. No other write comes between reading and writing: of concurrent changes each is applied once,
    /// and of those that expect the same version one is applied and the others are [`Refusal::Stale`].
    ///
    /// - [`ImageChange::apply`] decides, and sets the version and the time of the change.
    /// - A change that alters nothing is not written.
    /// - A refused change leaves the record as it is.
    /// - A change that is repeated is applied to what is stored then: one that expects a version is then stale.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) from a store without a single writer, if other writers came first for
    /// several seconds: nothing was written, the caller may repeat the change.
    async fn change(
        &self,
        owner: &OwnerId,
        id: &ImageId,
        change: &ImageChange,
    ) -> PortResult<Result<SavedImage, Refusal>>;

    /// Removes the record of the owner's image, if the stored version still is `expected`, and records its blob as
    /// released. A missing image is success.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) if another writer came first.
    async fn delete(&self, owner: &OwnerId, id: &ImageId, expected: Version) -> PortResult<()>;

    /// Whether any image of any owner has this content address, trashed ones included.
    async fn refers_to(&self, blob: &BlobId) -> PortResult<bool>;

    /// Whether a release of `blob` is recorded here: an image had it, and a transaction of this repository removed that
    /// image. A record that is older than the blob's last put proves nothing where an adapter can tell.
    async fn is_released(&self, blob: &BlobId) -> PortResult<bool>;

    /// Up to `limit` blobs with a release record, in order of their addresses, from the one after `after`.
    async fn released(&self, after: Option<BlobId>, limit: u32) -> PortResult<Vec<BlobId>>;

    /// Removes the release record of `blob`, once the blob is unlinked or referred to again. A missing record is success.
    async fn forget_release(&self, blob: &BlobId) -> PortResult<()>;

    /// Removes up to `limit` images that were trashed before `trashed_before`, records their blobs as released, and
    /// returns the addresses they had.
    async fn purge(&self, trashed_before: Timestamp, limit: u32) -> PortResult<Vec<BlobId>>;
}

/// What became of an insertion.
#[derive(Clone, Debug, PartialEq)]
pub enum InsertedImage {
    /// The image was added.
    Created,
    /// The owner had one with the same bytes: this.
    Existing(Box<SavedImage>),
}
