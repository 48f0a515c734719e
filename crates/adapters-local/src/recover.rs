//! A new database made of what can be read: of the damaged, lost or older database itself, of its daily snapshots, and of
//! backups. The files that it was made of are kept.
//!
//! A row counts if it matches its checksum. A row that only an older copy has counts if its blob is still there: the blob of an
//! image that was erased since is not. What no row explains is returned, for the caller to enter as new images.

mod salvage;

pub(crate) use salvage::known_blobs;

use crate::{
    DataFolder, OpenError,
    backup::{Hold, files},
    database::{self, check},
    durable,
    image_store::{BLOBS, blob_path, blobs_below, quarantine},
    library_mark::LibraryMark,
    private::{self, make_private},
    snapshots,
};
use rusqlite::Connection;
use salvage::Salvage;
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};
use tintype_core::domain::{BlobId, Timestamp};

/// The folder in which the new database is made. While it is there, no server begins on the data folder.
pub(crate) const RECOVERING: &str = "recovering";
/// The folder to which the files of a database go that was replaced.
const REPLACED: &str = "replaced";
/// An empty file beside the new database, once that is finished.
const FINISHED: &str = "finished";
const PAGE: usize = 1_000;
/// The size that the log of the new database is kept to.
const LOG_BYTES: u64 = 16 * 1024 * 1024;

/// Why nothing was recovered. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The data folder can't be had: a server may run on it.
    #[error(transparent)]
    Folder(#[from] OpenError),
    /// There is neither a database nor an image.
    #[error("there is nothing to recover in {}; name its data folder with --data", folder.display())]
    Nothing {
        /// The folder.
        folder: PathBuf,
    },
    /// A folder that was named as a backup is none. Nothing was changed.
    #[error("{} holds no backup: there is no {} in it", folder.display(), database::FILE)]
    NoBackup {
        /// The folder.
        folder: PathBuf,
    },
    /// So many blobs have no record that the records are rather lost. None was moved.
    #[error(
        "{orphans} of {blobs} blobs have no record, which is too many to be moved into quarantine; `tintype recover` brings \
         their images back"
    )]
    TooManyOrphans {
        /// The blobs without a record.
        orphans: u64,
        /// All blobs.
        blobs: u64,
    },
    /// A file or folder can't be made, read or written.
    #[error("{} can't be read or written", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The new database can't be written.
    #[error("the new database in {} can't be written", folder.display())]
    Database {
        /// The data folder.
        folder: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> RecoverError {
    let path = path.to_owned();
    |source| RecoverError::File { path, source }
}

/// What was recovered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Whether a new database took the place of the one that was there; `false` if that one was whole and the newest.
    pub rebuilt: bool,
    /// Where the files of the database went that was replaced.
    pub replaced: Option<PathBuf>,
    /// Images of the database itself.
    pub images: u64,
    /// Images that only a snapshot or a backup had.
    pub images_of_copies: u64,
    /// Jobs.
    pub jobs: u64,
    /// Collections.
    pub collections: u64,
    /// Rows that did not match their checksum, or could not be understood, in whatever file.
    pub damaged_rows: u64,
    /// Blobs that records refer to and that were brought back from the quarantine or from a backup.
    pub blobs_back: u64,
    /// Blobs that records refer to and that are nowhere.
    pub missing: Vec<BlobId>,
    /// Whole blobs that no record explains, in order: in the store, or in quarantine.
    pub unexplained: Vec<BlobId>,
    /// Blobs whose bytes do not match their address; they were moved into quarantine.
    pub damaged_blobs: Vec<BlobId>,
}

/// A database to recover from, and where its blobs are.
struct Source {
    connection: Connection,
    mark: Option<LibraryMark>,
    /// The folder of blobs beside it, where it is a backup's.
    blobs: Option<PathBuf>,
    is_sound: bool,
}

