//! Saved images in SQLite. Pages are read straight from an index that ends where the page ends.

pub(crate) mod index;
mod timeline;

use crate::{
    Database, checksum,
    database::Durability::Durable,
    disk_space::no_space,
    error::Fault,
    released::{self, Holder},
};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, Rows, params, types::ValueRef};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{
        BlobId, ImageChange, ImageId, ImageQuery, OwnerId, Page, Position, Refusal, SavedImage, Sort,
        Timeline, Timestamp, Version, limits,
    },
    ports::{InsertedImage, MetadataRepo},
};

/// The columns that [`image_of`] reads: the checksum, and what it is of.
macro_rules! image_columns {
    () => {
        "images.checksum, images.id, images.owner, images.sha256, images.saved_at, images.trashed_at, \
         images.version, images.body"
    };
}
pub(crate) use image_columns;

/// The columns that [`image_of`] reads.
pub(crate) const COLUMNS: &str = image_columns!();

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
            let image = one(connection, OF_OWNER, params![id.as_bytes(), owner.as_str()])?;
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

    async fn change(
        &self,
        owner: &OwnerId,
        id: &ImageId,
        change: &ImageChange,
    ) -> PortResult<Result<SavedImage, Refusal>> {
        const OPERATION: &str = "MetadataRepo::change";
        let (owner, id, change) = (owner.clone(), *id, change.clone());
        let space = self.database.space().clone();
        let work = move |connection: &Connection| {
            let stored = one(connection, OF_OWNER, params![id.as_bytes(), owner.as_str()])?;
            let changed = change.apply(stored.as_ref());
            if let (Some(stored), Ok(changed)) = (&stored, &changed)
                && changed != stored
            {
                if space.is_low() && grows(stored, changed)? {
                    return Err(no_space(OPERATION).into());
                }
                update(connection, stored, changed)?;
            }
            Ok(changed)
        };
        self.database.write("MetadataRepo::change", Durable, work).await
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
        let work = move |connection: &Connection| refers_to(connection, &blob);
        self.database.read("MetadataRepo::refers_to", work).await
    }

    async fn is_released(&self, blob: &BlobId) -> PortResult<bool> {
        released::is_released(&self.database, "MetadataRepo::is_released", Holder::Image, blob).await
    }

    async fn released(&self, after: Option<BlobId>, limit: u32) -> PortResult<Vec<BlobId>> {
        released::page(&self.database, "MetadataRepo::released", Holder::Image, after, limit).await
    }

    async fn forget_release(&self, blob: &BlobId) -> PortResult<()> {
        released::forget_release(&self.database, "MetadataRepo::forget_release", Holder::Image, blob).await
    }

    async fn purge(&self, trashed_before: Timestamp, limit: u32) -> PortResult<Vec<BlobId>> {
        // Durable: the caller removes the bytes next, and a row must never point at what is gone.
        let work = move |connection: &Connection| purge(connection, trashed_before, limit);
        self.database.write("MetadataRepo::purge", Durable, work).await
    }
}

const OF_OWNER: &str = concat!("SELECT ", image_columns!(), " FROM images WHERE id = ? AND owner = ?");
const REFERS_TO: &str = "SELECT 1 FROM images WHERE sha256 = ?";
const OWNED: &str = concat!("SELECT ", image_columns!(), " FROM images WHERE sha256 = ? AND owner = ?");
const TRASHED: &str =
    concat!("SELECT ", image_columns!(), " FROM images WHERE trashed_at < ? ORDER BY trashed_at LIMIT ?");

pub(crate) fn insert(connection: &Connection, image: &SavedImage) -> Result<InsertedImage, Fault> {
    if let Some(existing) = one(connection, OWNED, params![image.sha256.as_bytes(), image.owner.as_str()])? {
        return Ok(InsertedImage::Existing(Box::new(existing)));
    }
    let sql = "INSERT INTO images (id, owner, sha256, saved_at, trashed_at, version, body, checksum) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";
    let body = serde_json::to_string(image)?;
    let inserted = connection.prepare_cached(sql)?.execute(params![
        image.id.as_bytes(),
        image.owner.as_str(),
        image.sha256.as_bytes(),
        image.saved_at.as_millis(),
        image.trashed_at.map(Timestamp::as_millis),
        image.version.0,
        body,
        sum(image, &body),
    ])?;
    if inserted == 0 {
        let message = format!("the id {} is another image's", image.id);
        return Err(PortError::new(ErrorKind::Conflict, "MetadataRepo::insert", message).into());
    }
    released::forget(connection, Holder::Image, &image.sha256)?;
    index::enter(connection, image)?;
    Ok(InsertedImage::Created)
}

/// The checksum of an image's row.
fn sum(image: &SavedImage, body: &str) -> i64 {
    checksum::of(&[
        ValueRef::Blob(image.id.as_bytes()),
        checksum::text(image.owner.as_str()),
        ValueRef::Blob(image.sha256.as_bytes()),
        ValueRef::Integer(image.saved_at.as_millis()),
        checksum::number(image.trashed_at.map(Timestamp::as_millis)),
        ValueRef::Integer(i64::try_from(image.version.0).unwrap_or(i64::MAX)),
        checksum::text(body),
    ])
}

/// Whether the image, or another one of its owner's with the same blob, is there.
pub(crate) fn has(connection: &Connection, image: &SavedImage) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM images WHERE id = ?1 OR sha256 = ?2 AND owner = ?3";
    let values = params![image.id.as_bytes(), image.sha256.as_bytes(), image.owner.as_str()];
    Ok(connection.prepare_cached(sql)?.exists(values)?)
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

