//! Named sets of saved images.

use crate::domain::{
    Collection, CollectionChange, CollectionEdit, CollectionId, Entropy, Expected, ImageEdit, InvalidInput,
    OwnerId, Timestamp, Version, folded,
};
use crate::error::{Error, Result};
use crate::ports::Ports;
use std::collections::HashSet;

/// Makes a collection.
///
/// # Errors
/// [`Error::Invalid`], also where another one has the name or there are too many; [`Error::Port`].
pub async fn make_collection(
    ports: &Ports,
    owner: OwnerId,
    edit: &CollectionEdit,
    now: Timestamp,
    entropy: &Entropy,
) -> Result<Collection> {
    let blank = Collection {
        id: CollectionId::new(now, entropy),
        owner,
        name: String::new(),
        note: None,
        created_at: now,
        updated_at: now,
        version: Version::FIRST,
    };
    // A name that is not given is as one without a character.
    let named = CollectionEdit { name: Some(edit.name.clone().unwrap_or_default()), ..edit.clone() };
    let collection = named.apply(&blank)?;
    ports.collections.insert(&collection).await??;
    Ok(collection)
}

/// The owner's collection `id`.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Port`].
pub async fn find_collection(ports: &Ports, owner: &OwnerId, id: &CollectionId) -> Result<Collection> {
    ports.collections.find(owner, id).await?.ok_or(Error::NotFound("collection"))
}

/// The owner's collections, by name.
///
/// # Errors
/// [`Error::Port`].
pub async fn list_collections(ports: &Ports, owner: &OwnerId) -> Result<Vec<Collection>> {
    let mut collections = ports.collections.list(owner).await?;
    collections.sort_by_cached_key(|collection| (folded(&collection.name), collection.id));
    Ok(collections)
}

/// Applies `edit` to the owner's collection. With `expected`, only if its version still is one of those.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`], [`Error::Stale`], [`Error::Port`].
pub async fn edit_collection(
    ports: &Ports,
    owner: &OwnerId,
    id: &CollectionId,
    edit: &CollectionEdit,
    expected: Option<&[Version]>,
    now: Timestamp,
) -> Result<Collection> {
    let change = CollectionChange { edit: edit.clone(), expected: Expected::of(expected), now };
    ports.collections.change(owner, id, &change).await?.map_err(Error::of_collection)
}

/// Removes the owner's collection. Its images stay, and are in no collection of that id any more.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], [`Error::Port`].
pub async fn delete_collection(
    ports: &Ports,
    owner: &OwnerId,
    id: &CollectionId,
    expected: Option<&[Version]>,
) -> Result<()> {
    ports.collections.delete(owner, id, &Expected::of(expected)).await?.map_err(Error::of_collection)
}

/// The ids of the owner's collections, where some are `wanted`; none is read where none is.
pub(super) async fn collections_there(
    ports: &Ports,
    owner: &OwnerId,
    wanted: &[CollectionId],
) -> Result<HashSet<CollectionId>> {
    if wanted.is_empty() {
        return Ok(HashSet::new());
    }
    Ok(ports.collections.list(owner).await?.into_iter().map(|collection| collection.id).collect())
}

/// Refuses more `wanted` collections than an image can go into, and one that is not `there`, by its place below `pointer`;
/// one of those in `known` may have been deleted since.
pub(super) fn check_wanted(
    pointer: &str,
    wanted: &[CollectionId],
    there: &HashSet<CollectionId>,
    known: &[CollectionId],
) -> Result<(), InvalidInput> {
    let new: Vec<_> = wanted.iter().copied().filter(|id| !known.contains(id)).collect();
    ImageEdit::check_collections(pointer, &new)?;
    match wanted.iter().position(|id| !known.contains(id) && !there.contains(id)) {
        None => Ok(()),
        Some(index) => {
            let detail = "there is no such collection; GET /collections lists those there are";
            Err(InvalidInput::field(format!("{pointer}/{index}"), "unknown", detail))
        }
    }
}
