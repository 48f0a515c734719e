//! The vectors of saved images in SQLite, and those of the owners who search in memory too: finding the nearest goes
//! through all of an owner's.

use crate::{Database, background, database::Durability::Relaxed, error::Fault};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{Embedding, ImageId, Near, OwnerId, Space, Vectors, Version},
    ports::VectorIndex,
};
use tokio::{sync::Mutex, task::spawn_blocking};

/// How many owners' vectors are held at most. Another one takes the place of any of them.
const HELD_MAX: usize = 16;

/// What the vectors of an index are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorKind {
    /// How a picture looks.
    Look,
    /// What a prompt means.
    Meaning,
}

impl VectorKind {
    /// As the database has it.
    const fn name(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Meaning => "meaning",
        }
    }
}

/// Keeps vectors of one kind in the database.
#[derive(Clone, Debug)]
pub struct SqliteVectorIndex {
    database: Database,
    kind: &'static str,
    /// Locked while one is read, so that no `put` is missed in between.
    held: Arc<Mutex<HashMap<OwnerId, Shared>>>,
}

type Shared = Arc<RwLock<Vectors>>;

impl SqliteVectorIndex {
    /// The vectors of a kind in `database`. There is to be one index of a kind.
    pub fn new(database: Database, kind: VectorKind) -> Self {
        Self { database, kind: kind.name(), held: Arc::default() }
    }

    async fn load(&self, owner: &OwnerId) -> PortResult<Shared> {
        let mut held = self.held.lock().await;
        if let Some(vectors) = held.get(owner) {
            return Ok(Arc::clone(vectors));
        }
        let (kind, of) = (self.kind, owner.clone());
        let vectors =
            self.database.read("VectorIndex::nearest", move |connection| read(connection, kind, &of)).await?;
        let vectors = Arc::new(RwLock::new(vectors));
        if held.len() >= HELD_MAX
            && let Some(other) = held.keys().next().cloned()
        {
            held.remove(&other);
        }
        held.insert(owner.clone(), Arc::clone(&vectors));
        Ok(vectors)
    }

    /// Those of `ids` that have no vector any more.
    async fn gone(&self, owner: &OwnerId, ids: Vec<ImageId>) -> PortResult<Vec<ImageId>> {
        let (kind, owner) = (self.kind, owner.clone());
        let work = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(ONE)?;
            let mut gone = Vec::new();
            for id in ids {
                if !statement.exists(params![kind, owner.as_str(), id.as_bytes()])? {
                    gone.push(id);
                }
            }
            Ok(gone)
        };
        self.database.read("VectorIndex::nearest", work).await
    }
}

/// Whether an image of the owner's is there, and at the version that a vector is of, if that is told.
const IS_OF: &str = "SELECT 1 FROM images WHERE id = ? AND owner = ? AND version = ifnull(?, version)";
const ONE: &str = "SELECT vector FROM vectors WHERE kind = ? AND owner = ? AND image_id = ?";
const ALL: &str = "SELECT image_id, vector FROM vectors WHERE kind = ? AND owner = ?";
const WAITING: &str = "SELECT images.owner, images.id FROM vectors_waiting CROSS JOIN images \
     ON images.id = vectors_waiting.image_id WHERE kind = ? LIMIT ?";
/// In as many dimensions as the space has.
const PUT: &str = "INSERT OR REPLACE INTO vectors SELECT ?1, ?2, ?3, ?4 \
     WHERE EXISTS (SELECT 1 FROM vector_spaces WHERE kind = ?1 AND dimensions = ?5)";

fn space(connection: &Connection, kind: &str) -> Result<Option<Space>, Fault> {
    let read = |row: &rusqlite::Row<'_>| Ok(Space { name: row.get(0)?, dimensions: row.get(1)? });
    let sql = "SELECT name, dimensions FROM vector_spaces WHERE kind = ?";
    Ok(connection.query_row(sql, [kind], read).optional()?)
}

fn read(connection: &Connection, kind: &str, owner: &OwnerId) -> Result<Vectors, Fault> {
    let mut vectors = Vectors::new(space(connection, kind)?.map_or(0, |space| space.dimensions));
    let mut statement = connection.prepare_cached(ALL)?;
    let mut rows = statement.query([kind, owner.as_str()])?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        if let Some(vector) = Embedding::from_bytes(bytes) {
            vectors.set(ImageId::from_bytes(row.get(0)?), &vector);
        }
    }
    Ok(vectors)
}