/// Makes the database of the data folder `data` anew, if it is lost, damaged or older than the blobs beside it, or if `backups`
/// are named; brings back blobs; returns the blobs that no record explains. No server may run.
///
/// # Errors
/// [`RecoverError`]; whatever was not done is done by the next call.
pub fn recover(data: &Path, backups: &[PathBuf], now: Timestamp) -> Result<Recovered, RecoverError> {
    if let Some(folder) = backups.iter().find(|backup| !backup.join(database::FILE).is_file()) {
        return Err(RecoverError::NoBackup { folder: folder.clone() });
    }
    let _folder = DataFolder::open(data)?;
    let blobs = data.join(BLOBS);
    let _hold = Hold::take(data).map_err(|_| OpenError::InUse { folder: data.to_owned(), pid: None })?;
    let work = data.join(RECOVERING);
    let mut recovered = Recovered::default();
    if work.join(FINISHED).exists() {
        // An earlier call broke off while it replaced the files: the one whole database may be the new one.
        replace(data, &work, now, &mut recovered)?;
    }
    // What an earlier call left.
    match fs::remove_dir_all(&work) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&work)(error)),
        _ => make_private(&work).map_err(at(&work))?,
    }
    make_private(&blobs).map_err(at(&blobs))?;
    let outcome = make_anew(data, &work, backups, now, &mut recovered);
    if outcome.is_err() && !work.join(FINISHED).exists() {
        // Nothing was replaced: the database that is there counts as before.
        drop(fs::remove_dir_all(&work));
    }
    outcome?;
    let backups: Vec<_> = backups.iter().map(|backup| backup.join(BLOBS)).collect();
    sort_blobs(data, &backups, now, &mut recovered)?;
    Ok(recovered)
}

/// Makes the database anew in the folder `work`, if there is a reason to, and puts it in the place of the old one.
fn make_anew(
    data: &Path,
    work: &Path,
    backups: &[PathBuf],
    now: Timestamp,
    recovered: &mut Recovered,
) -> Result<(), RecoverError> {
    let blobs = data.join(BLOBS);
    let mark = LibraryMark::read(data).map_err(at(&blobs))?;
    let own = own_source(data, work)?;
    let is_newest = own.as_ref().is_some_and(|own| own.is_sound && is_current(own, mark.as_ref()));
    if is_newest && backups.is_empty() {
        drop(own);
        return fs::remove_dir_all(work).map_err(at(work));
    }
    let sources = sources(data, work, own, backups)?;
    if sources.is_empty() && blobs_below(&blobs, None, 1).map_err(at(&blobs))?.is_empty() {
        return Err(RecoverError::Nothing { folder: data.to_owned() });
    }
    rebuild(data, work, &sources, mark.as_ref(), recovered)?;
    drop(sources);
    replace(data, work, now, recovered)
}

fn is_current(source: &Source, mark: Option<&LibraryMark>) -> bool {
    match (&source.mark, mark) {
        (Some(own), Some(mark)) => own.library == mark.library && own.commits >= mark.commits,
        (own, None) => own.is_some(),
        (None, Some(_)) => false,
    }
}

/// The database of the data folder, copied with its log, so that SQLite works on the copy.
fn own_source(data: &Path, work: &Path) -> Result<Option<Source>, RecoverError> {
    let file = data.join(database::FILE);
    if fs::metadata(&file).map_or(0, |found| found.len()) == 0 {
        return Ok(None);
    }
    let copy = work.join("own.db");
    files::copy(&file, &copy).map_err(at(&copy))?;
    let log = data.join(database::WAL);
    if log.exists() {
        files::copy(&log, &work.join("own.db-wal")).map_err(at(&log))?;
    }
    open(&copy, None)
}

/// The sources, the most trusted first: the own database, then the others by their commits.
fn sources(
    data: &Path,
    work: &Path,
    own: Option<Source>,
    backups: &[PathBuf],
) -> Result<Vec<Source>, RecoverError> {
    let mut others = Vec::new();
    let snapshots = snapshots::list(data).map_err(at(data))?.into_iter().map(|path| (path, None));
    let backups = backups.iter().map(|folder| (folder.join(database::FILE), Some(folder.join(BLOBS))));
    for (n, (path, blobs)) in snapshots.chain(backups).enumerate() {
        let copy = work.join(format!("copy-{n}.db"));
        files::copy(&path, &copy).map_err(at(&path))?;
        others.extend(open(&copy, blobs)?);
    }
    others.sort_by_key(|source| std::cmp::Reverse(source.mark.as_ref().map_or(0, |mark| mark.commits)));
    Ok(own.into_iter().chain(others).collect())
}

