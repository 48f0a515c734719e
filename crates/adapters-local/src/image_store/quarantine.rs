//! The folder of blobs that no record explains. A blob lies there under its address; the time of change of its file is when
//! it was moved in.

use super::{put_at, times};
use crate::{
    backup::files::read_whole,
    durable::{self, sync_folder},
    private::make_private,
};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};
use tintype_core::domain::{BlobId, Timestamp};

/// The folder's name in the data folder.
pub(crate) const QUARANTINE: &str = "quarantine";

/// Where the blob `id` lies while it is in quarantine.
pub(crate) fn path(root: &Path, id: &BlobId) -> PathBuf {
    root.join(QUARANTINE).join(id.to_string())
}

/// Moves the blob `id`, whose file is at `blob`, into quarantine. A whole copy that is there already stays: the file may be
/// damaged.
pub(crate) fn take(root: &Path, blob: &Path, id: &BlobId, now: Timestamp) -> io::Result<()> {
    make_private(&root.join(QUARANTINE))?;
    let quarantined = path(root, id);
    if read_whole(&quarantined, id).is_some() {
        File::open(&quarantined)?.set_times(times(now))?;
        fs::remove_file(blob)?;
    } else {
        File::open(blob)?.set_times(times(now))?;
        durable::rename(blob, &quarantined)?;
    }
    blob.parent().map_or(Ok(()), sync_folder)
}

/// The blobs in quarantine, in order.
pub(crate) fn list(root: &Path) -> io::Result<Vec<BlobId>> {
    let entries = match fs::read_dir(root.join(QUARANTINE)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut blobs = Vec::new();
    for entry in entries {
        blobs.extend(entry?.file_name().to_str().and_then(|name| name.parse::<BlobId>().ok()));
    }
    blobs.sort();
    Ok(blobs)
}

/// Removes for good up to `limit` blobs that were moved in before `quarantined_before`; returns how many.
pub(crate) fn purge(root: &Path, quarantined_before: Timestamp, limit: usize) -> io::Result<u32> {
    let mut removed = 0;
    for id in list(root)? {
        let path = path(root, &id);
        if put_at(&fs::metadata(&path)?)? < quarantined_before {
            fs::remove_file(&path)?;
            removed += 1;
        }
        if removed as usize == limit {
            break;
        }
    }
    Ok(removed)
}
