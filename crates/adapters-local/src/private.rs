//! Files and folders that only this user can read, whatever the mode of the folder that they are in.

use crate::durable;
#[cfg(unix)]
use std::ffi::OsStr;
use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io,
    path::Path,
};

/// The permissions of everybody but the owner of a file.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

/// Makes a folder, and those above it, that only this user can look into, and makes sure that its name stays. One that is there
/// stays as it is.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    path.parent().filter(|above| !above.as_os_str().is_empty()).map_or(Ok(()), durable::sync_folder)
}

/// Options that make a file for this user only.
pub(crate) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a file that must not be there yet.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    options().write(true).create_new(true).open(path)
}

/// Makes a file, or empties the one that is there.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    options().write(true).create(true).truncate(true).open(path)
}

/// Makes an empty file where there is none: SQLite gives its other files the mode of the database.
pub(crate) fn make_sure_of(path: &Path) -> io::Result<()> {
    options().append(true).create(true).open(path).map(drop)
}

/// Takes others' permissions away from the files of the data folder `folder`, and warns of a folder that they may look into.
#[cfg(unix)]
pub(crate) fn tighten(folder: &Path) {
    use std::os::unix::fs::MetadataExt;
    if fs::metadata(folder).is_ok_and(|folder| folder.mode() & OTHERS != 0) {
        let remedy = format!("chmod 700 {}", folder.display());
        tracing::warn!(folder = %folder.display(), remedy, "other users of this machine may look into the data folder");
    }
    if let Err(error) = tighten_all(folder) {
        let folder = folder.display();
        tracing::warn!(%folder, cause = %error, "a file of the data folder may be readable by other users");
    }
}

/// Elsewhere than on Unix a file has the permissions of its folder.
#[cfg(not(unix))]
pub(crate) fn tighten(_: &Path) {}

/// Whether a file or folder of this name in a data folder is tintype's. Somebody may have named a folder that holds more, and
/// whatever else is in it is not touched.
#[cfg(unix)]
fn is_ours(name: &OsStr) -> bool {
    const OURS: [&str; 12] = [
        "lock",
        "backup-lock",
        "cursor.secret",
        "blobs",
        "incoming",
        "variants",
        "content-credentials",
        "quarantine",
        "snapshots",
        "recovering",
        "replaced",
        "reserve",
    ];
    name.to_str().is_some_and(|name| OURS.contains(&name) || name.starts_with("tintype.db"))
}

/// First what is in folders, then the files beside them: an older tintype left all of them readable, so that one walk over
/// every blob is enough, and is made again if it breaks off.
#[cfg(unix)]
fn tighten_all(folder: &Path) -> io::Result<()> {
    let is_loose = |found: &Metadata| std::os::unix::fs::MetadataExt::mode(found) & OTHERS != 0;
    let (mut folders, mut loose) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !is_ours(&entry.file_name()) {
            continue;
        }
        let found = entry.metadata()?;
        if found.is_dir() {
            folders.push((entry.path(), is_loose(&found)));
        } else if found.is_file() && is_loose(&found) {
            loose.push((entry.path(), found));
        }
    }
    for (path, is_loose) in folders {
        if is_loose || !loose.is_empty() {
            tighten_below(&path)?;
        }
    }
    loose.iter().try_for_each(|(path, found)| close(path, found))
}

#[cfg(unix)]
fn tighten_below(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        if found.is_dir() {
            tighten_below(&entry.path())?;
        } else if found.is_file() {
            close(&entry.path(), &found)?;
        }
    }
    close(folder, &fs::symlink_metadata(folder)?)
}

#[cfg(unix)]
fn close(path: &Path, found: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    if found.mode() & OTHERS == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(found.mode() & !OTHERS & 0o7777))
}
