//! The port to where pictures' bytes are.

use crate::domain::{Blob, BlobId, Timestamp};
use crate::error::PortResult;
use async_trait::async_trait;
use bytes::Bytes;
use std::{fmt::Debug, ops::Range};

/// Keeps bytes under their own hash.
///
/// # Contract
/// - A `put` that returned is durable and seen by every later call.
/// - Atomic: a reader sees all of a blob's bytes or none.
/// - Putting bytes that are there already stores nothing new, and counts as putting them now.
/// - What is read matches its address, or is an error.
/// - Deleting what is not there is success.
///
/// # Errors
/// Any method: [`Denied`](crate::ErrorKind::Denied), [`Throttled`](crate::ErrorKind::Throttled),
/// [`Unavailable`](crate::ErrorKind::Unavailable). Where there is no space, `put` of new bytes is
/// [`Exhausted`](crate::ErrorKind::Exhausted); reading and `delete` need none. Others are named at the method.
///
/// # Cancellation
/// Dropping a future stops waiting, not the work: a write may still land. Every write can be repeated.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait ImageStore: Debug + Send + Sync + 'static {
    /// Stores `blob`; `now` is when it counts as put.
    async fn put(&self, blob: &Blob, now: Timestamp) -> PortResult<()>;

    /// The bytes at `id`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there are none, [`Data`](crate::ErrorKind::Data) if they do not
    /// match their address.
    async fn get(&self, id: &BlobId) -> PortResult<Bytes>;

    /// The bytes at `id` from `range.start` up to, not including, `range.end`; fewer where the blob ends before.
    /// A part is not compared with the address.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such blob, [`Invalid`](crate::ErrorKind::Invalid) if
    /// the range starts at or past the blob's end, or is empty.
    async fn get_range(&self, id: &BlobId, range: Range<u64>) -> PortResult<Bytes>;

    /// What is known of the blob at `id`; `None` if there is none.
    async fn find(&self, id: &BlobId) -> PortResult<Option<BlobInfo>>;

    /// Removes the blob at `id` unless it was put at or after `put_before`: a writer that just put it is about to
    /// point at it. A store that is being copied may leave it too. Says whether the store is without it now.
    async fn delete(&self, id: &BlobId, put_before: Timestamp) -> PortResult<bool>;

    /// Up to `limit` blobs in order of their addresses, from the one after `after`.
    async fn list(&self, after: Option<BlobId>, limit: u32) -> PortResult<Vec<BlobInfo>>;
}

/// What a store knows of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobInfo {
    /// Its address.
    pub id: BlobId,
    /// Its length in bytes.
    pub bytes: u64,
    /// When it was last put.
    pub put_at: Timestamp,
}
