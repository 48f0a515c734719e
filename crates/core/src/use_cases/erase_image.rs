//! Removing an image for good.

use super::{
    edit_image::{TRIES, check_version, too_contended},
    release_blob::release_blob,
};
use crate::domain::{ImageId, OwnerId, Timestamp, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::Ports;

/// Removes the owner's image, in the trash or not, and its bytes if nothing else refers to them. Bytes that were put
/// within [`BLOB_GRACE`](crate::domain::limits::BLOB_GRACE) are left to the sweep.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], [`Error::Port`].
pub async fn erase_image(
    ports: &Ports,
    owner: &OwnerId,
    id: &ImageId,
    expected: Option<&[Version]>,
    now: Timestamp,
) -> Result<()> {
    for _ in 0..TRIES {
        let image = ports.metadata.find(owner, id, now).await?.ok_or(Error::NotFound("image"))?;
        check_version("image", image.version, expected)?;
        match ports.metadata.delete(owner, id, image.version).await {
            Ok(()) => {
                // The image is gone; bytes that can't be removed just now go with a later sweep.
                drop(release_blob(ports, &image.sha256, now).await);
                return Ok(());
            }
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(too_contended("MetadataRepo::delete"))
}
