//! Collections in SQLite.

use crate::{Database, database::Durability::Durable, disk_space::no_space, error::Fault};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{Collection, CollectionId, OwnerId, Version},
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
    async fn insert(&self, collection: &Collection) -> PortResult<()> {
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
        let work = move |connection: &Connection| {
            let sql = "SELECT body FROM collections WHERE owner = ? ORDER BY id";
            let mut statement = connection.prepare_cached(sql)?;
            let bodies = statement.query_map([owner.as_str()], |row| row.get::<_, String>(0))?;
            bodies.map(|body| Ok(serde_json::from_str(&body?)?)).collect()
        };
        self.database.read("CollectionRepo::list", work).await
    }

    async fn update(&self, collection: &Collection, expected: Version) -> PortResult<()> {
        const OPERATION: &str = "CollectionRepo::update";
        let (collection, space) = (collection.clone(), self.database.space().clone());
        let work = move |connection: &Connection| match find(connection, &collection.owner, &collection.id)? {
            None => Err(PortError::new(ErrorKind::NotFound, OPERATION, "there is no such collection").into()),
            Some(stored) if stored.version == expected => {
                if space.is_low() && grows(&stored, &collection) {
                    return Err(no_space(OPERATION).into());
                }
                update(connection, &collection)
            }
            // This very call, repeated.
            Some(stored) if stored == collection => Ok(()),
            Some(stored) => Err(overtaken(OPERATION, stored.version)),
        };
        self.database.write(OPERATION, Durable, work).await
    }

    async fn delete(&self, owner: &OwnerId, id: &CollectionId, expected: Version) -> PortResult<()> {
        const OPERATION: &str = "CollectionRepo::delete";
        let (owner, id) = (owner.clone(), *id);
        let work = move |connection: &Connection| match find(connection, &owner, &id)? {
            None => Ok(()),
            Some(stored) if stored.version == expected => {
                let sql = "DELETE FROM collections WHERE id = ?";
                connection.prepare_cached(sql)?.execute([id.as_bytes()])?;
                Ok(())
            }
            Some(stored) => Err(overtaken(OPERATION, stored.version)),
        };
        self.database.write(OPERATION, Durable, work).await
    }
}

fn insert(connection: &Connection, collection: &Collection) -> Result<(), Fault> {
    let sql =
        "INSERT INTO collections (id, owner, version, body) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";
    let inserted = connection.prepare_cached(sql)?.execute(params![
        collection.id.as_bytes(),
        collection.owner.as_str(),
        collection.version.0,
        serde_json::to_string(collection)?,
    ])?;
    if inserted > 0 || find(connection, &collection.owner, &collection.id)?.as_ref() == Some(collection) {
        return Ok(());
    }
    let message = format!("the id {} is another collection's", collection.id);
    Err(PortError::new(ErrorKind::Conflict, "CollectionRepo::insert", message).into())
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

/// Whether the record gets longer by what a person writes.
fn grows(before: &Collection, after: &Collection) -> bool {
    let bytes =
        |collection: &Collection| collection.name.len() + collection.note.as_ref().map_or(0, String::len);
    bytes(after) > bytes(before)
}

fn overtaken(operation: &'static str, stored: Version) -> Fault {
    let message = format!("the collection was changed by someone else; its version is now {}", stored.0);
    PortError::new(ErrorKind::Conflict, operation, message).into()
}
