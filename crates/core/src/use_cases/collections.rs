//! Named sets of saved images.

use super::edit_image::{TRIES, check_version, too_contended};
use crate::domain::{
    Collection, CollectionEdit, CollectionId, Entropy, ImageEdit, InvalidInput, OwnerId, Timestamp, Version,
    folded, limits,
};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::Ports;
use std::collections::HashSet;

/// Makes a collection. Two that are made at the same moment may get the same name.
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
    let others = ports.collections.list(&collection.owner).await?;
    check_name(&others, &collection)?;
    if others.len() >= limits::COLLECTIONS_MAX {
        let detail = format!("there are {} collections already, the most there may be", others.len());
        return Err(InvalidInput::field("/name", "too_many", detail).into());
    }
    ports.collections.insert(&collection).await?;
    Ok(collection)
}

fn check_name(others: &[Collection], collection: &Collection) -> Result<()> {
    let other = others.iter().find(|other| other.id != collection.id && other.is_called(&collection.name));
    match other {
        None => Ok(()),
        Some(other) => {
            let detail = format!("is the name of another collection, {}", other.id);
            Err(InvalidInput::field("/name", "taken", detail).into())
        }
    }
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
    for _ in 0..TRIES {
        let collection = find_collection(ports, owner, id).await?;
        check_version("collection", collection.version, expected)?;
        let mut edited = edit.apply(&collection)?;
        if edited == collection {
            return Ok(collection);
        }
        check_name(&ports.collections.list(owner).await?, &edited)?;
        (edited.version, edited.updated_at) = (collection.version.next(), now);
        match ports.collections.update(&edited, collection.version).await {
            Ok(()) => return Ok(edited),
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(Error::NotFound("collection")),
            Err(error) => return Err(error.into()),
        }
    }
    Err(too_contended("CollectionRepo::update"))
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
    for _ in 0..TRIES {
        let collection = find_collection(ports, owner, id).await?;
        check_version("collection", collection.version, expected)?;
        match ports.collections.delete(owner, id, collection.version).await {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(too_contended("CollectionRepo::delete"))
}

/// The ids of the owner's collections, where some are `wanted`; none is read where none is. Refuses more than an image can
/// go into, and one that there is not, by its place below `pointer`; one of those in `known` may have been deleted since.
pub(super) async fn check_collections(
    ports: &Ports,
    owner: &OwnerId,
    pointer: &str,
    wanted: &[CollectionId],
    known: &[CollectionId],
) -> Result<HashSet<CollectionId>> {
    let new: Vec<_> = wanted.iter().copied().filter(|id| !known.contains(id)).collect();
    ImageEdit::check_collections(pointer, &new)?;
    if wanted.is_empty() {
        return Ok(HashSet::new());
    }
    let all = ports.collections.list(owner).await?;
    let there: HashSet<_> = all.into_iter().map(|collection| collection.id).collect();
    match wanted.iter().position(|id| !known.contains(id) && !there.contains(id)) {
        None => Ok(there),
        Some(index) => {
            let detail = "there is no such collection; GET /collections lists those there are";
            Err(InvalidInput::field(format!("{pointer}/{index}"), "unknown", detail).into())
        }
    }
}
