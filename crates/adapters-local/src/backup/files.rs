//! The files of a backup: its manifest, and blobs as they lie in a data folder.

use super::{BackupError, Copied, Earlier, at};
use crate::{
    data_folder::LOCK_FILE,
    database,
    durable::{self, sync_folder},
    image_store::{BLOBS, blob_path},
    private::{self, make_private},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fs::{self, File, FileTimes},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};
use tintype_core::domain::{BlobId, Timestamp};

const MANIFEST: &str = "tintype-backup.json";
const FORMAT: &str = "tintype-backup";
const VERSION: u64 = 1;
/// What a file ends in while it is being written.
pub(super) const UNFINISHED: &str = ".part";

/// What a backup says of itself.
#[derive(Debug)]
pub(super) struct Manifest {
    /// Blobs that the library did not have when it was made.
    pub(super) missing: Vec<BlobId>,
}

impl Manifest {
    /// Marks the folder as a backup, if it is not one yet.
    pub(super) fn begin(folder: &Path, now: Timestamp) -> Result<(), BackupError> {
        if folder.join(MANIFEST).is_file() { Ok(()) } else { write_manifest(folder, now, None) }
    }

    /// Says that it is whole.
    pub(super) fn finish(folder: &Path, now: Timestamp, copied: &Copied) -> Result<(), BackupError> {
        write_manifest(folder, now, Some(copied))
    }

    /// Reads it.
    pub(super) fn read(folder: &Path) -> Result<Self, BackupError> {
        let no_backup = || BackupError::NoBackup { folder: folder.to_owned() };
        let text = fs::read(folder.join(MANIFEST)).map_err(|_| no_backup())?;
        let manifest: Value = serde_json::from_slice(&text).map_err(|_| no_backup())?;
        let is_known = manifest["format"] == FORMAT
            && manifest["complete"] == true
            && manifest["version"].as_u64().is_some_and(|version| version <= VERSION);
        if !is_known {
            return Err(no_backup());
        }
        let missing = manifest["missing"].as_array().into_iter().flatten();
        Ok(Self { missing: missing.filter_map(|id| id.as_str()?.parse().ok()).collect() })
    }
}

fn write_manifest(folder: &Path, now: Timestamp, copied: Option<&Copied>) -> Result<(), BackupError> {
    let manifest = json!({
        "format": FORMAT, "version": VERSION, "tintype": env!("CARGO_PKG_VERSION"), "made_at": now,
        "complete": copied.is_some(), "blobs": copied.map(|copied| copied.blobs),
        "missing": copied.map(|copied| copied.missing.clone()),
    });
    write(&folder.join(MANIFEST), format!("{manifest:#}\n").as_bytes())?;
    sync_folder(folder).map_err(at(folder))
}

/// Whether a blob was copied earlier.
pub(super) fn is_there(target: &Path, source: &Path, id: &BlobId, earlier: Earlier) -> bool {
    let bytes = |path: &Path| fs::metadata(path).map(|metadata| metadata.len()).ok();
    match earlier {
        Earlier::Trusted => {
            bytes(target).is_some_and(|there| bytes(source).is_none_or(|bytes| bytes == there))
        }
        Earlier::Checked => read_whole(target, id).is_some(),
    }
}

/// The bytes of a blob; `None` if they can't be had, or are not those: one bad sector is not to cost all the others.
pub(crate) fn read_whole(path: &Path, id: &BlobId) -> Option<Vec<u8>> {
    // Whatever else has the name, such as a pipe, may never end.
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    fs::read(path).ok().filter(|bytes| BlobId::of(bytes) == *id)
}

/// Writes a file that is whole on the disk before it has its name.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
    let unfinished = beside(path, UNFINISHED);
    let write = || -> io::Result<()> {
        path.parent().map_or(Ok(()), make_private)?;
        durable::fill(private::create(&unfinished)?, bytes, FileTimes::new())?;
        fs::rename(&unfinished, path)
    };
    // A full disk is not to stay full of what is of no use.
    write().inspect_err(|_| drop(fs::remove_file(&unfinished))).map_err(at(path))
}

/// Copies a file that is too large to be held. It is the copier's own, whoever may write the one that it is of.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut file = private::create(to)?;
    io::copy(&mut File::open(from)?, &mut file)?;
    file.sync_all()
}

/// Makes sure that the names of blobs that were written, and of their folders, stay: once per folder and not per blob.
pub(super) fn sync_names<'a>(
    folder: &Path,
    blobs: impl Iterator<Item = &'a BlobId>,
) -> Result<(), BackupError> {
    let all = folder.join(BLOBS);
    // Of `blobs/ab/cd/abcd...` the folders `cd`, `ab`, `blobs`, and the one that this is in.
    let mut folders = BTreeSet::new();
    for path in blobs.map(|id| blob_path(&all, id)) {
        folders.extend(path.ancestors().skip(1).take(4).map(Path::to_owned));
    }
    folders.iter().try_for_each(|folder| sync_folder(folder).map_err(at(folder)))
}

/// `path` with more at the end of its name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Refuses a target that holds something else than a backup, or what one that was broken off at once has left.
pub(super) fn check_target(target: &Path) -> Result<(), BackupError> {
    if target.join(MANIFEST).is_file() {
        return Ok(());
    }
    let begun = beside(Path::new(MANIFEST), UNFINISHED);
    check_holds(target, |name| name == begun.as_os_str())
}

/// Refuses a data folder that holds anything else than what a restoration that broke off has left.
pub(super) fn check_restorable(data: &Path) -> Result<(), BackupError> {
    let broke_off = data.join(database::RESTORING).is_file();
    check_holds(data, |name| name == LOCK_FILE || broke_off && (name == database::RESTORING || name == BLOBS))
}

/// Refuses a folder that holds anything else than these names.
fn check_holds(folder: &Path, may_be_there: impl Fn(&OsStr) -> bool) -> Result<(), BackupError> {
    match names_in(folder) {
        Ok(names) if names.iter().all(|name| may_be_there(name)) => Ok(()),
        Ok(_) => Err(BackupError::NotEmpty { folder: folder.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(at(folder)(error)),
    }
}

fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes blobs of an earlier backup that are not wanted any more, and what was left half written.
pub(super) fn remove_others(target: &Path, is_wanted: impl Fn(&BlobId) -> bool) -> Result<(), BackupError> {
    let blobs = target.join(BLOBS);
    let is_wanted = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.parse().ok()).is_some_and(|id: BlobId| is_wanted(&id))
    };
    let remove = |path: &Path| if is_wanted(path) { Ok(()) } else { fs::remove_file(path) };
    gone(each_file(&blobs, &remove)).map_err(at(&blobs))
}

fn each_file(folder: &Path, work: &dyn Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { each_file(&path, work)? } else { work(&path)? }
    }
    Ok(())
}
