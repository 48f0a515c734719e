//! Daily copies of the database in the data folder: what a damaged or lost database is recovered from. They hold no blobs.

use crate::{
    Database, backup,
    database::{self, check},
    durable,
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

/// Takes a snapshot, if the newest one is a day old, and removes all but the newest seven; says whether it took one. Blocks:
/// keep it off async threads. The copy is checked as a whole before an older one is removed.
///
/// # Errors
/// [`SnapshotError`].
pub fn take_snapshot_if_due(database: &Database, now: Timestamp) -> Result<bool, SnapshotError> {
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
    make_private(&folder).map_err(at(&folder))?;
    let path = folder.join(name(now));
    let unfinished = path.with_extension("part");
    backup::copy_database(data, &unfinished)?;
    let found = check::damage(&database::open_read_only(&unfinished)?);
    if let Some(first) = found.first() {
        found.iter().for_each(|sentence| database.damage().note(sentence));
        fs::remove_file(&unfinished).map_err(at(&unfinished))?;
        return Err(SnapshotError::Damaged { found: first.clone() });
    }
    fs::File::open(&unfinished).and_then(|file| file.sync_all()).map_err(at(&unfinished))?;
    durable::rename(&unfinished, &path).map_err(at(&path))?;
    for old in list(data).map_err(at(&folder))?.iter().skip(KEPT) {
        fs::remove_file(old).map_err(at(old))?;
    }
    Ok(true)
}

/// Checks the whole database, and keeps what is damaged for [`Integrity::damage`](tintype_core::ports::Integrity::damage). Blocks,
/// for as long as reading all of it takes.
///
/// # Errors
/// If it can't be opened.
pub fn check_database(database: &Database) -> Result<(), SnapshotError> {
    let connection = database::open_read_only(&database.folder().join(database::FILE))?;
    check::damage(&connection).iter().for_each(|sentence| database.damage().note(sentence));
    Ok(())
}

/// A name that sorts by time: the milliseconds since 1970, in as many digits as they have until the year 2286.
fn name(now: Timestamp) -> String {
    format!("{:013}.{ENDING}", now.as_millis().max(0))
}

fn taken_at(path: &Path) -> Option<Timestamp> {
    path.file_stem()?.to_str()?.parse().ok().map(Timestamp::from_millis)
}