fn use_space(connection: &Connection, kind: &str, new: &Space) -> Result<(), Fault> {
    if space(connection, kind)?.as_ref() == Some(new) {
        return Ok(());
    }
    connection.execute("DELETE FROM vectors WHERE kind = ?", [kind])?;
    background::forget_all(connection, kind)?;
    let sql = "INSERT OR REPLACE INTO vector_spaces VALUES (?, ?, ?)";
    connection.execute(sql, params![kind, new.name, new.dimensions])?;
    connection.execute("INSERT OR IGNORE INTO vectors_waiting SELECT ?, id FROM images", [kind])?;
    Ok(())
}

/// Whether it was noted.
fn put(
    connection: &Connection,
    kind: &str,
    owner: &OwnerId,
    image: &ImageId,
    of: Option<Version>,
    vector: Option<&Embedding>,
) -> Result<bool, Fault> {
    let (owner, id) = (owner.as_str(), image.as_bytes());
    if !connection.prepare_cached(IS_OF)?.exists(params![id, owner, of.map(|of| of.0)])? {
        background::take_back(connection, kind, Some(image))?;
        return Ok(false);
    }
    background::forget(connection, kind, image)?;
    let sql = "DELETE FROM vectors_waiting WHERE kind = ? AND image_id = ?";
    connection.prepare_cached(sql)?.execute(params![kind, id])?;
    match vector {
        Some(vector) => {
            let values = params![kind, owner, id, vector.to_bytes(), vector.dimensions()];
            connection.prepare_cached(PUT)?.execute(values)?;
        }
        None => {
            let sql = "DELETE FROM vectors WHERE kind = ? AND owner = ? AND image_id = ?";
            connection.prepare_cached(sql)?.execute(params![kind, owner, id])?;
        }
    }
    Ok(true)
}

/// Whether the image is the owner's.
fn give_up(
    connection: &Connection,
    kind: &str,
    owner: &OwnerId,
    id: &ImageId,
    reason: &str,
) -> Result<bool, Fault> {
    let is_done = put(connection, kind, owner, id, None, None)?;
    if is_done {
        background::give_up(connection, kind, id, reason)?;
    }
    Ok(is_done)
}

fn one(
    connection: &Connection,
    kind: &str,
    owner: &OwnerId,
    id: &ImageId,
) -> Result<Option<Embedding>, Fault> {
    let key = params![kind, owner.as_str(), id.as_bytes()];
    let bytes: Option<Vec<u8>> =
        connection.prepare_cached(ONE)?.query_row(key, |row| row.get(0)).optional()?;
    Ok(bytes.and_then(|bytes| Embedding::from_bytes(&bytes)))
}

fn waiting(connection: &Connection, kind: &str, limit: u32) -> Result<Vec<(OwnerId, ImageId)>, Fault> {
    let mut statement = connection.prepare_cached(WAITING)?;
    let mut rows = statement.query(params![kind, limit])?;
    let mut waiting = Vec::new();
    while let Some(row) = rows.next()? {
        let owner: String = row.get(0)?;
        let owner = owner.parse().map_err(|_| {
            let message = "an image in the database has no good owner";
            Fault::from(PortError::new(ErrorKind::Data, "VectorIndex::waiting", message))
        })?;
        waiting.push((owner, ImageId::from_bytes(row.get(1)?)));
    }
    Ok(waiting)
}

#[async_trait]
impl VectorIndex for SqliteVectorIndex {
    async fn use_space(&self, space: &Space) -> PortResult<()> {
        let mut held = self.held.lock().await;
        let (kind, new) = (self.kind, space.clone());
        let work = move |connection: &Connection| use_space(connection, kind, &new);
        self.database.write("VectorIndex::use_space", Relaxed, work).await?;
        held.clear();
        Ok(())
    }

    async fn waiting(&self, limit: u32) -> PortResult<Vec<(OwnerId, ImageId)>> {
        let kind = self.kind;
        self.database.read("VectorIndex::waiting", move |connection| waiting(connection, kind, limit)).await
    }

