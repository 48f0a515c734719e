//! Putting an image in the trash.

use crate::domain::{Expected, ImageChange, ImageId, OwnerId, SavedImage, Timestamp, Version};
use crate::error::Result;
use crate::ports::Ports;

/// Puts the owner's image in the trash, from where it can be restored for
/// [`TRASH_RETENTION`](crate::domain::limits::TRASH_RETENTION). One that is there stays there.
///
/// # Errors
/// [`NotFound`](crate::Error::NotFound), [`Stale`](crate::Error::Stale), [`Port`](crate::Error::Port).
pub async fn trash_image(
    ports: &Ports,
    owner: &OwnerId,
    id: &ImageId,
    expected: Option<&[Version]>,
    now: Timestamp,
) -> Result<SavedImage> {
    let change = to_trash(now).expecting(Expected::of(expected));
    Ok(ports.metadata.change(owner, id, &change).await??)
}

/// The change that puts an image in the trash, at any version.
pub(super) fn to_trash(now: Timestamp) -> ImageChange {
    ImageChange::new(now, move |image| {
        Ok(SavedImage { trashed_at: image.trashed_at.or(Some(now)), ..image.clone() })
    })
}
