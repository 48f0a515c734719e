//! One saved image.

use crate::domain::{ImageId, OwnerId, SavedImage, Timestamp};
use crate::error::{Error, Result};
use crate::ports::Ports;

/// The owner's image `id`, in the trash or not.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Port`].
pub async fn find_image(ports: &Ports, owner: &OwnerId, id: &ImageId, now: Timestamp) -> Result<SavedImage> {
    ports.metadata.find(owner, id, now).await?.ok_or(Error::NotFound("image"))
}
