//! Release records: the one file that knows the table `released_blobs`. A record is written in the transaction that
//! removes the last reference of jobs or of images to a blob, and goes when there is a reference again.

use crate::{Database, database::Durability::Durable, error::Fault};
use rusqlite::{Connection, params};
use tintype_core::{PortResult, domain::BlobId};

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
    let sql = "INSERT OR IGNORE INTO released_blobs (holder, sha256) VALUES (?, ?)";
    connection.prepare_cached(sql)?.execute(params![holder.name(), blob.as_bytes()])?;
    Ok(())
}

/// Every recorded blob.
pub(crate) fn all(connection: &Connection, holder: Holder) -> rusqlite::Result<Vec<BlobId>> {
    let mut statement = connection.prepare("SELECT sha256 FROM released_blobs WHERE holder = ?")?;
    statement.query_map([holder.name()], |row| row.get(0).map(BlobId::from_bytes))?.collect()
}

/// Removes the record of `blob`, if there is one.
pub(crate) fn forget(connection: &Connection, holder: Holder, blob: &BlobId) -> Result<(), Fault> {
    let sql = "DELETE FROM released_blobs WHERE holder = ? AND sha256 = ?";
    connection.prepare_cached(sql)?.execute(params![holder.name(), blob.as_bytes()])?;
    Ok(())
}

/// See [`JobRepo::is_released`](tintype_core::ports::JobRepo::is_released).
pub(crate) async fn is_released(
    database: &Database,
    operation: &'static str,
    holder: Holder,
    blob: &BlobId,
) -> PortResult<bool> {
    let blob = *blob;
    let work = move |connection: &Connection| {
        let sql = "SELECT 1 FROM released_blobs WHERE holder = ? AND sha256 = ?";
        Ok(connection.prepare_cached(sql)?.exists(params![holder.name(), blob.as_bytes()])?)
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
