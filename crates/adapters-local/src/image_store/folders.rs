//! Where each blob's file is, and which folders are known to be on the disk.

use super::put_at;
use crate::{
    DataFolder, DiskSpace, backup::Pass, durable::sync_folder, error::OpenError, private::make_private,
};
use std::{
    collections::BTreeSet,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tintype_core::{domain::BlobId, ports::BlobInfo};

/// The folder of blobs in a data folder, and in a backup of one.
pub(crate) const BLOBS: &str = "blobs";

/// Where the blob `id` is in a folder of blobs.
pub(crate) fn blob_path(blobs: &Path, id: &BlobId) -> PathBuf {
    parent(blobs, id).join(id.to_string())
}

fn parent(blobs: &Path, id: &BlobId) -> PathBuf {
    let [first, second, ..] = *id.as_bytes();
    blobs.join(format!("{first:02x}")).join(format!("{second:02x}"))
}

/// The folders of the store: `blobs/ab/cd` for blobs whose address starts with `abcd`, `incoming` for files that are
/// being written, `variants/ab/abcd...` for what was made of a blob.
#[derive(Debug)]
pub(crate) struct Folders {
    blobs: PathBuf,
    incoming: PathBuf,
    variants: PathBuf,
    next_temporary: AtomicU64,
    shards: Vec<Mutex<Shard>>,
    folder: Arc<DataFolder>,
}

/// What is known of the blobs whose addresses start with one byte. Whoever holds it is alone in changing them.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    /// Whether the folder of this byte was synced into `blobs`.
    linked: bool,
    /// The second bytes whose folders were synced: every name in them survives the loss of power. What an earlier
    /// process renamed may not have been, so each is synced once by this one.
    synced: BTreeSet<u8>,
}

