//! Collections in SQLite.

use crate::{Database, database::Durability::Durable, error::Fault};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{Collection, CollectionChange, CollectionId, Expected, OwnerId, Refusal},
    ports::CollectionRepo,
};

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
        self.database.write("CollectionRepo::insert", Durable, work).await
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
        let work = move |connection: &Connection| apply(connection, &owner, &id, &change);
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

fn insert(connection: &Connection, collection: &Collection) -> Result<Result<(), Refusal>, Fault> {
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
    let sql =
        "INSERT INTO collections (id, owner, version, body) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";
    let inserted = connection.prepare_cached(sql)?.execute(params![
        collection.id.as_bytes(),
        collection.owner.as_str(),
        collection.version.0,
        serde_json::to_string(collection)?,
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
    if stored.as_ref() != Some(&changed) {
        update(connection, &changed)?;
    }
    Ok(Ok(changed))
}

fn list(connection: &Connection, owner: &OwnerId) -> Result<Vec<Collection>, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT body FROM collections WHERE owner = ? ORDER BY id")?;
    let bodies = statement.query_map([owner.as_str()], |row| row.get::<_, String>(0))?;
    bodies.map(|body| Ok(serde_json::from_str(&body?)?)).collect()
}

fn find(connection: &Connection, owner: &OwnerId, id: &CollectionId) -> Result<Option<Collection>, Fault> {
    let sql = "SELECT body FROM collections WHERE id = ? AND owner = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let body: Option<String> =
        statement.query_row(params![id.as_bytes(), owner.as_str()], |row| row.get(0)).optional()?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}

fn update(connection: &Connection, collection: &Collection) -> Result<(), Fault> {
    let sql = "UPDATE collections SET version = ?2, body = ?3 WHERE id = ?1";
    let body = serde_json::to_string(collection)?;
    connection.prepare_cached(sql)?.execute(params![collection.id.as_bytes(), collection.version.0, body])?;
    Ok(())
}
