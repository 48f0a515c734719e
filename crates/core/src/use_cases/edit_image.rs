//! Changing what is known of a saved image.

use super::collections::{check_wanted, collections_there};
use crate::domain::{
    CollectionId, Expected, ImageChange, ImageEdit, ImageId, OwnerId, Refusal, SavedImage, Timestamp, Version,
};
use crate::error::Result;
use crate::ports::Ports;
use std::collections::HashSet;

/// Applies `edit` to the owner's image. With `expected`, only if its version still is one of
/// those.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound), also for an image in the trash,
/// [`Error::Invalid`](crate::Error::Invalid), [`Error::Stale`](crate::Error::Stale), [`Error::Port`](crate::Error::Port).
pub async fn edit_image(
    ports: &Ports,
    owner: &OwnerId,
    id: &ImageId,
    edit: &ImageEdit,
    expected: Option<&[Version]>,
    now: Timestamp,
) -> Result<SavedImage> {
    let wanted = edit.collections.as_deref().unwrap_or_default();
    let there = collections_there(ports, owner, wanted).await?;
    let edit = edit.clone();
    let change = ImageChange::new(now, move |image| match image.trashed_at {
        Some(_) => Err(Refusal::NotFound("image; it is in the trash: restore it first")),
        None => Ok(without_deleted(&edit, image, &there)?.apply(image, now)?),
    });
    Ok(ports.metadata.change(owner, id, &change.expecting(Expected::of(expected))).await??)
}

/// The edit without the collections that the image is in and that were deleted since. Refuses others that the owner does
/// not have.
fn without_deleted(
    edit: &ImageEdit,
    image: &SavedImage,
    there: &HashSet<CollectionId>,
) -> Result<ImageEdit, Refusal> {
    let mut edit = edit.clone();
    if let Some(wanted) = &mut edit.collections {
        check_wanted("/collections", wanted, there, &image.collections)?;
        wanted.retain(|id| there.contains(id));
    }
    Ok(edit)
}
