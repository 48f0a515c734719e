//! Removing an image for good.

use super::{release_blob::release_blob, trash_image::to_trash};
use crate::domain::{Expected, ImageId, OwnerId, Timestamp, Version};
use crate::error::{Error, ErrorKind, PortError, Result};
use crate::ports::Ports;

/// How often the removal is repeated when a concurrent update came first. From the second time on the image is in the
/// trash, where only other removals and restores change it.
const TRIES: u32 = 5;

/// Removes the owner's image, in the trash or not, and its bytes if nothing else refers to them. Bytes that were put
/// within [`BLOB_GRACE`](crate::domain::limits::BLOB_GRACE) are left to the sweep.
///
/// Where others change the image at the same time, and no version is `expected`, it goes to the trash first, and stays
/// there if it can't be removed.
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
    let expected = Expected::of(expected);
    for _ in 0..TRIES {
        let image = ports.metadata.find(owner, id, now).await?.ok_or(Error::NotFound("image"))?;
        expected.check(image.version)?;
        match ports.metadata.delete(owner, id, image.version).await {
            Ok(()) => {
                // The image is gone; bytes that can't be removed just now go with a later sweep.
                drop(release_blob(ports, &image.sha256, now).await);
                return Ok(());
            }
            // Edits of an image in the trash are refused, so its version stays.
            Err(error) if error.kind() == ErrorKind::Conflict && expected == Expected::Any => {
                ports.metadata.change(owner, id, &to_trash(now)).await??;
            }
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    let message = "too many concurrent updates of this image; retry";
    Err(PortError::new(ErrorKind::Conflict, "MetadataRepo::delete", message).into())
}
