//! Release records: the one file that knows the table `released_blobs`. A record is written in the transaction that
//! removes the last reference of jobs or of images to a blob, and goes when there is a reference again.

use crate::{
    Database, SystemClock,
    database::Durability::Durable,
    error::Fault,
    image_store::{BLOBS, blob_path, put_at},
};
use rusqlite::{Connection, OptionalExtension, params};
use std::fs;
use tintype_core::{
    PortResult,
    domain::{BlobId, Clock, Timestamp},
};

/// Which sort of record held a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A job: as a result or as a source.
    Job,
    /// A saved image.
    Image,
}

impl Holder {
    const fn name(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Image => "image",
        }
    }
}

/// Records that nothing of this sort refers to `blob` any more.
pub(crate) fn record(connection: &Connection, holder: Holder, blob: &BlobId) -> Result<(), Fault> {
    let sql = "INSERT OR REPLACE INTO released_blobs (holder, sha256, released_at) VALUES (?, ?, ?)";
    let now = SystemClock.now().as_millis();
    connection.prepare_cached(sql)?.execute(params![holder.name(), blob.as_bytes(), now])?;
    Ok(())
}

/// Copies every record of another database that has none here.
pub(crate) fn copy_all(new: &Connection, from: &Connection) -> rusqlite::Result<()> {
    let mut insert =
        new.prepare("INSERT OR IGNORE INTO released_blobs (holder, sha256, released_at) VALUES (?, ?, ?)")?;
    let Ok(mut statement) = from.prepare("SELECT holder, sha256, released_at FROM released_blobs") else {
        return Ok(());
    };
    let Ok(mut rows) = statement.query([]) else { return Ok(()) };
    while let Ok(Some(row)) = rows.next() {
        let record = (|| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))();
        let record: rusqlite::Result<(String, [u8; 32], i64)> = record;
        if let Ok((holder, blob, at)) = record {
            insert.execute(params![holder, blob, at])?;
        }
    }
    Ok(())
}

/// Removes the record of `blob`, if there is one.
pub(crate) fn forget(connection: &Connection, holder: Holder, blob: &BlobId) -> Result<(), Fault> {
    let sql = "DELETE FROM released_blobs WHERE holder = ? AND sha256 = ?";
    connection.prepare_cached(sql)?.execute(params![holder.name(), blob.as_bytes()])?;
    Ok(())
}

/// See [`JobRepo::is_released`](tintype_core::ports::JobRepo::is_released). A record that is older than the blob's last put
/// proves nothing: what referred to the blob since may be lost, with the removal of the record.
pub(crate) async fn is_released(
    database: &Database,
    operation: &'static str,
    holder: Holder,
    blob: &BlobId,
) -> PortResult<bool> {
    let (blob, folder) = (*blob, database.folder().to_owned());
    let work = move |connection: &Connection| {
        let sql = "SELECT released_at FROM released_blobs WHERE holder = ? AND sha256 = ?";
        let mut statement = connection.prepare_cached(sql)?;
        let released_at = statement.query_row(params![holder.name(), blob.as_bytes()], |row| row.get(0));
        let Some(released_at) = released_at.optional()?.map(Timestamp::from_millis) else { return Ok(false) };
        let file = fs::metadata(blob_path(&folder.join(BLOBS), &blob));
        Ok(file.and_then(|file| put_at(&file)).map_or(true, |put_at| put_at <= released_at))
    };
    database.read(operation, work).await
}

/// See [`JobRepo::released`](tintype_core::ports::JobRepo::released).
pub(crate) async fn page(
    database: &Database,
    operation: &'static str,
    holder: Holder,
    after: Option<BlobId>,
    limit: u32,
) -> PortResult<Vec<BlobId>> {
    let work = move |connection: &Connection| {
        let after = after.map_or(Vec::new(), |id| id.as_bytes().to_vec());
        let sql = "SELECT sha256 FROM released_blobs WHERE holder = ? AND sha256 > ? ORDER BY sha256 LIMIT ?";
        let mut statement = connection.prepare_cached(sql)?;
        let blobs = statement
            .query_map(params![holder.name(), after, limit], |row| row.get(0).map(BlobId::from_bytes))?;
        Ok(blobs.collect::<rusqlite::Result<_>>()?)
    };
    database.read(operation, work).await
}

/// See [`JobRepo::forget_release`](tintype_core::ports::JobRepo::forget_release).
pub(crate) async fn forget_release(
    database: &Database,
    operation: &'static str,
    holder: Holder,
    blob: &BlobId,
) -> PortResult<()> {
    let blob = *blob;
    database.write(operation, Durable, move |connection| forget(connection, holder, &blob)).await
}