    async fn put(
        &self,
        owner: &OwnerId,
        id: &ImageId,
        of: Option<Version>,
        vector: Option<Embedding>,
    ) -> PortResult<()> {
        let (kind, owner_of, image, new) = (self.kind, owner.clone(), *id, vector.clone());
        let work = move |connection: &Connection| put(connection, kind, &owner_of, &image, of, new.as_ref());
        if !self.database.add("VectorIndex::put", Relaxed, work).await? {
            return Ok(());
        }
        let held = self.held.lock().await;
        let Some(shared) = held.get(owner) else { return Ok(()) };
        let mut vectors = shared.write().unwrap_or_else(PoisonError::into_inner);
        match vector {
            Some(vector) => vectors.set(*id, &vector),
            None => vectors.remove(id),
        }
        Ok(())
    }

    async fn begin(&self, id: &ImageId) -> PortResult<u32> {
        let (kind, id) = (self.kind, *id);
        let work = move |connection: &Connection| background::begin(connection, kind, &id);
        self.database.write("VectorIndex::begin", Relaxed, work).await
    }

    async fn end(&self, id: &ImageId) -> PortResult<()> {
        let (kind, id) = (self.kind, *id);
        let work = move |connection: &Connection| background::end(connection, kind, &id);
        self.database.write("VectorIndex::end", Relaxed, work).await
    }

    async fn take_back(&self, id: &ImageId) -> PortResult<()> {
        let (kind, id) = (self.kind, *id);
        let work = move |connection: &Connection| background::take_back(connection, kind, Some(&id));
        self.database.write("VectorIndex::take_back", Relaxed, work).await
    }

    async fn take_all_back(&self) -> PortResult<()> {
        let kind = self.kind;
        let work = move |connection: &Connection| background::take_back(connection, kind, None);
        self.database.write("VectorIndex::take_all_back", Relaxed, work).await
    }

    async fn give_up(&self, owner: &OwnerId, id: &ImageId, reason: &str) -> PortResult<()> {
        let (kind, owner_of, image, reason) = (self.kind, owner.clone(), *id, reason.to_owned());
        let work = move |connection: &Connection| give_up(connection, kind, &owner_of, &image, &reason);
        if !self.database.write("VectorIndex::give_up", Relaxed, work).await? {
            return Ok(());
        }
        if let Some(shared) = self.held.lock().await.get(owner) {
            shared.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        }
        Ok(())
    }

    async fn given_up(&self, owner: &OwnerId, id: &ImageId) -> PortResult<Option<String>> {
        let (kind, owner, id) = (self.kind, owner.clone(), *id);
        let work = move |connection: &Connection| background::given_up(connection, kind, &owner, &id);
        self.database.read("VectorIndex::given_up", work).await
    }

    async fn get(&self, owner: &OwnerId, id: &ImageId) -> PortResult<Option<Embedding>> {
        let (kind, owner, id) = (self.kind, owner.clone(), *id);
        self.database.read("VectorIndex::get", move |connection| one(connection, kind, &owner, &id)).await
    }

    async fn nearest(&self, owner: &OwnerId, to: &Embedding, limit: u32) -> PortResult<Vec<Near>> {
        let shared = self.load(owner).await?;
        loop {
            let (vectors, to) = (Arc::clone(&shared), to.clone());
            let search = move || {
                let vectors = vectors.read().unwrap_or_else(PoisonError::into_inner);
                vectors.nearest(&to, limit as usize)
            };
            let near = spawn_blocking(search).await.map_err(|error| {
                PortError::new(ErrorKind::Internal, "VectorIndex::nearest", "the search ended in a panic")
                    .with_source(error)
            })?;
            // Images are deleted elsewhere: what is held learns of it here.
            let gone = self.gone(owner, near.iter().map(|near| near.id).collect()).await?;
            if gone.is_empty() {
                return Ok(near);
            }
            let mut vectors = shared.write().unwrap_or_else(PoisonError::into_inner);
            gone.iter().for_each(|id| vectors.remove(id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::explain;

    #[test]
    fn no_question_scans_what_it_does_not_give() {
        for (sql, index) in [
            (ONE, "USING PRIMARY KEY"),
            (ALL, "USING PRIMARY KEY"),
            (WAITING, "SEARCH images USING"),
            (IS_OF, "SEARCH images USING"),
        ] {
            let plan = explain(sql);
            assert!(plan.contains(index) && !plan.contains("SCAN images"), "{sql}\n{plan}");
        }
    }
}
