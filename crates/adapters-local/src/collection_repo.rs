//! Collections in SQLite.

use crate::{
    Database, DiskSpace, checksum, database::Durability::Durable, disk_space::no_space, error::Fault,
};
use async_trait::async_trait;
use rusqlite::{Connection, Row, params, types::ValueRef};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{Collection, CollectionChange, CollectionId, Expected, OwnerId, Refusal},
    ports::CollectionRepo,
};

/// The columns that [`collection_of`] reads: the checksum, and what it is of.
macro_rules! collection_columns {
    () => {
        "checksum, id, owner, version, body"
    };
}

/// The columns that [`collection_of`] reads.
pub(crate) const COLUMNS: &str = collection_columns!();

/// Keeps collections in the database.
#[derive(Clone, Debug)]
pub struct SqliteCollectionRepo {
    database: Database,
}

impl SqliteCollectionRepo {
    /// The collections in `database`.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl CollectionRepo for SqliteCollectionRepo {
    async fn insert(&self, collection: &Collection) -> PortResult<Result<(), Refusal>> {
        let collection = collection.clone();
        let work = move |connection: &Connection| insert(connection, &collection);
        self.database.add("CollectionRepo::insert", Durable, work).await
    }

    async fn find(&self, owner: &OwnerId, id: &CollectionId) -> PortResult<Option<Collection>> {
        let (owner, id) = (owner.clone(), *id);
        let work = move |connection: &Connection| find(connection, &owner, &id);
        self.database.read("CollectionRepo::find", work).await
    }

    async fn list(&self, owner: &OwnerId) -> PortResult<Vec<Collection>> {
        let owner = owner.clone();
        let work = move |connection: &Connection| list(connection, &owner);
        self.database.read("CollectionRepo::list", work).await
    }

    async fn change(
        &self,
        owner: &OwnerId,
        id: &CollectionId,
        change: &CollectionChange,
    ) -> PortResult<Result<Collection, Refusal>> {
        let (owner, id, change) = (owner.clone(), *id, change.clone());
        let space = self.database.space().clone();
        let work = move |connection: &Connection| apply(connection, &owner, &id, &change, &space);
        self.database.write("CollectionRepo::change", Durable, work).await
    }

    async fn delete(
        &self,
        owner: &OwnerId,
        id: &CollectionId,
        expected: &Expected,
    ) -> PortResult<Result<(), Refusal>> {
        let (owner, id, expected) = (owner.clone(), *id, expected.clone());
        let work = move |connection: &Connection| {
            let Some(stored) = find(connection, &owner, &id)? else { return Ok(Err(Refusal::NO_COLLECTION)) };
            if let Err(stale) = expected.check(stored.version) {
                return Ok(Err(stale));
            }
            connection.prepare_cached("DELETE FROM collections WHERE id = ?")?.execute([id.as_bytes()])?;
            Ok(Ok(()))
        };
        self.database.write("CollectionRepo::delete", Durable, work).await
    }
}

pub(crate) fn insert(connection: &Connection, collection: &Collection) -> Result<Result<(), Refusal>, Fault> {
    let all = list(connection, &collection.owner)?;
    // This very call, repeated.
    if all.contains(collection) {
        return Ok(Ok(()));
    }
    if !all.iter().any(|other| other.id == collection.id)
        && let Err(invalid) = collection.check_new(&all)
    {
        return Ok(Err(invalid.into()));
    }
    let sql = "INSERT INTO collections (id, owner, version, body, checksum) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";
    let body = serde_json::to_string(collection)?;
    let inserted = connection.prepare_cached(sql)?.execute(params![
        collection.id.as_bytes(),
        collection.owner.as_str(),
        collection.version.0,
        body,
        sum(collection, &body),
    ])?;
    if inserted > 0 {
        return Ok(Ok(()));
    }
    let message = format!("the id {} is another collection's", collection.id);
    Err(PortError::new(ErrorKind::Conflict, "CollectionRepo::insert", message).into())
}

fn apply(
    connection: &Connection,
    owner: &OwnerId,
    id: &CollectionId,
    change: &CollectionChange,
    space: &DiskSpace,
) -> Result<Result<Collection, Refusal>, Fault> {
    let stored = find(connection, owner, id)?;
    let changed = match change.apply(stored.as_ref()) {
        Ok(changed) => changed,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let is_renamed = stored.as_ref().is_some_and(|stored| stored.name != changed.name);
    if is_renamed && let Err(invalid) = changed.check_name(&list(connection, owner)?) {
        return Ok(Err(invalid.into()));
    }
    if let Some(stored) = &stored
        && *stored != changed
    {
        if space.is_low() && grows(stored, &changed) {
            return Err(no_space("CollectionRepo::change").into());
        }
        update(connection, &changed)?;
    }
    Ok(Ok(changed))
}

fn list(connection: &Connection, owner: &OwnerId) -> Result<Vec<Collection>, Fault> {
    let sql = concat!("SELECT ", collection_columns!(), " FROM collections WHERE owner = ? ORDER BY id");
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([owner.as_str()])?;
    let mut collections = Vec::new();
    while let Some(row) = rows.next()? {
        collections.push(collection_of(row)?);
    }
    Ok(collections)
}

pub(crate) fn find(
    connection: &Connection,
    owner: &OwnerId,
    id: &CollectionId,
) -> Result<Option<Collection>, Fault> {
    let sql = concat!("SELECT ", collection_columns!(), " FROM collections WHERE id = ? AND owner = ?");
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![id.as_bytes(), owner.as_str()])?;
    rows.next()?.map(collection_of).transpose()
}

/// The collection of a row of [`collection_columns`], if it matches its checksum.
pub(crate) fn collection_of(row: &Row<'_>) -> Result<Collection, Fault> {
    checksum::check(row, "collections", 0, 1, 4)?;
    Ok(serde_json::from_str(row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?)?)
}

/// The checksum of a collection's row.
fn sum(collection: &Collection, body: &str) -> i64 {
    checksum::of(&[
        ValueRef::Blob(collection.id.as_bytes()),
        checksum::text(collection.owner.as_str()),
        ValueRef::Integer(i64::try_from(collection.version.0).unwrap_or(i64::MAX)),
        checksum::text(body),
    ])
}

fn update(connection: &Connection, collection: &Collection) -> Result<(), Fault> {
    let sql = "UPDATE collections SET version = ?2, body = ?3, checksum = ?4 WHERE id = ?1";
    let body = serde_json::to_string(collection)?;
    let sum = sum(collection, &body);
    connection.prepare_cached(sql)?.execute(params![
        collection.id.as_bytes(),
        collection.version.0,
        body,
        sum
    ])?;
    Ok(())
}

/// Whether the record gets longer by what a person writes.
fn grows(before: &Collection, after: &Collection) -> bool {
    let bytes =
        |collection: &Collection| collection.name.len() + collection.note.as_ref().map_or(0, String::len);
    bytes(after) > bytes(before)
}
