//! Daily copies of the database in the data folder: what a damaged or lost database is recovered from. They hold no blobs.

use crate::{
    Database,
    backup::{self, files},
    database::{self, check},
    durable,
    image_store::{BLOBS, blob_path, quarantine},
    private::make_private,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};
use tintype_core::domain::Timestamp;

/// The folder's name in the data folder.
pub(crate) const SNAPSHOTS: &str = "snapshots";
/// The time from one snapshot to the next.
const EVERY: Duration = Duration::from_secs(24 * 3_600);
/// How many are kept, the newest.
const KEPT: usize = 7;
const ENDING: &str = "db";
/// The name of one that is being taken.
const UNFINISHED: &str = "unfinished.part";

/// Why there is no new snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The database is damaged: the older snapshots stay.
    #[error("the database is damaged, so no snapshot was taken and the older ones stay: {found}")]
    Damaged {
        /// What was found first.
        found: String,
    },
    /// The folder can't be read or written.
    #[error("{} can't be read or written", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database can't be copied.
    #[error("the database can't be copied")]
    Database(#[from] rusqlite::Error),
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> SnapshotError {
    let path = path.to_owned();
    |source| SnapshotError::File { path, source }
}

/// The snapshots in a data folder, the newest first.
pub(crate) fn list(data: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(data.join(SNAPSHOTS)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut snapshots = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == ENDING) {
            snapshots.push(path);
        }
    }
    // Their names are their times.
    snapshots.sort_unstable_by(|a, b| b.cmp(a));
    Ok(snapshots)
}

/// Takes a snapshot, if the newest one is a day old, and removes all but the newest seven; says whether it took one. A database
/// that is known to be damaged is not copied. Blocks: keep it off async threads. The copy is checked as a whole before an older
/// one is removed.
///
/// # Errors
/// [`SnapshotError`].
pub fn take_snapshot_if_due(database: &Database, now: Timestamp) -> Result<bool, SnapshotError> {
    if !database.damage().sentences().is_empty() {
        return Ok(false);
    }
    let (data, folder) = (database.folder(), database.folder().join(SNAPSHOTS));
    let newest = list(data).map_err(at(&folder))?.into_iter().next();
    let since = newest.as_deref().and_then(taken_at).map(|taken_at| now.since(taken_at));
    // One from the future says nothing of today.
    if since.is_some_and(|since| Duration::ZERO < since && since < EVERY) {
        return Ok(false);
    }
    let bytes = fs::metadata(data.join(database::FILE)).map_or(0, |found| found.len());
    if database.space().admit("Snapshots::take", bytes).is_err() {
        // There is no space for another one; the older ones stay.
        return Ok(false);
    }
    if is_empty(database)? {
        // The first one has something to keep.
        return Ok(false);
    }
    make_private(&folder).map_err(at(&folder))?;
    let unfinished = folder.join(UNFINISHED);
    let path = folder.join(name(now));
    let taken = take(database, &unfinished, &path);
    // Also one that a process left that died.
    if taken.is_err() {
        drop(fs::remove_file(&unfinished));
    }
    taken?;
    for old in list(data).map_err(at(&folder))?.iter().skip(KEPT) {
        fs::remove_file(old).map_err(at(old))?;
    }
    Ok(true)
}

fn is_empty(database: &Database) -> rusqlite::Result<bool> {
    let connection = database::open_read_only(&database.folder().join(database::FILE))?;
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM images) AND NOT EXISTS (SELECT 1 FROM jobs)";
    connection.query_row(sql, [], |row| row.get(0))
}

fn take(database: &Database, unfinished: &Path, path: &Path) -> Result<(), SnapshotError> {
    match fs::remove_file(unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(unfinished)(error)),
        _ => drop(backup::copy_database(database.folder(), unfinished)?),
    }
    let found = check::damage(&database::open_read_only(unfinished)?);
    if let Some(first) = found.first() {
        found.iter().for_each(|sentence| database.damage().note(sentence));
        return Err(SnapshotError::Damaged { found: first.clone() });
    }
    fs::File::open(unfinished).and_then(|file| file.sync_all()).map_err(at(unfinished))?;
    durable::rename(unfinished, path).map_err(at(path))
}

/// Brings blobs back from the quarantine that a record refers to: the database may be a newer one than that which did not know
/// them. Returns how many. Blocks.
///
/// # Errors
/// If the database or the folders can't be read or written.
pub fn bring_back_blobs(database: &Database) -> Result<u64, SnapshotError> {
    let data = database.folder();
    let quarantined = quarantine::list(data).map_err(at(data))?;
    if quarantined.is_empty() {
        return Ok(0);
    }
    let connection = database::open_read_only(&data.join(database::FILE))?;
    let sql = "SELECT EXISTS (SELECT 1 FROM images WHERE sha256 = ?1) OR EXISTS (SELECT 1 FROM job_blobs WHERE sha256 = ?1)";
    let mut is_referenced = connection.prepare(sql)?;
    let mut back = 0;
    for id in quarantined {
        let (path, place) = (quarantine::path(data, &id), blob_path(&data.join(BLOBS), &id));
        let is_wanted: bool = is_referenced.query_row([id.as_bytes()], |row| row.get(0))?;
        if is_wanted && !place.exists() && files::read_whole(&path, &id).is_some() {
            let folder = place.parent().unwrap_or(data);
            make_private(folder).and_then(|()| durable::rename(&path, &place)).map_err(at(&place))?;
            back += 1;
        }
    }
    Ok(back)
}

/// Checks the whole database, and keeps what is damaged for [`Integrity::damage`](tintype_core::ports::Integrity::damage). Blocks,
/// for as long as reading all of it takes.
///
/// # Errors
/// If it can't be opened.
pub fn check_database(database: &Database) -> Result<(), SnapshotError> {
    let connection = database::open_read_only(&database.folder().join(database::FILE))?;
    check::damage(&connection).iter().for_each(|sentence| database.damage().note(sentence));
    for sentence in check::index_damage(&connection) {
        tracing::warn!("{sentence}: stop the server and run `tintype check --repair`, which makes it anew");
    }
    Ok(())
}

/// A name that sorts by time: the milliseconds since 1970, in as many digits as they have until the year 2286.
fn name(now: Timestamp) -> String {
    format!("{:013}.{ENDING}", now.as_millis().max(0))
}

fn taken_at(path: &Path) -> Option<Timestamp> {
    path.file_stem()?.to_str()?.parse().ok().map(Timestamp::from_millis)
}
