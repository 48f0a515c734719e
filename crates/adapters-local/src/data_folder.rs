//! The folder that everything is in, and the lock that keeps it to one process.

use crate::{
    DiskSpace, SpaceSettings,
    error::{OpenError, is_full},
};
use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The name of the file that is locked.
pub(crate) const LOCK_FILE: &str = "lock";

/// A data folder that this process has to itself, for as long as this value or anything opened over it lives.
///
/// The lock is the operating system's: it vanishes with the process, however that ends.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    space: DiskSpace,
    _lock: File,
}

impl DataFolder {
    /// Opens the folder at `path`; makes it if there is none, for this user only.
    ///
    /// # Errors
    /// [`InUse`](OpenError::InUse) if another process has it, [`File`](OpenError::File).
    pub fn open(path: &Path) -> Result<Arc<Self>, OpenError> {
        Self::open_with(path, SpaceSettings::default())
    }

    /// Opens the folder at `path` as [`open`](Self::open) does, and leaves so much of its disk to others.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(path: &Path, space: SpaceSettings) -> Result<Arc<Self>, OpenError> {
        make_private(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
        let lock = lock(path)?;
        Ok(Arc::new(Self { path: path.to_owned(), space: DiskSpace::new(path, space), _lock: lock }))
    }

    /// The room on its disk.
    pub const fn space(&self) -> &DiskSpace {
        &self.space
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes a folder, and those above it, that only this user can look into. One that is there stays as it is.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join(LOCK_FILE);
    let failed = |source| OpenError::File { path: path.clone(), source };
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(OpenError::InUse { folder: folder.to_owned(), pid: holder(&mut file) });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    match sign(&mut file) {
        // On a full disk: the number is for people, and the lock holds without it.
        Err(error) if is_full(&error) => {}
        signed => signed.map_err(failed)?,
    }
    Ok(file)
}

/// Leaves this process's number for whoever finds the folder taken. The block of the earlier number is written over, since a
/// full disk would not give a new one; where not even that is possible, no number is left.
fn sign(file: &mut File) -> io::Result<()> {
    let number = std::process::id().to_string();
    file.rewind()?;
    if let Err(error) = file.write_all(number.as_bytes()) {
        file.set_len(0)?;
        return Err(error);
    }
    file.set_len(number.len() as u64)
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