/// Opens a copy of a database; `None` if SQLite can do nothing with it.
fn open(copy: &Path, blobs: Option<PathBuf>) -> Result<Option<Source>, RecoverError> {
    let Ok(mut connection) = Connection::open(copy) else { return Ok(None) };
    let migrated = database::migrations::migrate(&mut connection, copy.parent().unwrap_or(copy));
    match &migrated {
        Ok(()) => {}
        // It is not damaged, and this program would lose what it does not know.
        Err(OpenError::Newer { .. }) => return migrated.map(|()| None).map_err(Into::into),
        Err(error) => {
            tracing::warn!(file = %copy.display(), %error, "a database can't be brought up to date; what can be read is read");
        }
    }
    let is_sound = migrated.is_ok() && check::damage_and_index(&connection).is_empty();
    if !is_sound && let Err(error) = connection.pragma_update(None, "writable_schema", true) {
        // With it, the tables can be read beside a part of the schema that can't.
        tracing::warn!(file = %copy.display(), %error, "a damaged schema can't be passed over");
    }
    let mark = LibraryMark::of(&connection).ok().flatten();
    Ok(Some(Source { connection, mark, blobs, is_sound }))
}

fn rebuild(
    data: &Path,
    work: &Path,
    sources: &[Source],
    mark: Option<&LibraryMark>,
    recovered: &mut Recovered,
) -> Result<(), RecoverError> {
    let failed = |source| RecoverError::Database { folder: data.to_owned(), source };
    private::make_sure_of(&work.join(database::FILE)).map_err(at(work))?;
    let mut new = database::open_writable(&work.join(database::FILE), LOG_BYTES).map_err(failed)?;
    database::migrations::migrate(&mut new, data)?;
    let transaction = new.transaction().map_err(failed)?;
    for (n, source) in sources.iter().enumerate() {
        let is_there = |id: &BlobId| {
            let folder = source.blobs.iter().map(|blobs| blob_path(blobs, id));
            let places = [blob_path(&data.join(BLOBS), id), quarantine::path(data, id)];
            places.into_iter().chain(folder).any(|path| files::read_whole(&path, id).is_some())
        };
        let salvage = Salvage { new: &transaction, from: &source.connection, newest: &sources[0].connection };
        let is_foreign =
            source.mark.as_ref().zip(mark).is_some_and(|(own, mark)| own.library != mark.library);
        // What another library's records refer to may be nowhere here.
        if n == 0 && !is_foreign {
            recovered.images += salvage.images(|_| true, &mut recovered.damaged_rows).map_err(failed)?;
        } else {
            recovered.images_of_copies +=
                salvage.images(is_there, &mut recovered.damaged_rows).map_err(failed)?;
        }
        recovered.collections += salvage.collections(&mut recovered.damaged_rows).map_err(failed)?;
        // An older copy has jobs that were removed since: they count only where the newest has none that can be read.
        if n == 0 || recovered.jobs == 0 && !sources[0].is_sound {
            recovered.jobs += salvage.jobs(&mut recovered.damaged_rows).map_err(failed)?;
        }
        // Older proofs prove nothing: the blob may have been stored again since.
        if mark.is_some() && is_current(source, mark) {
            salvage.releases().map_err(failed)?;
        }
    }
    let marks = || sources.iter().filter_map(|source| source.mark.as_ref()).chain(mark);
    let commits = marks().map(|mark| mark.commits).max().unwrap_or(0) + 1;
    // The id of the blobs' mark first: a foreign database does not rename the library.
    let library = mark.or_else(|| marks().next()).map(|mark| mark.library.clone());
    let sql = "UPDATE library SET id = coalesce(?1, id), commits = ?2";
    transaction.execute(sql, rusqlite::params![library, commits]).map_err(failed)?;
    transaction.commit().map_err(failed)?;
    new.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(failed)?;
    new.close().map_err(|(_, source)| failed(source))?;
    let finish = || -> io::Result<()> {
        fs::File::open(work.join(database::FILE))?.sync_all()?;
        private::create(&work.join(FINISHED))?.sync_all()?;
        durable::sync_folder(work)
    };
    finish().map_err(at(work))
}