/// Puts `image` in the place of `before`, which is what is stored.
fn update(connection: &Connection, before: &SavedImage, image: &SavedImage) -> Result<(), Fault> {
    let sql = "UPDATE images SET sha256 = ?2, saved_at = ?3, trashed_at = ?4, version = ?5, body = ?6, checksum = ?7 \
               WHERE id = ?1";
    let body = serde_json::to_string(image)?;
    connection.prepare_cached(sql)?.execute(params![
        image.id.as_bytes(),
        image.sha256.as_bytes(),
        image.saved_at.as_millis(),
        image.trashed_at.map(Timestamp::as_millis),
        image.version.0,
        body,
        sum(image, &body),
    ])?;
    index::update(connection, Some(before), image)
}

/// Whether the record gets longer: other than by the time at which it was trashed or changed.
fn grows(before: &SavedImage, after: &SavedImage) -> Result<bool, Fault> {
    let bytes = |image: &SavedImage| {
        let image = SavedImage {
            trashed_at: None,
            version: Version::FIRST,
            updated_at: image.saved_at,
            ..image.clone()
        };
        serde_json::to_string(&image).map(|body| body.len())
    };
    Ok(bytes(after)? > bytes(before)?)
}

/// The stored record of the image; `None` also where it can't be read: that is no reason to keep it from being removed.
fn readable(connection: &Connection, id: &ImageId) -> Result<Option<SavedImage>, Fault> {
    let mut statement = connection.prepare_cached("SELECT body FROM images WHERE id = ?")?;
    let body: Option<String> = statement.query_row([id.as_bytes()], |row| row.get(0)).optional()?;
    Ok(body.and_then(|body| serde_json::from_str(&body).ok()))
}

/// Removes an image's row, and records its blob as released if no other image has it.
fn remove(connection: &Connection, id: &ImageId) -> Result<(), Fault> {
    index::leave(connection, id, readable(connection, id)?.as_ref())?;
    let sql = "DELETE FROM images WHERE id = ? RETURNING sha256";
    let blob = connection.prepare_cached(sql)?.query_row([id.as_bytes()], |row| row.get(0)).optional()?;
    if let Some(blob) = blob.map(BlobId::from_bytes)
        && !refers_to(connection, &blob)?
    {
        released::record(connection, Holder::Image, &blob)?;
    }
    Ok(())
}

fn refers_to(connection: &Connection, blob: &BlobId) -> Result<bool, Fault> {
    Ok(connection.prepare_cached(REFERS_TO)?.exists([blob.as_bytes()])?)
}

fn purge(connection: &Connection, trashed_before: Timestamp, limit: u32) -> Result<Vec<BlobId>, Fault> {
    let purged: Vec<(ImageId, BlobId)> = connection
        .prepare_cached(TRASHED)?
        .query_and_then(params![trashed_before.as_millis(), limit], |row| trashed_of(row, trashed_before))?
        .collect::<Result<_, Fault>>()?;
    for (id, _) in &purged {
        remove(connection, id)?;
    }
    Ok(purged.into_iter().map(|(_, blob)| blob).collect())
}

/// The image of a row that the index says was put into the trash before `trashed_before`, if the row says so too: a damaged
/// index may lead to any row.
fn trashed_of(row: &Row<'_>, trashed_before: Timestamp) -> Result<(ImageId, BlobId), Fault> {
    checksum::check(row, "images", 0, 1, 7)?;
    let trashed_at: Option<i64> = row.get(5)?;
    if trashed_at.is_none_or(|at| at >= trashed_before.as_millis()) {
        let message = "an index of the table images leads to another row; the database is damaged";
        return Err(PortError::new(ErrorKind::Data, "MetadataRepo::purge", message).into());
    }
    Ok((ImageId::from_bytes(row.get(1)?), BlobId::from_bytes(row.get(3)?)))
}

/// The image of a row of [`image_columns`], if it matches its checksum.
pub(crate) fn image_of(row: &Row<'_>) -> Result<SavedImage, Fault> {
    checksum::check(row, "images", 0, 1, 7)?;
    Ok(serde_json::from_str(row.get_ref(7)?.as_str().map_err(rusqlite::Error::from)?)?)
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
            concat!(
                "SELECT ",
                image_columns!(),
                " FROM images WHERE owner = ?1 AND trashed_at IS NULL AND (saved_at, id) < (?2, ?3) \
             ORDER BY saved_at DESC, id DESC LIMIT ?4"
            )
        }
        (false, Sort::Oldest) => {
            concat!(
                "SELECT ",
                image_columns!(),
                " FROM images WHERE owner = ?1 AND trashed_at IS NULL AND (saved_at, id) > (?2, ?3) \
             ORDER BY saved_at, id LIMIT ?4"
            )
        }
        (true, Sort::Newest) => {
            concat!(
                "SELECT ",
                image_columns!(),
                " FROM images WHERE owner = ?1 AND trashed_at IS NOT NULL AND (saved_at, id) < (?2, ?3) \
             AND trashed_at > ?5 ORDER BY saved_at DESC, id DESC LIMIT ?4"
            )
        }
        (true, Sort::Oldest) => {
            concat!(
                "SELECT ",
                image_columns!(),
                " FROM images WHERE owner = ?1 AND trashed_at IS NOT NULL AND (saved_at, id) > (?2, ?3) \
             AND trashed_at > ?5 ORDER BY saved_at, id LIMIT ?4"
            )
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
