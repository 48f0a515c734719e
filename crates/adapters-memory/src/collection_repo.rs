//! Collections in a map.

use crate::lock;
use async_trait::async_trait;
use std::{collections::BTreeMap, sync::Mutex};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{Collection, CollectionId, OwnerId, Version},
    ports::CollectionRepo,
};

/// A [`CollectionRepo`] in memory.
#[derive(Debug, Default)]
pub struct MemoryCollections(Mutex<BTreeMap<CollectionId, Collection>>);

fn check(stored: &Collection, expected: Version, operation: &'static str) -> PortResult<()> {
    if stored.version == expected {
        return Ok(());
    }
    let message = format!("collection {} is at version {}, not {}", stored.id, stored.version.0, expected.0);
    Err(PortError::new(ErrorKind::Conflict, operation, message))
}

#[async_trait]
impl CollectionRepo for MemoryCollections {
    async fn insert(&self, collection: &Collection) -> PortResult<()> {
        let mut collections = lock(&self.0);
        let stored = collections.entry(collection.id).or_insert_with(|| collection.clone());
        if stored == collection {
            return Ok(());
        }
        let message = format!("the id {} is another collection's", collection.id);
        Err(PortError::new(ErrorKind::Conflict, "CollectionRepo::insert", message))
    }

    async fn find(&self, owner: &OwnerId, id: &CollectionId) -> PortResult<Option<Collection>> {
        Ok(lock(&self.0).get(id).filter(|collection| collection.owner == *owner).cloned())
    }

    async fn list(&self, owner: &OwnerId) -> PortResult<Vec<Collection>> {
        Ok(lock(&self.0).values().filter(|collection| collection.owner == *owner).cloned().collect())
    }

    async fn update(&self, collection: &Collection, expected: Version) -> PortResult<()> {
        let mut collections = lock(&self.0);
        let stored = collections.get_mut(&collection.id).filter(|stored| stored.owner == collection.owner);
        let stored = stored.ok_or_else(|| {
            let message = format!("no collection {}", collection.id);
            PortError::new(ErrorKind::NotFound, "CollectionRepo::update", message)
        })?;
        // This very call, repeated.
        if stored == collection {
            return Ok(());
        }
        check(stored, expected, "CollectionRepo::update")?;
        stored.clone_from(collection);
        Ok(())
    }

    async fn delete(&self, owner: &OwnerId, id: &CollectionId, expected: Version) -> PortResult<()> {
        let mut collections = lock(&self.0);
        let Some(stored) = collections.get(id).filter(|stored| stored.owner == *owner) else { return Ok(()) };
        check(stored, expected, "CollectionRepo::delete")?;
        collections.remove(id);
        Ok(())
    }
}
