//! The port to where pictures' bytes are.

use crate::domain::{Blob, BlobId, Timestamp};
use crate::error::PortResult;
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt::Debug;

/// Keeps bytes under their own hash.
///
/// # Contract
/// - A `put` that returned is durable and seen by every later call.
/// - Atomic: a reader sees all of a blob's bytes or none.
/// - Putting bytes that are there already stores nothing new, and counts as putting them now.
/// - What is read matches its address, or is an error. That holds for a part as for the whole.
/// - Deleting what is not there is success.
/// - A blob in quarantine is not found, read or listed. Putting its bytes again stores them anew.
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

    /// A reader of the bytes at `id`, for a caller that must not hold all of them at once.
    ///
    /// # Errors
    /// As [`get`](Self::get): the bytes are compared with their address before the reader is given out.
    async fn open(&self, id: &BlobId) -> PortResult<Box<dyn BlobReader>>;

    /// What is known of the blob at `id`; `None` if there is none.
    async fn find(&self, id: &BlobId) -> PortResult<Option<BlobInfo>>;

    /// Removes the blob at `id` unless it was put at or after `put_before`: a writer that just put it is about to
    /// point at it. A store that is being copied may leave it too. Says whether the store is without it now.
    async fn delete(&self, id: &BlobId, put_before: Timestamp) -> PortResult<bool>;

    /// Moves the blob at `id` into quarantine unless it was put at or after `put_before`; `now` is when its time there
    /// begins. Says whether the store is without it now.
    async fn quarantine(&self, id: &BlobId, put_before: Timestamp, now: Timestamp) -> PortResult<bool>;

    /// Removes for good up to `limit` blobs that were moved into quarantine before `quarantined_before`; returns how
    /// many. A store whose own lifecycle rules do that removes none here.
    async fn purge_quarantine(&self, quarantined_before: Timestamp, limit: u32) -> PortResult<u32>;

    /// Up to `limit` blobs in order of their addresses, from the one after `after`.
    async fn list(&self, after: Option<BlobId>, limit: u32) -> PortResult<Vec<BlobInfo>>;
}

/// Reads the bytes of one blob in parts.
///
/// # Contract
/// - Every part is of the bytes that match the blob's address. A blob that is removed or damaged while it is read gives
///   these bytes or an error, never others.
/// - A reader between two reads holds no bytes and no open file, unless its store can only read a blob as a whole.
///
/// # Errors
/// As [`ImageStore::get`]. Where the blob is gone, [`NotFound`](crate::ErrorKind::NotFound).
///
/// # Cancellation
/// Dropping a future stops waiting. A read changes nothing.
#[async_trait]
pub trait BlobReader: Debug + Send + Sync {
    /// The blob's length in bytes.
    fn bytes(&self) -> u64;

    /// The bytes from `start` on: `most` of them, fewer where the blob ends before, none from its end on.
    async fn read(&self, start: u64, most: usize) -> PortResult<Bytes>;
}

/// A reader of bytes that are in memory already, for a store that can only read a blob as a whole.
#[derive(Clone, Debug)]
pub struct WholeBlob(pub Bytes);

#[async_trait]
impl BlobReader for WholeBlob {
    fn bytes(&self) -> u64 {
        self.0.len() as u64
    }

    async fn read(&self, start: u64, most: usize) -> PortResult<Bytes> {
        let start = usize::try_from(start).unwrap_or(usize::MAX).min(self.0.len());
        let end = start.saturating_add(most).min(self.0.len());
        Ok(self.0.slice(start..end))
    }
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
