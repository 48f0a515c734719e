//! The port to the vectors of saved images.

use crate::domain::{Embedding, ImageId, Near, OwnerId, Space, Version};
use crate::error::PortResult;
use async_trait::async_trait;
use std::fmt::Debug;

/// Keeps a vector for each saved image, and finds the nearest.
///
/// # Contract
/// - An image that is saved waits until `put` was called for it. One whose prompt changed waits again, and keeps its vector
///   meanwhile. Where the space changed, every image waits again, and the vectors of the earlier space are gone.
/// - A vector that was made of a version `of` that is not the image's any more is not kept: the image waits on. Without `of` it is
///   taken as of the present one.
/// - `put` replaces what it put before, without a vector too: then there is nothing to compare. Of an image that is gone nothing is
///   kept. A vector of another number of dimensions than the space has is not kept.
/// - `nearest` gives the owner's images alone, at most `limit`, the nearest first; of those as near, the one that was saved
///   later.
/// - Work on an image may bring its process down, so each attempt is counted before it starts: `begin` notes it durably and
///   returns how many were begun since the image became pending, this one included; 0 for an image that is not pending.
///   `put` forgets them. The end of the process leaves them counted.
/// - `end` ends an attempt that failed by the image's fault; it counts on. `take_back` is for one that failed by no fault of
///   the image: it does not count. `take_all_back` is for a worker that is stopped in good order.
/// - An image that is given up is not pending and has no vector, also after its prompt changes, until the space changes;
///   `given_up` tells why.
/// - An image that is deleted takes its vector along, and is found no more; one in the trash is.
///
/// # Errors
/// [`Unavailable`](crate::ErrorKind::Unavailable), [`Data`](crate::ErrorKind::Data); `put` where there is no
/// space: [`Exhausted`](crate::ErrorKind::Exhausted).
///
/// # Cancellation
/// A write is made or not.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait VectorIndex: Debug + Send + Sync + 'static {
    /// Says of what space the vectors are from now on.
    async fn use_space(&self, space: &Space) -> PortResult<()>;
    /// Images that wait, at most `limit`, of any owner.
    async fn waiting(&self, limit: u32) -> PortResult<Vec<(OwnerId, ImageId)>>;
    /// Notes the vector of an image of the owner's, made of its version `of`: if it still is that, it does not wait any more.
    async fn put(
        &self,
        owner: &OwnerId,
        id: &ImageId,
        of: Option<Version>,
        vector: Option<Embedding>,
    ) -> PortResult<()>;
    /// Counts an attempt at an image, and returns how many there were.
    async fn begin(&self, id: &ImageId) -> PortResult<u32>;
    /// Ends the attempt in progress at an image.
    async fn end(&self, id: &ImageId) -> PortResult<()>;
    /// Takes back the attempt in progress at an image.
    async fn take_back(&self, id: &ImageId) -> PortResult<()>;
    /// Takes back every attempt in progress.
    async fn take_all_back(&self) -> PortResult<()>;
    /// Gives an image of the owner's up, for this reason.
    async fn give_up(&self, owner: &OwnerId, id: &ImageId, reason: &str) -> PortResult<()>;
    /// Why an image of the owner's was given up; `None` if it was not.
    async fn given_up(&self, owner: &OwnerId, id: &ImageId) -> PortResult<Option<String>>;
    /// The vector of an image of the owner's.
    async fn get(&self, owner: &OwnerId, id: &ImageId) -> PortResult<Option<Embedding>>;
    /// The owner's images nearest to `to`.
    async fn nearest(&self, owner: &OwnerId, to: &Embedding, limit: u32) -> PortResult<Vec<Near>>;
}
