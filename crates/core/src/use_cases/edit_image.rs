//! Changing what is known of a saved image.

use super::collections::check_collections;
use crate::domain::{ImageEdit, ImageId, OwnerId, SavedImage, Timestamp, Version};
use crate::error::{Error, ErrorKind, PortError, Result};
use crate::ports::Ports;

/// How often a change without `If-Match` is tried when other writers come first.
pub(super) const TRIES: u32 = 5;

/// Applies `edit` to the owner's image. With `expected`, only if its version still is one of
/// those.
///
/// # Errors
/// [`Error::NotFound`], also for an image in the trash, [`Error::Invalid`], [`Error::Stale`], [`Error::Port`].
pub async fn edit_image(
    ports: &Ports,
    owner: &OwnerId,
    id: &ImageId,
    edit: &ImageEdit,
    expected: Option<&[Version]>,
    now: Timestamp,
) -> Result<SavedImage> {
    let edit = &without_deleted(ports, owner, id, edit, now).await?;
    change(ports, owner, id, expected, now, |image| match image.trashed_at {
        Some(_) => Err(Error::NotFound("image; it is in the trash: restore it first")),
        None => Ok(edit.apply(image, now)?),
    })
    .await
}

/// The change without the collections that the image is in and that were deleted since. Refuses others that the owner does
/// not have.
async fn without_deleted(
    ports: &Ports,
    owner: &OwnerId,
    id: &ImageId,
    edit: &ImageEdit,
    now: Timestamp,
) -> Result<ImageEdit> {
    let mut edit = edit.clone();
    if let Some(wanted) = edit.collections.as_mut().filter(|wanted| !wanted.is_empty()) {
        let image = ports.metadata.find(owner, id, now).await?.ok_or(Error::NotFound("image"))?;
        let there = check_collections(ports, owner, "/collections", wanted, &image.collections).await?;
        wanted.retain(|id| there.contains(id));
    }
    Ok(edit)
}

/// Reads the image, changes it and writes it back, again where another writer came first. A change that leaves it as
/// it was is not written. The version and the time of the change are set here.
pub(super) async fn change(
    ports: &Ports,
    owner: &OwnerId,
    id: &ImageId,
    expected: Option<&[Version]>,
    now: Timestamp,
    edit: impl Fn(&SavedImage) -> Result<SavedImage> + Send,
) -> Result<SavedImage> {
    for _ in 0..TRIES {
        let image = ports.metadata.find(owner, id, now).await?.ok_or(Error::NotFound("image"))?;
        check_version("image", image.version, expected)?;
        let mut edited = edit(&image)?;
        edited.version = image.version;
        edited.updated_at = image.updated_at;
        if edited == image {
            return Ok(image);
        }
        edited.version = image.version.next();
        edited.updated_at = now;
        match ports.metadata.update(&edited, image.version).await {
            Ok(()) => return Ok(edited),
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(Error::NotFound("image")),
            Err(error) => return Err(error.into()),
        }
    }
    Err(too_contended("MetadataRepo::update"))
}

pub(super) fn too_contended(operation: &'static str) -> Error {
    let message = "others change it all the time; try again";
    PortError::new(ErrorKind::Unavailable, operation, message).into()
}

/// Refuses a change of a resource of the kind `what` whose version is none of the expected ones.
pub(super) fn check_version(
    what: &'static str,
    current: Version,
    expected: Option<&[Version]>,
) -> Result<()> {
    match expected {
        Some(expected) if !expected.contains(&current) => Err(Error::Stale { what, current }),
        _ => Ok(()),
    }
}
