//! What keeps blobs where they are while a backup is being made. It is the operating system's lock on a file of the data
//! folder, so it works between processes and vanishes with whoever holds it.

use super::{BackupError, at};
use crate::private;
use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

const FILE: &str = "backup-lock";
/// How long removals that are under way, or another backup, are waited for.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(1);

/// Held by a backup: no blob is removed meanwhile.
#[derive(Debug)]
pub(crate) struct Hold(#[expect(dead_code, reason = "the lock lives as long as the open file")] File);

impl Hold {
    /// Holds the blobs of the data folder.
    pub(crate) fn take(data: &Path) -> Result<Self, BackupError> {
        let path = data.join(FILE);
        let file = open(data).map_err(at(&path))?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(BackupError::Busy { folder: data.to_owned() }),
                Err(TryLockError::Error(source)) => return Err(BackupError::File { path, source }),
            }
        }
    }
}

/// Had by whoever removes a blob, for as long as that takes.
#[derive(Debug)]
pub(crate) struct Pass(#[expect(dead_code, reason = "the lock lives as long as the open file")] File);

impl Pass {
    /// The right to remove a blob of the data folder; none while it is held.
    pub(crate) fn get(data: &Path) -> io::Result<Option<Self>> {
        let file = open(data)?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Each lock needs a file of its own: those who share one would end each other's. A store makes it when it is opened, so that
/// no deletion has to on a full disk.
fn open(data: &Path) -> io::Result<File> {
    private::options().read(true).write(true).create(true).truncate(false).open(data.join(FILE))
}
