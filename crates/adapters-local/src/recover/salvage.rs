//! Reading whatever rows of a damaged database can be read, and writing them into a new one.

use crate::{backup::blobs_of, collection_repo, error::Fault, job_repo::rows, metadata_repo, released};
use rusqlite::{Connection, Row};
use std::collections::BTreeSet;
use tintype_core::domain::{BlobId, CollectionId, JobId};

/// How many rows between two damaged places are looked for one by one, at the most.
const PROBES_MAX: i64 = 10_000_000;

/// Writes rows of one database into another.
pub(super) struct Salvage<'a> {
    pub(super) new: &'a Connection,
    pub(super) from: &'a Connection,
    /// The most trusted database: what it says was released is not brought back from an older one.
    pub(super) newest: &'a Connection,
}

impl Salvage<'_> {
    /// Writes the images that the new database does not have, if their blobs are `wanted`; returns how many.
    pub(super) fn images(
        &self,
        wanted: impl Fn(&BlobId) -> bool,
        damaged: &mut u64,
    ) -> rusqlite::Result<u64> {
        let mut written = 0;
        let mut one = |row: &Row<'_>| -> Result<(), Fault> {
            let image = metadata_repo::image_of(row)?;
            let is_older = !std::ptr::eq(self.from, self.newest);
            if metadata_repo::has(self.new, &image)? || is_older && self.is_released(&image.sha256) {
                return Ok(());
            }
            if wanted(&image.sha256) {
                metadata_repo::insert(self.new, &image)?;
                written += 1;
            }
            Ok(())
        };
        let columns = metadata_repo::COLUMNS;
        let (mut first, mut last) = (0, i64::MAX);
        for (order, bound) in [("ASC", &mut first), ("DESC", &mut last)] {
            let sql = format!("SELECT {columns}, number FROM images ORDER BY number {order}");
            let is_whole = self.each(&sql, damaged, &mut one, |row| *bound = row.get(8).unwrap_or(*bound))?;
            if is_whole {
                return Ok(written);
            }
        }
        // Between the first and the last damaged page.
        let sql = format!("SELECT {columns} FROM images WHERE number = ?");
        let Ok(mut statement) = self.from.prepare(&sql) else { return Ok(written) };
        for number in first + 1..last.min(first.saturating_add(PROBES_MAX)) {
            let Ok(mut rows) = statement.query([number]) else { continue };
            if let Ok(Some(row)) = rows.next() {
                *damaged += u64::from(kept(one(row))?);
            }
        }
        Ok(written)
    }

    /// Writes the collections that the new database does not have; returns how many.
    pub(super) fn collections(&self, damaged: &mut u64) -> rusqlite::Result<u64> {
        let mut seen = BTreeSet::<CollectionId>::new();
        let mut written = 0;
        let mut one = |row: &Row<'_>| -> Result<(), Fault> {
            let collection = collection_repo::collection_of(row)?;
            let is_new = collection_repo::find(self.new, &collection.owner, &collection.id)?.is_none();
            if seen.insert(collection.id) && is_new {
                written += u64::from(collection_repo::insert(self.new, &collection)?.is_ok());
            }
            Ok(())
        };
        for order in ["ASC", "DESC"] {
            let sql = format!("SELECT {} FROM collections ORDER BY id {order}", collection_repo::COLUMNS);
            if self.each(&sql, damaged, &mut one, |_| {})? {
                break;
            }
        }
        Ok(written)
    }

    /// Writes the jobs that the new database does not have, with their logs; returns how many. One that had not ended waits again.
    pub(super) fn jobs(&self, damaged: &mut u64) -> rusqlite::Result<u64> {
        let mut seen = BTreeSet::<JobId>::new();
        let mut one = |row: &Row<'_>| -> Result<(), Fault> {
            let job = rows::job_of(row)?;
            if seen.contains(&job.id) || rows::find(self.new, &job.id)?.is_some() {
                return Ok(());
            }
            rows::copy(self.new, self.from, &job)?;
            seen.insert(job.id);
            Ok(())
        };
        for order in ["ASC", "DESC"] {
            let sql = format!("SELECT {} FROM jobs ORDER BY id {order}", rows::COLUMNS);
            if self.each(&sql, damaged, &mut one, |_| {})? {
                break;
            }
        }
        Ok(seen.len() as u64)
    }

    /// Writes what was released.
    pub(super) fn releases(&self) -> rusqlite::Result<()> {
        released::copy_all(self.new, self.from)
    }

    /// Calls `one` with each row of `sql`, up to the first that can't be read; says whether there was none such. Rows that are
    /// damaged themselves are counted and passed over.
    fn each(
        &self,
        sql: &str,
        damaged: &mut u64,
        one: &mut impl FnMut(&Row<'_>) -> Result<(), Fault>,
        mut passed: impl FnMut(&Row<'_>),
    ) -> rusqlite::Result<bool> {
        let Ok(mut statement) = self.from.prepare(sql) else { return Ok(false) };
        let Ok(mut rows) = statement.query([]) else { return Ok(false) };
        loop {
            match rows.next() {
                Ok(None) => return Ok(true),
                Err(_) => return Ok(false),
                Ok(Some(row)) => {
                    *damaged += u64::from(kept(one(row))?);
                    passed(row);
                }
            }
        }
    }

    fn is_released(&self, blob: &BlobId) -> bool {
        let sql = "SELECT 1 FROM released_blobs WHERE sha256 = ?";
        let statement = self.newest.prepare_cached(sql);
        statement.and_then(|mut statement| statement.exists([blob.as_bytes()])).unwrap_or(false)
    }
}

/// Whether a row was damaged; an error of the new database is none of the row.
fn kept(outcome: Result<(), Fault>) -> rusqlite::Result<bool> {
    match outcome {
        Ok(()) => Ok(false),
        Err(Fault::Sqlite(error)) if is_of_the_disk(&error) => Err(error),
        Err(Fault::Sqlite(_)) => Ok(true),
        Err(Fault::Json(_) | Fault::Port(_)) => Ok(true),
    }
}

fn is_of_the_disk(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DiskFull, ReadOnly, SystemIoFailure};
    error.sqlite_error_code().is_some_and(|code| [DiskFull, ReadOnly, SystemIoFailure].contains(&code))
}

/// The blobs that records refer to, and those whose release is on record.
pub(crate) fn known_blobs(connection: &Connection) -> rusqlite::Result<(BTreeSet<BlobId>, BTreeSet<BlobId>)> {
    let mut statement = connection.prepare("SELECT DISTINCT sha256 FROM released_blobs")?;
    let released = statement.query_map([], |row| row.get(0).map(BlobId::from_bytes))?;
    Ok((blobs_of(connection)?, released.collect::<rusqlite::Result<_>>()?))
}
