//! A copy of a data folder that is made while its server runs, and a data folder made of a copy. The copy is the database
//! as it is at one moment, and every blob it refers to.
//!
//! Why it holds together: a row never points at a missing blob, so at the moment of the snapshot every blob of it is
//! there. From before that moment until the last is copied, the [`Hold`] keeps the store from removing any: what is erased
//! meanwhile loses its row at once and its bytes to a later sweep. A removal that was under way when the hold was
//! taken belongs to a row that was gone before the snapshot.

pub(crate) mod files;
mod hold;

pub(crate) use hold::{Hold, Pass};

use crate::{
    DataFolder, OpenError,
    database::{self, check},
    disk_space::release_reserve_of,
    durable,
    error::is_full,
    image_store::{BLOBS, blob_path},
    library_mark::{self, LibraryMark},
    private::{self, make_private},
};
use files::Manifest;
use rusqlite::{
    Connection, ErrorCode,
    backup::{Backup, StepResult},
};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};
use tintype_core::{
    domain::{BlobId, Timestamp},
    error::BoxError,
};

/// The wait before a database that is busy is asked again.
const PAUSE: Duration = Duration::from_millis(20);

/// Why a backup can't be made or restored. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is nothing to copy.
    #[error("there is no library in {}; name its data folder with --data", folder.display())]
    NoLibrary {
        /// The folder.
        folder: PathBuf,
    },
    /// There is something else.
    #[error("{} is not empty; name a folder that is, or that is not there", folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// The copy would lie in what it is of.
    #[error("{} lies in {}; name a folder outside of it", copy.display(), of.display())]
    Nested {
        /// Where the copy was to be.
        copy: PathBuf,
        /// What was to be copied.
        of: PathBuf,
    },
    /// There is the backup of another library, which would be replaced.
    #[error("{} holds the backup of another library; name another folder, or remove that one first", folder.display())]
    OtherLibrary {
        /// The folder.
        folder: PathBuf,
    },
    /// The backup has commits that the library does not.
    #[error(
        "the library in {} is older than its backup in {}; back it up into another folder, and see with `tintype check` \
         what it has lost", folder.display(), backup.display()
    )]
    OlderLibrary {
        /// The data folder.
        folder: PathBuf,
        /// The backup's folder.
        backup: PathBuf,
    },
    /// It is no backup, or none that was made to its end.
    #[error("{} is no whole backup of tintype's", folder.display())]
    NoBackup {
        /// The folder.
        folder: PathBuf,
    },
    /// Another one is being made.
    #[error("another backup of {} is being made; wait until it is done", folder.display())]
    Busy {
        /// The data folder.
        folder: PathBuf,
    },
    /// Bytes are not what was put there, or are missing.
    #[error(
        "{count} pictures of the backup are damaged or missing, the first is {first}; there is no library yet: repeat \
         with --without-damaged to restore the others"
    )]
    Damaged {
        /// How many.
        count: usize,
        /// The first one.
        first: BlobId,
    },
    /// The data folder can't be had: a server may have begun on it.
    #[error(transparent)]
    Folder(#[from] OpenError),
    /// The database is not what was written.
    #[error(
        "the database in {} is damaged ({found}); of a library, `tintype check` tells more and `tintype recover` brings back \
         what can be read; of a backup, restore another backup", folder.display()
    )]
    DamagedDatabase {
        /// The folder of the library or of the backup.
        folder: PathBuf,
        /// What SQLite found first.
        found: String,
    },
    /// The disk of the copy, or of the library, is full.
    #[error(
        "there is no space left for {}; make room on that disk, or name a folder on another one, and repeat it: what is \
         copied is not copied again", path.display()
    )]
    NoSpace {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: BoxError,
    },
    /// A file can't be made, read or written.
    #[error("{} can't be read or written", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database can't be read.
    #[error("the database in {} can't be read", folder.display())]
    Database {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
}

/// What a backup holds, or what was restored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// The blobs that the database refers to.
    pub blobs: u64,
    /// Those of them that were copied now.
    pub new: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs that are missing, damaged or unreadable in the library itself: the backup has all the others.
    pub missing: Vec<BlobId>,
    /// Blobs that the backup has lost, though the library had them: all the others were restored.
    pub damaged: Vec<BlobId>,
}

/// What is thought of a blob that an earlier run copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// A name is only ever given to bytes that were checked, so their number is enough.
    Trusted,
    /// It is read, and copied again if it is damaged.
    Checked,
}

/// What is done where the backup has lost blobs that the library had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDamage {
    /// Nothing is restored.
    Refuse,
    /// All the others are restored.
    LeaveOut,
}

/// Tells how many of how many blobs are done, and how many bytes were copied.
pub type OnProgress<'a> = &'a mut dyn FnMut(u64, u64, u64);

