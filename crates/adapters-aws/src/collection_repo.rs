//! Collections of saved images in DynamoDB, in the table of the images.
//!
//! | item | holds |
//! |---|---|
//! | `OWNER#<owner>` / `COLLECTION#<id>` | the record, with its `version` |
//!
//! A write costs a unit per KB, one that meets another writer a read more; `find` one read, `list` one per 4 KB.

use crate::dynamodb::{Bounds, Condition, Item, Key, Stretch, Table};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{Collection, CollectionId, OwnerId, Version},
    ports::CollectionRepo,
};

/// Keeps the records of collections in a table.
#[derive(Clone, Debug)]
pub struct DynamoCollectionRepo {
    table: Table,
}

impl DynamoCollectionRepo {
    /// The collections in `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { table: Table::new(client, table.into()) }
    }

    async fn read(
        &self,
        operation: &'static str,
        owner: &OwnerId,
        id: &CollectionId,
    ) -> PortResult<Option<Collection>> {
        let item = self.table.get(operation, key(owner, id)).await?;
        item.map(|item| item.body(operation)).transpose()
    }
}

fn key(owner: &OwnerId, id: &CollectionId) -> Key {
    Key::new(format!("OWNER#{owner}"), format!("COLLECTION#{id}"))
}

fn record(operation: &'static str, collection: &Collection) -> PortResult<Item> {
    let item = Item::new(key(&collection.owner, &collection.id));
    item.with_number("version", collection.version.0).with_body(operation, collection)
}

fn is_at(version: Version) -> Condition {
    Condition::Number("version", version.0)
}

fn overtaken(operation: &'static str, stored: &Collection) -> PortError {
    let message =
        format!("the collection was changed by someone else; its version is now {}", stored.version.0);
    PortError::new(ErrorKind::Conflict, operation, message)
}

#[async_trait]
impl CollectionRepo for DynamoCollectionRepo {
    async fn insert(&self, collection: &Collection) -> PortResult<()> {
        const OPERATION: &str = "CollectionRepo::insert";
        let record = record(OPERATION, collection)?;
        if self.table.put_if(OPERATION, record, &Condition::Absent).await? {
            return Ok(());
        }
        match self.read(OPERATION, &collection.owner, &collection.id).await? {
            // This very call, repeated.
            Some(stored) if stored == *collection => Ok(()),
            _ => {
                let message = format!("the id {} is another collection's", collection.id);
                Err(PortError::new(ErrorKind::Conflict, OPERATION, message))
            }
        }
    }

    async fn find(&self, owner: &OwnerId, id: &CollectionId) -> PortResult<Option<Collection>> {
        self.read("CollectionRepo::find", owner, id).await
    }

    async fn list(&self, owner: &OwnerId) -> PortResult<Vec<Collection>> {
        const OPERATION: &str = "CollectionRepo::list";
        // `$` follows `#`.
        let all = Bounds::Between("COLLECTION#".to_owned(), "COLLECTION$".to_owned());
        let items = self.table.query(OPERATION, &Stretch::of(format!("OWNER#{owner}"), all), None).await?;
        items.iter().map(|item| item.body(OPERATION)).collect()
    }

    async fn update(&self, collection: &Collection, expected: Version) -> PortResult<()> {
        const OPERATION: &str = "CollectionRepo::update";
        let record = record(OPERATION, collection)?;
        if self.table.put_if(OPERATION, record, &is_at(expected)).await? {
            return Ok(());
        }
        match self.read(OPERATION, &collection.owner, &collection.id).await? {
            // What is there is what was to be written: this very call, repeated after a lost answer.
            Some(stored) if stored == *collection => Ok(()),
            Some(stored) => Err(overtaken(OPERATION, &stored)),
            None => Err(PortError::new(ErrorKind::NotFound, OPERATION, "there is no such collection")),
        }
    }

    async fn delete(&self, owner: &OwnerId, id: &CollectionId, expected: Version) -> PortResult<()> {
        const OPERATION: &str = "CollectionRepo::delete";
        if self.table.take_if(OPERATION, &key(owner, id), &is_at(expected)).await?.is_some() {
            return Ok(());
        }
        match self.read(OPERATION, owner, id).await? {
            Some(stored) if stored.version != expected => Err(overtaken(OPERATION, &stored)),
            _ => Ok(()),
        }
    }
}
