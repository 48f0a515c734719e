//! How bytes and names get onto the disk, so that they survive the loss of power.

use std::{
    fs::{self, File, FileTimes},
    io::{self, Write},
    path::Path,
};

/// Writes the whole of a new file.
pub(crate) fn fill(mut file: File, bytes: &[u8], times: FileTimes) -> io::Result<()> {
    file.write_all(bytes)?;
    file.set_times(times)?;
    file.sync_all()
}

/// Gives a file that is on the disk its name.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// Makes sure that the names in a folder stay.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder can't be opened, and its names are the file system's business.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