/// Copies the library in `data` into `target`, which is empty, not there, or holds an earlier backup. The server of `data`
/// may run. An earlier backup stays whole until this one is; its blobs are not copied again but where they are damaged, and
/// those that nothing refers to any more are removed.
///
/// # Errors
/// [`BackupError`].
pub fn back_up(
    data: &Path,
    target: &Path,
    earlier: Earlier,
    now: Timestamp,
    progress: OnProgress<'_>,
) -> Result<Copied, BackupError> {
    let database = data.join(database::FILE);
    match fs::metadata(&database) {
        Ok(found) if found.is_file() => {}
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&database)(error)),
        _ => return Err(BackupError::NoLibrary { folder: data.to_owned() }),
    }
    refuse_nested(target, data)?;
    // One of a library at a time, from the first look at the target on.
    let _hold = Hold::take(data)?;
    files::check_target(target)?;
    refuse_other_library(data, target)?;
    make_private(target).map_err(at(target))?;
    Manifest::begin(target, now)?;
    let snapshot = target.join(format!("{}{}", database::FILE, files::UNFINISHED));
    let mark = library_mark::of_the_blobs(data)?;
    let copied = match copy_database(data, &snapshot) {
        // The shared memory of a database that no server has open needs room, of which a full disk has some in reserve.
        Err(error) if may_need_room(&error) && release_reserve_of(data) => copy_database(data, &snapshot),
        copied => copied,
    };
    let mut copy = copied.map_err(|source| {
        drop(fs::remove_file(&snapshot));
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => {
                BackupError::NoSpace { path: snapshot.clone(), source: source.into() }
            }
            _ => BackupError::Database { folder: data.to_owned(), source },
        }
    })?;
    library_mark::refuse_other(mark.as_ref(), data, &copy)?;
    // The layout of an earlier version has no checksums.
    database::migrations::migrate(&mut copy, data)?;
    let wanted = blobs_of_sound(&copy, data)?;
    refuse_older(&copy, data, target)?;
    drop(copy);
    let copied = copy_all(&wanted, data, target, earlier, progress)?;
    let database = target.join(database::FILE);
    durable::rename(&snapshot, &database).map_err(at(&database))?;
    Manifest::finish(target, now, &copied)?;
    // What the library still has though no record refers to it may be all that is left of a lost record.
    files::remove_others(target, |id| wanted.contains(id) || blob_path(&data.join(BLOBS), id).exists())?;
    Ok(copied)
}

/// Makes the data folder `data`, which is empty or not there, of the backup in `backup`. Every blob is checked against its
/// hash. The database has its name when all of it is there: without one a folder is no library. Until then no server
/// begins on the folder, and a restoration that broke off is gone on with by the next.
///
/// # Errors
/// [`BackupError`].
pub fn restore_backup(
    backup: &Path,
    data: &Path,
    on_damage: OnDamage,
    progress: OnProgress<'_>,
) -> Result<Copied, BackupError> {
    let manifest = Manifest::read(backup)?;
    if !backup.join(database::FILE).is_file() {
        return Err(BackupError::NoBackup { folder: backup.to_owned() });
    }
    refuse_nested(data, backup)?;
    files::check_restorable(data)?;
    let _folder = DataFolder::open(data)?;
    let unfinished = data.join(database::RESTORING);
    // The first file, so that whatever comes after it is known by it.
    let wanted = restore_database(backup, &unfinished)?;
    let mut restored = copy_all(&wanted, backup, data, Earlier::Checked, progress)?;
    restored.damaged = restored.missing.extract_if(.., |id| !manifest.missing.contains(id)).collect();
    if on_damage == OnDamage::Refuse {
        refuse_damaged(&restored.damaged)?;
    }
    files::remove_others(data, |id| wanted.contains(id))?;
    let database = data.join(database::FILE);
    durable::rename(&unfinished, &database).map_err(at(&database))?;
    Ok(restored)
}

/// Refuses a copy inside of what it is of: they would be lost together.
fn refuse_nested(copy: &Path, of: &Path) -> Result<(), BackupError> {
    let outer = fs::canonicalize(of).map_err(at(of))?;
    let copy_path = std::path::absolute(copy).map_err(at(copy))?;
    // What is not there yet will be in the folder above it that is.
    let there = copy_path.ancestors().find_map(|above| fs::canonicalize(above).ok());
    if there.is_some_and(|there| there.starts_with(&outer)) {
        return Err(BackupError::Nested { copy: copy.to_owned(), of: of.to_owned() });
    }
    Ok(())
}

/// Refuses to replace the backup of another library. Where a database does not tell which one it is, it is taken for the same.
fn refuse_other_library(data: &Path, target: &Path) -> Result<(), BackupError> {
    match (library_id(data), library_id(target)) {
        (Some(ours), Some(theirs)) if ours != theirs => {
            Err(BackupError::OtherLibrary { folder: target.to_owned() })
        }
        _ => Ok(()),
    }
}

fn library_id(folder: &Path) -> Option<String> {
    let database = database::open_read_only(&folder.join(database::FILE)).ok()?;
    LibraryMark::of(&database).ok().flatten().map(|mark| mark.library)
}

