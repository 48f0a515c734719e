//! Removing bytes that nothing refers to.

use crate::domain::{BlobId, Timestamp, limits};
use crate::error::PortResult;
use crate::ports::Ports;

/// Removes the bytes at `blob` if no job and no image refers to them, and nobody just put them to point at them next.
/// Says whether they are gone.
pub(super) async fn release_blob(ports: &Ports, blob: &BlobId, now: Timestamp) -> PortResult<bool> {
    // Taken before the look at who refers: what is put from here on is newer, and stays.
    let put_before = now.before(limits::BLOB_GRACE);
    if ports.jobs.refers_to(blob).await? || ports.metadata.refers_to(blob).await? {
        return Ok(false);
    }
    ports.images.delete(blob, put_before).await
}