impl Folders {
    pub(crate) fn open(folder: &Arc<DataFolder>) -> Result<Self, OpenError> {
        let root = folder.path();
        let (blobs, incoming) = (root.join(BLOBS), root.join("incoming"));
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| OpenError::File { path, source }
        };
        let space = folder.space();
        space.with_room(|| empty(&incoming)).map_err(failed(&incoming))?;
        space.with_room(|| make_private(&blobs)).map_err(failed(&blobs))?;
        // The file that deletes lock: later there may be no room to make it.
        space.with_room(|| Pass::get(root)).map_err(failed(root))?;
        sync_folder(root).map_err(failed(root))?;
        Ok(Self {
            blobs,
            incoming,
            variants: root.join("variants"),
            next_temporary: AtomicU64::new(0),
            shards: (0..=u8::MAX).map(|_| Mutex::default()).collect(),
            folder: Arc::clone(folder),
        })
    }

    /// The data folder.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The right to remove a blob; none while a backup holds them.
    pub(crate) fn pass(&self) -> io::Result<Option<Pass>> {
        self.space().with_room(|| Pass::get(self.folder.path()))
    }

    /// The room on the disk.
    pub(crate) fn space(&self) -> &DiskSpace {
        self.folder.space()
    }

    /// The right to change blobs whose addresses start as `id` does.
    pub(crate) fn shard(&self, id: &BlobId) -> MutexGuard<'_, Shard> {
        self.shards[usize::from(id.as_bytes()[0])].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn path(&self, id: &BlobId) -> PathBuf {
        blob_path(&self.blobs, id)
    }

    fn parent(&self, id: &BlobId) -> PathBuf {
        parent(&self.blobs, id)
    }

    /// A path for a new file that is not a blob yet.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.incoming.join(self.next_temporary.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// Where variants are; there may be no such folder yet.
    pub(crate) const fn variants(&self) -> &PathBuf {
        &self.variants
    }

    /// Where the variants of the blob `id` are.
    pub(crate) fn variants_of(&self, id: &BlobId) -> PathBuf {
        self.variants.join(format!("{:02x}", id.as_bytes()[0])).join(id.to_string())
    }

    /// Removes the variants of the blob `id`.
    pub(crate) fn remove_variants(&self, id: &BlobId) -> io::Result<()> {
        match fs::remove_dir_all(self.variants_of(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes the folders of the blob `id` that hold no other: each has an inode.
    pub(crate) fn remove_empty(&self, shard: &mut Shard, id: &BlobId) {
        let parent = self.parent(id);
        // One that holds others can't be removed.
        if fs::remove_dir(&parent).is_ok() {
            shard.synced.remove(&id.as_bytes()[1]);
            if parent.parent().is_some_and(|folder| fs::remove_dir(folder).is_ok()) {
                shard.linked = false;
                shard.synced.clear();
            }
        }
    }

    /// Makes the synced file at `temporary` the blob `id`, durably.
    pub(crate) fn adopt(&self, shard: &mut Shard, id: &BlobId, temporary: &Path) -> io::Result<()> {
        let path = self.path(id);
        // Until the folder is synced again, its newest name may not survive.
        let known = shard.synced.remove(&id.as_bytes()[1]);
        if !known {
            make_private(&self.parent(id))?;
        }
        fs::rename(temporary, path)?;
        if !known {
            return self.make_durable(shard, id);
        }
        sync_folder(&self.parent(id))?;
        shard.synced.insert(id.as_bytes()[1]);
        Ok(())
    }

    /// Makes sure that the names of this blob and of its folders survive the loss of power: once per folder and
    /// process, after that it costs nothing.
    pub(crate) fn make_durable(&self, shard: &mut Shard, id: &BlobId) -> io::Result<()> {
        let second = id.as_bytes()[1];
        if shard.synced.contains(&second) {
            return Ok(());
        }
        let parent = self.parent(id);
        sync_folder(&parent)?;
        parent.parent().map_or(Ok(()), sync_folder)?;
        if !shard.linked {
            sync_folder(&self.blobs)?;
            shard.linked = true;
        }
        shard.synced.insert(second);
        Ok(())
    }

    /// What is known of the blob `id`; `None` if there is none.
    pub(crate) fn find(&self, id: &BlobId) -> io::Result<Option<BlobInfo>> {
        match fs::metadata(self.path(id)) {
            Ok(metadata) => info(*id, &metadata).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Up to `limit` blobs after `after`, in order of their addresses.
    pub(crate) fn list(&self, after: Option<BlobId>, limit: usize) -> io::Result<Vec<BlobInfo>> {
        let mut found = Vec::new();
        for id in blobs_below(&self.blobs, after, limit)? {
            found.extend(self.find(&id)?);
        }
        Ok(found)
    }
}

/// The addresses of up to `limit` blobs in a folder of blobs, in order, from the one after `after`.
pub(crate) fn blobs_below(blobs: &Path, after: Option<BlobId>, limit: usize) -> io::Result<Vec<BlobId>> {
    let start = after.map_or([0, 0], |id| [id.as_bytes()[0], id.as_bytes()[1]]);
    let mut found = Vec::new();
    for first in bytes_in(blobs)?.range(start[0]..) {
        let folder = blobs.join(format!("{first:02x}"));
        for second in or_none(bytes_in(&folder))? {
            if [*first, second] < start {
                continue;
            }
            for id in or_none(blobs_in(&folder.join(format!("{second:02x}"))))? {
                if found.len() == limit {
                    return Ok(found);
                }
                if after.is_none_or(|after| id > after) {
                    found.push(id);
                }
            }
        }
    }
    Ok(found)
}

/// Whether there is any blob in a folder of blobs, which may be missing.
pub(crate) fn is_any_blob(blobs: &Path) -> io::Result<bool> {
    match blobs_below(blobs, None, 1) {
        Ok(found) => Ok(!found.is_empty()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes `folder`, without whatever files a crash left in it.
fn empty(folder: &Path) -> io::Result<()> {
    make_private(folder)?;
    for entry in fs::read_dir(folder)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}

fn info(id: BlobId, metadata: &Metadata) -> io::Result<BlobInfo> {
    Ok(BlobInfo { id, bytes: metadata.len(), put_at: put_at(metadata)? })
}

/// The folders named by one byte in `folder`, in order; anything else there is not ours.
fn bytes_in(folder: &Path) -> io::Result<BTreeSet<u8>> {
    names_in(folder, |name| (name.len() == 2).then(|| u8::from_str_radix(name, 16).ok()).flatten())
}

fn blobs_in(folder: &Path) -> io::Result<BTreeSet<BlobId>> {
    names_in(folder, |name| name.parse().ok())
}

/// What was in a folder that was removed with its last blob meanwhile: nothing.
fn or_none<T>(found: io::Result<BTreeSet<T>>) -> io::Result<BTreeSet<T>> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        found => found,
    }
}

fn names_in<T: Ord>(folder: &Path, parse: impl Fn(&str) -> Option<T>) -> io::Result<BTreeSet<T>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().to_str().and_then(&parse));
    }
    Ok(names)
}
