//! Collections of saved images in DynamoDB, in the table of the images.
//!
//! | item | holds |
//! |---|---|
//! | `OWNER#<owner>` / `COLLECTION#<id>` | the record, with its `version` |
//! | `OWNER#<owner>` / `COLLECTIONS` | a `revision` that each new name counts up: so that of two writers of names at once one reads again |
//!
//! In units, for records of up to 1 KB and owners whose collections take `n` times 4 KB: `find` 1 read, `list` `n`; `insert`,
//! and a `change` of the name, `n + 1` or `n + 2` read and 4 written; another `change` and `delete` 1 read and 1 written. All of
//! it again for each writer that comes first.

use crate::dynamodb::{Bounds, Change, Condition, Item, Key, Stretch, Table, Transacted, Write};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{Collection, CollectionChange, CollectionId, Expected, OwnerId, Refusal, Version},
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

    async fn all(&self, operation: &'static str, owner: &OwnerId) -> PortResult<Vec<Collection>> {
        // `$` follows `#`.
        let all = Bounds::Between("COLLECTION#".to_owned(), "COLLECTION$".to_owned());
        let items = self.table.query(operation, &Stretch::of(format!("OWNER#{owner}"), all), None).await?;
        items.iter().map(|item| item.body(operation)).collect()
    }

    /// The revision is read before the names: what is added to them after that changes it.
    async fn names(&self, operation: &'static str, owner: &OwnerId) -> PortResult<Names> {
        let key = Key::new(format!("OWNER#{owner}"), "COLLECTIONS");
        let stored = self.table.get(operation, key.clone()).await?;
        let stored: Option<u64> = stored.map(|item| item.number(operation, "revision")).transpose()?;
        let next = Item::new(key).with_number("revision", stored.unwrap_or(0) + 1);
        let condition = stored.map_or(Condition::Absent, |revision| Condition::Number("revision", revision));
        let all = self.all(operation, owner).await?;
        Ok(Names { all, next_revision: Write::put_if(next, condition) })
    }
}

/// An owner's collections, and what is written beside a new name among them.
struct Names {
    all: Vec<Collection>,
    next_revision: Write,
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

#[async_trait]
impl CollectionRepo for DynamoCollectionRepo {
    async fn insert(&self, collection: &Collection) -> PortResult<Result<(), Refusal>> {
        const OPERATION: &str = "CollectionRepo::insert";
        let mut made = Change::new(OPERATION, "list of collections");
        loop {
            let names = self.names(OPERATION, &collection.owner).await?;
            match names.all.iter().find(|stored| stored.id == collection.id) {
                // This very call, repeated.
                Some(stored) if stored == collection => return Ok(Ok(())),
                Some(_) => {
                    let message = format!("the id {} is another collection's", collection.id);
                    return Err(PortError::new(ErrorKind::Conflict, OPERATION, message));
                }
                None => {}
            }
            if let Err(invalid) = collection.check_new(&names.all) {
                return Ok(Err(invalid.into()));
            }
            let write = Write::put_if(record(OPERATION, collection)?, Condition::Absent);
            if self.table.transact(OPERATION, [write, names.next_revision]).await? == Transacted::Done {
                return Ok(Ok(()));
            }
            made.conflicted().await?;
        }
    }

    async fn find(&self, owner: &OwnerId, id: &CollectionId) -> PortResult<Option<Collection>> {
        const OPERATION: &str = "CollectionRepo::find";
        let item = self.table.get(OPERATION, key(owner, id)).await?;
        item.map(|item| item.body(OPERATION)).transpose()
    }

    async fn list(&self, owner: &OwnerId) -> PortResult<Vec<Collection>> {
        self.all("CollectionRepo::list", owner).await
    }

    async fn change(
        &self,
        owner: &OwnerId,
        id: &CollectionId,
        change: &CollectionChange,
    ) -> PortResult<Result<Collection, Refusal>> {
        const OPERATION: &str = "CollectionRepo::change";
        let mut made = Change::new(OPERATION, "collection");
        loop {
            let Some(item) = self.table.get(OPERATION, key(owner, id)).await? else {
                return Ok(Err(Refusal::NO_COLLECTION));
            };
            let stored: Collection = item.body(OPERATION)?;
            if made.wrote(&item) {
                return Ok(Ok(stored));
            }
            let changed = match change.apply(Some(&stored)) {
                Ok(changed) if changed == stored => return Ok(Ok(changed)),
                Ok(changed) => changed,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let (record, condition) = (made.stamped(record(OPERATION, &changed)?), is_at(stored.version));
            let written = if changed.name == stored.name {
                self.table.put_once(OPERATION, record, &condition).await?
            } else {
                let names = self.names(OPERATION, owner).await?;
                if let Err(invalid) = changed.check_name(&names.all) {
                    return Ok(Err(invalid.into()));
                }
                let writes = [Write::put_if(record, condition), names.next_revision];
                self.table.transact(OPERATION, writes).await?
            };
            if written == Transacted::Done {
                return Ok(Ok(changed));
            }
            made.conflicted().await?;
        }
    }

    async fn delete(
        &self,
        owner: &OwnerId,
        id: &CollectionId,
        expected: &Expected,
    ) -> PortResult<Result<(), Refusal>> {
        const OPERATION: &str = "CollectionRepo::delete";
        let mut made = Change::new(OPERATION, "collection");
        loop {
            let Some(stored) = self.find(owner, id).await? else { return Ok(Err(Refusal::NO_COLLECTION)) };
            if let Err(stale) = expected.check(stored.version) {
                return Ok(Err(stale));
            }
            if self.table.take_if(OPERATION, &key(owner, id), &is_at(stored.version)).await?.is_some() {
                return Ok(Ok(()));
            }
            made.conflicted().await?;
        }
    }
}