/// Puts the new database in the place of the old one, whose files are kept. An earlier call may have done a part of it.
fn replace(data: &Path, work: &Path, now: Timestamp, recovered: &mut Recovered) -> Result<(), RecoverError> {
    let (new, database) = (work.join(database::FILE), data.join(database::FILE));
    if new.exists() {
        put_away(data, now, recovered)?;
        durable::rename(&new, &database).map_err(at(&database))?;
    }
    let failed = |source| RecoverError::Database { folder: data.to_owned(), source };
    let connection = database::open_read_only(&database).map_err(failed)?;
    if let Some(mark) = LibraryMark::of(&connection).map_err(failed)? {
        mark.write(data).map_err(at(data))?;
    }
    drop(connection);
    recovered.rebuilt = true;
    fs::remove_dir_all(work).map_err(at(work))
}

/// Moves the files of the old database to where they are kept.
fn put_away(data: &Path, now: Timestamp, recovered: &mut Recovered) -> Result<(), RecoverError> {
    let replaced = data.join(REPLACED).join(now.as_millis().to_string());
    make_private(&replaced).map_err(at(&replaced))?;
    let shared = format!("{}-shm", database::FILE);
    // The log first: it would be taken for the new database's. No server begins before the folder of the work is gone.
    for name in [database::WAL, shared.as_str(), database::FILE] {
        let file = data.join(name);
        if file.exists() {
            durable::rename(&file, &replaced.join(name)).map_err(at(&file))?;
            recovered.replaced = Some(replaced.clone());
        }
    }
    durable::sync_folder(data).map_err(at(data))
}

/// Brings back blobs that records refer to, and tells those that no record explains.
fn sort_blobs(
    data: &Path,
    backups: &[PathBuf],
    now: Timestamp,
    recovered: &mut Recovered,
) -> Result<(), RecoverError> {
    let failed = |source| RecoverError::Database { folder: data.to_owned(), source };
    let connection = database::open_read_only(&data.join(database::FILE)).map_err(failed)?;
    let (referenced, released) = known_blobs(&connection).map_err(failed)?;
    let blobs = data.join(BLOBS);
    let mut after = None;
    loop {
        let page = blobs_below(&blobs, after, PAGE).map_err(at(&blobs))?;
        for id in &page {
            let path = blob_path(&blobs, id);
            if files::read_whole(&path, id).is_none() {
                quarantine::take(data, &path, id, now).map_err(at(&path))?;
                recovered.damaged_blobs.push(*id);
            } else if !referenced.contains(id) && !released.contains(id) {
                recovered.unexplained.push(*id);
            }
        }
        after = page.last().copied();
        if page.len() < PAGE {
            break;
        }
    }
    for id in &referenced {
        let path = blob_path(&blobs, id);
        if path.exists() {
            continue;
        }
        let places =
            std::iter::once(quarantine::path(data, id)).chain(backups.iter().map(|b| blob_path(b, id)));
        match places.map(|place| files::read_whole(&place, id)).find_map(|bytes| bytes) {
            Some(bytes) => {
                files::write(&path, &bytes)
                    .map_err(|_| at(&path)(io::Error::other("the blob can't be written")))?;
                recovered.blobs_back += 1;
            }
            None => recovered.missing.push(*id),
        }
    }
    let mut unexplained: BTreeSet<_> = recovered.unexplained.drain(..).collect();
    let is_new = |id: &BlobId| !referenced.contains(id) && !unexplained.contains(id);
    let quarantined: Vec<_> = quarantine::list(data)
        .map_err(at(data))?
        .into_iter()
        .filter(|id| is_new(id) && files::read_whole(&quarantine::path(data, id), id).is_some())
        .collect();
    unexplained.extend(quarantined);
    recovered.unexplained.extend(unexplained);
    Ok(())
}

/// The bytes of a blob of the data folder, in the store or in quarantine; `None` if it is whole in neither.
pub fn read_unexplained(data: &Path, id: &BlobId) -> Option<Vec<u8>> {
    let places = [blob_path(&data.join(BLOBS), id), quarantine::path(data, id)];
    places.iter().find_map(|path| files::read_whole(path, id))
}
