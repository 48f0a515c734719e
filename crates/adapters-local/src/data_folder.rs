//! The folder that everything is in, and the lock that keeps it to one process.

use crate::{
    DiskSpace, SpaceSettings,
    error::{OpenError, is_full},
    private::{self, make_private},
};
use std::{
    fs::{File, TryLockError},
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
    /// Opens the folder at `path`; makes it if there is none, for this user only. Files in it that others could read, as those of an older tintype, are made private. A folder that others may look
    /// into stays as it is, with a warning: somebody may have meant it.
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
        private::tighten(path);
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

fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join(LOCK_FILE);
    let failed = |source| OpenError::File { path: path.clone(), source };
    let mut options = private::options();
    let mut file = options.read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
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
