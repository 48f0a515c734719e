//! Taking an image out of the trash.

use crate::domain::{ImageChange, ImageId, OwnerId, SavedImage, Timestamp};
use crate::error::Result;
use crate::ports::Ports;

/// Takes the owner's image out of the trash. One that is not in it stays as it is.
///
/// # Errors
/// [`NotFound`](crate::Error::NotFound), [`Port`](crate::Error::Port).
pub async fn restore_image(
    ports: &Ports,
    owner: &OwnerId,
    id: &ImageId,
    now: Timestamp,
) -> Result<SavedImage> {
    let change = ImageChange::new(now, |image| Ok(SavedImage { trashed_at: None, ..image.clone() }));
    Ok(ports.metadata.change(owner, id, &change).await??)
}
