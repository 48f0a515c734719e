//! Collections in a map.

use crate::lock;
use async_trait::async_trait;
use std::{collections::BTreeMap, sync::Mutex};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{Collection, CollectionChange, CollectionId, Expected, OwnerId, Refusal},
    ports::CollectionRepo,
};

/// A [`CollectionRepo`] in memory.
#[derive(Debug, Default)]
pub struct MemoryCollections(Mutex<BTreeMap<CollectionId, Collection>>);

/// The owner's collections, in the order of their ids.
fn of_owner(collections: &BTreeMap<CollectionId, Collection>, owner: &OwnerId) -> Vec<Collection> {
    collections.values().filter(|collection| collection.owner == *owner).cloned().collect()
}

#[async_trait]
impl CollectionRepo for MemoryCollections {
    async fn insert(&self, collection: &Collection) -> PortResult<Result<(), Refusal>> {
        let mut collections = lock(&self.0);
        match collections.get(&collection.id) {
            // This very call, repeated.
            Some(stored) if stored == collection => return Ok(Ok(())),
            Some(_) => {
                let message = format!("the id {} is another collection's", collection.id);
                return Err(PortError::new(ErrorKind::Conflict, "CollectionRepo::insert", message));
            }
            None => {}
        }
        if let Err(invalid) = collection.check_new(&of_owner(&collections, &collection.owner)) {
            return Ok(Err(invalid.into()));
        }
        collections.insert(collection.id, collection.clone());
        Ok(Ok(()))
    }

    async fn find(&self, owner: &OwnerId, id: &CollectionId) -> PortResult<Option<Collection>> {
        Ok(lock(&self.0).get(id).filter(|collection| collection.owner == *owner).cloned())
    }

    async fn list(&self, owner: &OwnerId) -> PortResult<Vec<Collection>> {
        Ok(of_owner(&lock(&self.0), owner))
    }

    async fn change(
        &self,
        owner: &OwnerId,
        id: &CollectionId,
        change: &CollectionChange,
    ) -> PortResult<Result<Collection, Refusal>> {
        let mut collections = lock(&self.0);
        let stored = collections.get(id).filter(|stored| stored.owner == *owner);
        let changed = change.apply(stored).and_then(|changed| {
            let is_renamed = stored.is_some_and(|stored| stored.name != changed.name);
            if is_renamed {
                changed.check_name(&of_owner(&collections, owner))?;
            }
            Ok(changed)
        });
        if let Ok(changed) = &changed {
            collections.insert(*id, changed.clone());
        }
        Ok(changed)
    }

    async fn delete(
        &self,
        owner: &OwnerId,
        id: &CollectionId,
        expected: &Expected,
    ) -> PortResult<Result<(), Refusal>> {
        let mut collections = lock(&self.0);
        let stored = collections.get(id).filter(|stored| stored.owner == *owner);
        let checked = stored.ok_or(Refusal::NO_COLLECTION).and_then(|stored| expected.check(stored.version));
        if checked.is_ok() {
            collections.remove(id);
        }
        Ok(checked)
    }
}
