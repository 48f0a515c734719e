//! Unlinking of blobs whose last reference was removed.

use crate::domain::{BlobId, Timestamp, limits};
use crate::error::PortResult;
use crate::ports::Ports;

/// What the records say of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// A job refers to it.
    HeldByJob,
    /// An image has it.
    HeldByImage,
    /// Nothing refers to it, and the removal of its last reference is on record.
    Released,
    /// Nothing refers to it, and nothing says that anything ever did.
    Orphan,
}

/// What the records of jobs and images say of `blob`.
pub(super) async fn claim(ports: &Ports, blob: &BlobId) -> PortResult<Claim> {
    if ports.jobs.refers_to(blob).await? {
        return Ok(Claim::HeldByJob);
    }
    if ports.metadata.refers_to(blob).await? {
        return Ok(Claim::HeldByImage);
    }
    let is_released = ports.jobs.is_released(blob).await? || ports.metadata.is_released(blob).await?;
    Ok(if is_released { Claim::Released } else { Claim::Orphan })
}

/// Unlinks `blob` if it is [released](Claim::Released) and was not put within [`BLOB_GRACE`](limits::BLOB_GRACE): then a
/// writer may be about to refer to it. Says whether the blob is gone.
pub(super) async fn release_blob(ports: &Ports, blob: &BlobId, now: Timestamp) -> PortResult<bool> {
    // Taken before the claim is read: a blob that is put from here on is newer, and stays.
    let put_before = now.before(limits::BLOB_GRACE);
    match claim(ports, blob).await? {
        Claim::Orphan => return Ok(false),
        // The repository that still refers to the blob records its own release; the other one's record has no use.
        Claim::HeldByJob => {
            ports.metadata.forget_release(blob).await?;
            return Ok(false);
        }
        Claim::HeldByImage => {
            ports.jobs.forget_release(blob).await?;
            return Ok(false);
        }
        Claim::Released => {}
    }
    if !ports.images.delete(blob, put_before).await? {
        return Ok(false);
    }
    ports.jobs.forget_release(blob).await?;
    ports.metadata.forget_release(blob).await?;
    Ok(true)
}
