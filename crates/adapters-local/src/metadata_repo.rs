//! Saved images in SQLite. Pages are read straight from an index that ends where the page ends.

pub(crate) mod index;
mod timeline;

use crate::{Database, database::Durability::Durable, disk_space::no_space, error::Fault};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, Rows, params};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{
        BlobId, ImageId, ImageQuery, OwnerId, Page, Position, SavedImage, Sort, Timeline, Timestamp, Version,
        limits,
    },
    ports::{InsertedImage, MetadataRepo},
};

/// Keeps the records of saved images in the database.
#[derive(Clone, Debug)]
pub struct SqliteMetadataRepo {
    database: Database,
}

impl SqliteMetadataRepo {
    /// The saved images in `database`.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl MetadataRepo for SqliteMetadataRepo {
    async fn insert(&self, image: &SavedImage) -> PortResult<InsertedImage> {
        const OPERATION: &str = "MetadataRepo::insert";
        let image = image.clone();
        let (sha256, owner) = (image.sha256, image.owner.clone());
        let inserted =
            self.database.add(OPERATION, Durable, move |connection| insert(connection, &image)).await;
        match inserted {
            // An image that is there needs no space.
            Err(error) if error.kind() == ErrorKind::Exhausted => {
                let work = move |connection: &Connection| {
                    one(connection, OWNED, params![sha256.as_bytes(), owner.as_str()])
                };
                let existing = self.database.read(OPERATION, work).await?;
                existing.map(|image| InsertedImage::Existing(Box::new(image))).ok_or(error)
            }
            inserted => inserted,
        }
    }

    async fn find(&self, owner: &OwnerId, id: &ImageId, now: Timestamp) -> PortResult<Option<SavedImage>> {
        let (owner, id) = (owner.clone(), *id);
        let work = move |connection: &Connection| {
            let sql = "SELECT body FROM images WHERE id = ? AND owner = ?";
            let image = one(connection, sql, params![id.as_bytes(), owner.as_str()])?;
            Ok(image.filter(|image| image.is_shown(now)))
        };
        self.database.read("MetadataRepo::find", work).await
    }

    async fn list(
        &self,
        owner: &OwnerId,
        query: &ImageQuery,
        now: Timestamp,
    ) -> PortResult<Page<SavedImage>> {
        let (owner, limit, query) = (owner.clone(), query.limit, query.clone());
        let work = move |connection: &Connection| {
            let read = if query.filter.is_empty() { list } else { index::find };
            read(connection, &owner, &query, now)
        };
        let images = self.database.read("MetadataRepo::list", work).await?;
        Ok(Page::of(images, limit, |image| Position::of_image(image.saved_at, &image.id)))
    }

    async fn timeline(&self, owner: &OwnerId, query: &ImageQuery, _: Timestamp) -> PortResult<Timeline> {
        let (owner, query) = (owner.clone(), query.clone());
        let work = move |connection: &Connection| timeline::timeline(connection, &owner, &query);
        self.database.read("MetadataRepo::timeline", work).await
    }

    async fn update(&self, image: &SavedImage, expected: Version) -> PortResult<()> {
        const OPERATION: &str = "MetadataRepo::update";
        let (image, space) = (image.clone(), self.database.space().clone());
        let work = move |connection: &Connection| match version(connection, &image.owner, &image.id)? {
            None => Err(PortError::new(ErrorKind::NotFound, OPERATION, "there is no such image").into()),
            Some(stored) if stored == expected => {
                if space.is_low() && grows(readable(connection, &image.id)?.as_ref(), &image)? {
                    return Err(no_space(OPERATION).into());
                }
                update(connection, &image)
            }
            Some(stored) => Err(overtaken(OPERATION, stored)),
        };
        self.database.write(OPERATION, Durable, work).await
    }

    async fn delete(&self, owner: &OwnerId, id: &ImageId, expected: Version) -> PortResult<()> {
        const OPERATION: &str = "MetadataRepo::delete";
        let (owner, id) = (owner.clone(), *id);
        let work = move |connection: &Connection| match version(connection, &owner, &id)? {
            None => Ok(()),
            Some(stored) if stored == expected => remove(connection, &id),
            Some(stored) => Err(overtaken(OPERATION, stored)),
        };
        self.database.write(OPERATION, Durable, work).await
    }