/// Copies the database, if it is sound; the blobs that it refers to.
fn restore_database(backup: &Path, to: &Path) -> Result<BTreeSet<BlobId>, BackupError> {
    files::copy(&backup.join(database::FILE), to).map_err(at(to))?;
    let unreadable = |source| BackupError::Database { folder: backup.to_owned(), source };
    let mut database = Connection::open(to).map_err(unreadable)?;
    // The layout of an earlier version has no checksums: it is brought up to date first, as the server would.
    database::migrations::migrate(&mut database, backup)?;
    blobs_of_sound(&database, backup)
}

/// Refuses to replace the newer database of an earlier backup.
fn refuse_older(copy: &Connection, data: &Path, target: &Path) -> Result<(), BackupError> {
    let unreadable = |source| BackupError::Database { folder: target.to_owned(), source };
    let Ok(earlier) = database::open_read_only(&target.join(database::FILE)) else { return Ok(()) };
    let marks = (LibraryMark::of(copy).map_err(unreadable)?, LibraryMark::of(&earlier).map_err(unreadable)?);
    match marks {
        (Some(ours), Some(theirs)) if ours.commits < theirs.commits => {
            Err(BackupError::OlderLibrary { folder: data.to_owned(), backup: target.to_owned() })
        }
        _ => Ok(()),
    }
}

fn refuse_damaged(damaged: &[BlobId]) -> Result<(), BackupError> {
    match damaged {
        [] => Ok(()),
        [first, ..] => Err(BackupError::Damaged { count: damaged.len(), first: *first }),
    }
}

/// Copies the database at one moment; an empty path is a temporary file of SQLite's. A log of writes is not left beside it.
pub(crate) fn copy_database(data: &Path, snapshot: &Path) -> rusqlite::Result<Connection> {
    let source = database::open_read_only(&data.join(database::FILE))?;
    if !snapshot.as_os_str().is_empty() {
        drop(fs::remove_file(snapshot));
        // What is wrong with the folder, SQLite says better.
        drop(private::create_new(snapshot));
    }
    let mut copy = Connection::open(snapshot)?;
    // All pages in one step: readers don't hinder the server's writer, nor it them.
    let backup = Backup::new(&source, &mut copy)?;
    while backup.step(-1)? != StepResult::Done {
        thread::sleep(PAUSE);
    }
    drop(backup);
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    Ok(copy)
}

/// The blobs that the sound database of this connection refers to.
fn blobs_of_sound(connection: &Connection, folder: &Path) -> Result<BTreeSet<BlobId>, BackupError> {
    if let Some(found) = check::damage(connection).into_iter().next() {
        return Err(BackupError::DamagedDatabase { folder: folder.to_owned(), found });
    }
    blobs_of(connection).map_err(|source| BackupError::Database { folder: folder.to_owned(), source })
}

/// The blobs that records refer to.
pub(crate) fn blobs_of(connection: &Connection) -> rusqlite::Result<BTreeSet<BlobId>> {
    let mut statement = connection.prepare("SELECT sha256 FROM images UNION SELECT sha256 FROM job_blobs")?;
    let blobs = statement.query_map([], |row| row.get(0).map(BlobId::from_bytes))?;
    blobs.collect()
}

fn copy_all(
    wanted: &BTreeSet<BlobId>,
    from: &Path,
    to: &Path,
    earlier: Earlier,
    progress: OnProgress<'_>,
) -> Result<Copied, BackupError> {
    let mut copied = Copied { blobs: wanted.len() as u64, ..Copied::default() };
    let (from, blobs) = (from.join(BLOBS), to.join(BLOBS));
    for (n, id) in (1..).zip(wanted) {
        let (source, target) = (blob_path(&from, id), blob_path(&blobs, id));
        if !files::is_there(&target, &source, id, earlier) {
            match files::read_whole(&source, id) {
                Some(bytes) => {
                    files::write(&target, &bytes)?;
                    copied.new += 1;
                    copied.bytes += bytes.len() as u64;
                }
                None => copied.missing.push(*id),
            }
        }
        progress(n, copied.blobs, copied.bytes);
    }
    // In their order, as the blobs are.
    let is_missing = |id: &BlobId| copied.missing.binary_search(id).is_ok();
    files::sync_names(to, wanted.iter().filter(|id| !is_missing(id)))?;
    Ok(copied)
}

/// Whether the database may not have been opened for want of room.
fn may_need_room(error: &rusqlite::Error) -> bool {
    use ErrorCode::{CannotOpen, DiskFull, ReadOnly, SystemIoFailure};
    matches!(error.sqlite_error_code(), Some(CannotOpen | DiskFull | ReadOnly | SystemIoFailure))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    |source| {
        if is_full(&source) {
            BackupError::NoSpace { path, source: source.into() }
        } else {
            BackupError::File { path, source }
        }
    }
}
