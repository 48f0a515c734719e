//! Removing an image for good.

use super::{edit_image::check_version, release_blob::release_blob};
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
    expected: Option<Version>,
    now: Timestamp,
) -> Result<()> {
    let image = ports.metadata.find(owner, id, now).await?.ok_or(Error::NotFound("image"))?;
    check_version(&image, expected)?;
    let deleted = ports.metadata.delete(owner, id, image.version).await;
    deleted.map_err(|error| {
        if error.kind() == ErrorKind::Conflict {
            Error::NotReady("the image was just changed by someone else; try again".to_owned())
        } else {
            error.into()
        }
    })?;
    release_blob(ports, &image.sha256, now).await?;
    Ok(())
}