    async fn refers_to(&self, blob: &BlobId) -> PortResult<bool> {
        let blob = *blob;
        let work = move |connection: &Connection| {
            Ok(connection.prepare_cached(REFERS_TO)?.exists([blob.as_bytes()])?)
        };
        self.database.read("MetadataRepo::refers_to", work).await
    }

    async fn purge(&self, trashed_before: Timestamp, limit: u32) -> PortResult<Vec<BlobId>> {
        // Durable: the caller removes the bytes next, and a row must never point at what is gone.
        let work = move |connection: &Connection| purge(connection, trashed_before, limit);
        self.database.write("MetadataRepo::purge", Durable, work).await
    }
}

const REFERS_TO: &str = "SELECT 1 FROM images WHERE sha256 = ?";
const OWNED: &str = "SELECT body FROM images WHERE sha256 = ? AND owner = ?";
const TRASHED: &str = "SELECT id, sha256 FROM images WHERE trashed_at < ? ORDER BY trashed_at LIMIT ?";

fn insert(connection: &Connection, image: &SavedImage) -> Result<InsertedImage, Fault> {
    if let Some(existing) = one(connection, OWNED, params![image.sha256.as_bytes(), image.owner.as_str()])? {
        return Ok(InsertedImage::Existing(Box::new(existing)));
    }
    let sql = "INSERT INTO images (id, owner, sha256, saved_at, trashed_at, version, body) \
               VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";
    let inserted = connection.prepare_cached(sql)?.execute(params![
        image.id.as_bytes(),
        image.owner.as_str(),
        image.sha256.as_bytes(),
        image.saved_at.as_millis(),
        image.trashed_at.map(Timestamp::as_millis),
        image.version.0,
        serde_json::to_string(image)?,
    ])?;
    if inserted == 0 {
        let message = format!("the id {} is another image's", image.id);
        return Err(PortError::new(ErrorKind::Conflict, "MetadataRepo::insert", message).into());
    }
    index::enter(connection, image)?;
    Ok(InsertedImage::Created)
}

fn version(connection: &Connection, owner: &OwnerId, id: &ImageId) -> Result<Option<Version>, Fault> {
    let sql = "SELECT version FROM images WHERE id = ? AND owner = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let version = statement.query_row(params![id.as_bytes(), owner.as_str()], |row| row.get(0)).optional()?;
    Ok(version.map(Version))
}

fn overtaken(operation: &'static str, stored: Version) -> Fault {
    let message = format!("the image was changed by someone else; its version is now {}", stored.0);
    PortError::new(ErrorKind::Conflict, operation, message).into()
}

fn update(connection: &Connection, image: &SavedImage) -> Result<(), Fault> {
    let before = readable(connection, &image.id)?;
    let sql = "UPDATE images SET sha256 = ?2, saved_at = ?3, trashed_at = ?4, version = ?5, body = ?6 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![
        image.id.as_bytes(),
        image.sha256.as_bytes(),
        image.saved_at.as_millis(),
        image.trashed_at.map(Timestamp::as_millis),
        image.version.0,
        serde_json::to_string(image)?,
    ])?;
    index::update(connection, before.as_ref(), image)
}

/// Whether the record gets longer: other than by the time at which it was trashed or changed.
fn grows(before: Option<&SavedImage>, after: &SavedImage) -> Result<bool, Fault> {
    let bytes = |image: &SavedImage| {
        let image = SavedImage {
            trashed_at: None,
            version: Version::FIRST,
            updated_at: image.saved_at,
            ..image.clone()
        };
        serde_json::to_string(&image).map(|body| body.len())
    };
    match before {
        Some(before) => Ok(bytes(after)? > bytes(before)?),
        // It can't be read: it is replaced.
        None => Ok(false),
    }
}

/// The stored record of the image; `None` also where it can't be read: that is no reason to keep it from being replaced or
/// removed.
fn readable(connection: &Connection, id: &ImageId) -> Result<Option<SavedImage>, Fault> {
    let mut statement = connection.prepare_cached("SELECT body FROM images WHERE id = ?")?;
    let body: Option<String> = statement.query_row([id.as_bytes()], |row| row.get(0)).optional()?;
    Ok(body.and_then(|body| serde_json::from_str(&body).ok()))
}

fn remove(connection: &Connection, id: &ImageId) -> Result<(), Fault> {
    index::leave(connection, id, readable(connection, id)?.as_ref())?;
    connection.prepare_cached("DELETE FROM images WHERE id = ?")?.execute([id.as_bytes()])?;
    Ok(())
}

