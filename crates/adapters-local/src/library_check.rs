//! A check of a whole data folder: the database, every blob, and whether the two agree.

use crate::{
    DataFolder, OpenError, RecoverError, Recovered,
    backup::{copy_database, files},
    database::{self, check, wal},
    image_store::{BLOBS, blob_path, blobs_below, put_at, quarantine},
    library_mark,
    recover::{known_blobs, recover},
};
use rusqlite::Connection;
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};
use tintype_core::{
    domain::{BlobId, Timestamp, limits},
    use_cases::are_too_many_orphans,
};

const PAGE: usize = 1_000;

/// Why a data folder can't be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is neither a database nor a blob.
    #[error("there is no library in {}; name its data folder with --data", folder.display())]
    NoLibrary {
        /// The folder.
        folder: PathBuf,
    },
    /// A file can't be read.
    #[error("{} can't be read", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LibraryReport {
    /// What is wrong with the database, one sentence each.
    pub database: Vec<String>,
    /// How many blobs there are.
    pub blobs: u64,
    /// Blobs that a record refers to and that are not there, in order.
    pub missing: Vec<BlobId>,
    /// Blobs whose bytes do not match their address, in order.
    pub damaged: Vec<BlobId>,
    /// Blobs with neither a reference nor a release record, in order. None where the database can't be read.
    pub orphans: Vec<BlobId>,
    /// How many blobs are in quarantine.
    pub quarantined: u64,
}

impl LibraryReport {
    /// Whether nothing is wrong. Blobs in quarantine are no fault any more.
    pub fn is_sound(&self) -> bool {
        self.database.is_empty()
            && self.missing.is_empty()
            && self.damaged.is_empty()
            && self.orphans.is_empty()
    }
}

/// Checks the library in `data`; its server may run. Every blob is read. `progress` is told how many blobs are done, and of how many
/// bytes.
///
/// # Errors
/// [`CheckError`]
pub fn check_library(
    data: &Path,
    now: Timestamp,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<LibraryReport, CheckError> {
    let blobs = data.join(BLOBS);
    let at = |path: &Path| {
        let path = path.to_owned();
        |source| CheckError::File { path, source }
    };
    let has_blobs = crate::image_store::is_any_blob(&blobs).map_err(at(&blobs))?;
    if !has_blobs && !data.join(database::FILE).exists() {
        return Err(CheckError::NoLibrary { folder: data.to_owned() });
    }
    let mut report = LibraryReport::default();
    let known = check_database(data, &mut report.database);
    let mut seen = BTreeSet::new();
    let mut bytes = 0;
    let mut after = None;
    loop {
        let page = if has_blobs { blobs_below(&blobs, after, PAGE).map_err(at(&blobs))? } else { Vec::new() };
        for id in &page {
            let path = blob_path(&blobs, id);
            report.blobs += 1;
            seen.insert(*id);
            match files::read_whole(&path, id) {
                Some(found) => bytes += found.len() as u64,
                // A running server may just have unlinked it.
                None if !path.exists() => {}
                None => report.damaged.push(*id),
            }
            let is_known = known.as_ref().is_none_or(|known| known.explains(id));
            if !is_known && is_old(&path, now) {
                report.orphans.push(*id);
            }
            progress(report.blobs, bytes);
        }
        after = page.last().copied();
        if page.len() < PAGE {
            break;
        }
    }
    if let Some(known) = known {
        let is_gone = |id: &&BlobId| !seen.contains(*id) && !blob_path(&blobs, id).exists();
        report.missing = known.referenced.iter().filter(is_gone).copied().collect();
    }
    report.quarantined = quarantine::list(data).map_err(at(data))?.len() as u64;
    Ok(report)
}

/// Repairs the library in `data`, whose server must not run: a damaged database is made anew of what can be read, damaged blobs and
/// orphans go into quarantine, and missing blobs come back from there.
///
/// # Errors
/// [`RecoverError`]
pub fn repair_library(data: &Path, now: Timestamp) -> Result<Recovered, RecoverError> {
    let recovered = recover(data, &[], now)?;
    let blobs = data.join(BLOBS);
    let at = |path: &Path| {
        let path = path.to_owned();
        |source| RecoverError::File { path, source }
    };
    let mut orphans: Vec<_> = recovered.unexplained.iter().map(|id| (*id, blob_path(&blobs, id))).collect();
    orphans.retain(|(_, path)| path.exists());
    let count = count_blobs(&blobs).map_err(at(&blobs))?;
    if are_too_many_orphans(orphans.len() as u64, count) {
        return Err(RecoverError::TooManyOrphans { orphans: orphans.len() as u64, blobs: count });
    }
    for (id, path) in orphans {
        quarantine::take(data, &path, &id, now).map_err(at(&path))?;
    }
    Ok(recovered)
}

fn count_blobs(blobs: &Path) -> io::Result<u64> {
    let (mut count, mut after) = (0, None);
    loop {
        let page = blobs_below(blobs, after, PAGE)?;
        count += page.len() as u64;
        after = page.last().copied();
        if page.len() < PAGE {
            return Ok(count);
        }
    }
}

/// The blobs that the records know.
struct Known {
    referenced: BTreeSet<BlobId>,
    released: BTreeSet<BlobId>,
}

impl Known {
    fn explains(&self, id: &BlobId) -> bool {
        self.referenced.contains(id) || self.released.contains(id)
    }
}

/// Checks a copy of the database as it is at one moment; `None` if it can't be read.
fn check_database(data: &Path, found: &mut Vec<String>) -> Option<Known> {
    let file = data.join(database::FILE);
    if let Err(error) = library_mark::refuse_new(data, &file) {
        found.push(error.to_string());
        return None;
    }
    match wal::unreadable_commits(&data.join(database::WAL)) {
        Ok(0) | Err(_) => {}
        // A running server writes to its log and begins it anew meanwhile; it looked at the log when it started.
        Ok(_) if matches!(DataFolder::open(data), Err(OpenError::InUse { .. })) => {}
        Ok(lost) => {
            found.push(format!("the end of the write-ahead log is damaged: up to {lost} commits are lost"));
        }
    }
    let copied = copy_of(data);
    let (mark, connection) = match copied {
        Ok(copied) => copied,
        Err(error) => {
            let cause =
                std::error::Error::source(&error).map_or_else(String::new, |cause| format!(" ({cause})"));
            found.push(format!("{error}{cause}"));
            return None;
        }
    };
    if let Err(error) = library_mark::refuse_other(mark.as_ref(), data, &connection) {
        found.push(error.to_string());
    }
    found.extend(check::damage_and_index(&connection));
    let (referenced, released) = known_blobs(&connection).ok()?;
    Some(Known { referenced, released })
}

fn copy_of(data: &Path) -> Result<(Option<library_mark::LibraryMark>, Connection), OpenError> {
    let failed = |source| OpenError::Database { folder: data.to_owned(), source };
    let mark = library_mark::of_the_blobs(data)?;
    // An unnamed temporary file of SQLite's, which goes with the connection.
    let mut connection = copy_database(data, Path::new("")).map_err(failed)?;
    database::migrations::migrate(&mut connection, data)?;
    Ok((mark, connection))
}

/// Whether a blob was put long enough ago for its record to be there.
fn is_old(path: &Path, now: Timestamp) -> bool {
    let file = fs::metadata(path);
    file.and_then(|file| put_at(&file)).is_ok_and(|put_at| put_at < now.before(limits::BLOB_GRACE))
}