fn purge(connection: &Connection, trashed_before: Timestamp, limit: u32) -> Result<Vec<BlobId>, Fault> {
    let purged: Vec<(ImageId, BlobId)> = connection
        .prepare_cached(TRASHED)?
        .query_map(params![trashed_before.as_millis(), limit], |row| {
            Ok((ImageId::from_bytes(row.get(0)?), BlobId::from_bytes(row.get(1)?)))
        })?
        .collect::<rusqlite::Result<_>>()?;
    for (id, _) in &purged {
        remove(connection, id)?;
    }
    Ok(purged.into_iter().map(|(_, blob)| blob).collect())
}

fn image_of(row: &Row<'_>) -> Result<SavedImage, Fault> {
    Ok(serde_json::from_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?)
}

fn one(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<Option<SavedImage>, Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    rows.next()?.map(image_of).transpose()
}

/// The query of a page. Its filter is spelled as the index's, so that SQLite sees that they agree.
const fn list_sql(query: &ImageQuery) -> &'static str {
    match (query.trashed, query.sort) {
        (false, Sort::Newest) => {
            "SELECT body FROM images WHERE owner = ?1 AND trashed_at IS NULL AND (saved_at, id) < (?2, ?3) \
             ORDER BY saved_at DESC, id DESC LIMIT ?4"
        }
        (false, Sort::Oldest) => {
            "SELECT body FROM images WHERE owner = ?1 AND trashed_at IS NULL AND (saved_at, id) > (?2, ?3) \
             ORDER BY saved_at, id LIMIT ?4"
        }
        (true, Sort::Newest) => {
            "SELECT body FROM images WHERE owner = ?1 AND trashed_at IS NOT NULL AND (saved_at, id) < (?2, ?3) \
             AND trashed_at > ?5 ORDER BY saved_at DESC, id DESC LIMIT ?4"
        }
        (true, Sort::Oldest) => {
            "SELECT body FROM images WHERE owner = ?1 AND trashed_at IS NOT NULL AND (saved_at, id) > (?2, ?3) \
             AND trashed_at > ?5 ORDER BY saved_at, id LIMIT ?4"
        }
    }
}

/// The place before the first item of a list in this order.
const fn start(sort: Sort) -> Position {
    match sort {
        Sort::Newest => Position { at: Timestamp::from_millis(i64::MAX), id: [u8::MAX; 16] },
        Sort::Oldest => Position { at: Timestamp::from_millis(i64::MIN), id: [0; 16] },
    }
}

/// The owner's images in order: one more than the page holds, to learn whether there are more.
fn list(
    connection: &Connection,
    owner: &OwnerId,
    query: &ImageQuery,
    now: Timestamp,
) -> Result<Vec<SavedImage>, Fault> {
    let after = query.after.unwrap_or(start(query.sort));
    let (owner, at, limit) = (owner.as_str(), after.at.as_millis(), query.limit.get() + 1);
    let still_kept = now.before(limits::TRASH_RETENTION).as_millis();
    let mut statement = connection.prepare_cached(list_sql(query))?;
    let rows = if query.trashed {
        statement.query(params![owner, at, after.id, limit, still_kept])?
    } else {
        statement.query(params![owner, at, after.id, limit])?
    };
    images_of(rows)
}

fn images_of(mut rows: Rows<'_>) -> Result<Vec<SavedImage>, Fault> {
    let mut images = Vec::new();
    while let Some(row) = rows.next()? {
        images.push(image_of(row)?);
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::explain;

    fn check_uses(sql: &str, index: &str) {
        let plan = explain(sql);
        assert!(plan.starts_with("SEARCH images USING") && plan.contains(index), "{sql}\n{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
    }

    #[test]
    fn a_page_is_a_stretch_of_an_index_at_any_depth() {
        for sort in [Sort::Newest, Sort::Oldest] {
            for (trashed, index) in [(false, "images_library "), (true, "images_trash ")] {
                check_uses(list_sql(&ImageQuery { trashed, sort, ..ImageQuery::default() }), index);
            }
        }
    }

    #[test]
    fn looking_for_an_address_is_a_look_into_an_index() {
        check_uses(REFERS_TO, "COVERING INDEX");
        check_uses(OWNED, "(sha256=? AND owner=?)");
        check_uses(TRASHED, "images_trashed ");
    }
}
