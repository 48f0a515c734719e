//! Pictures as files named by their hash. A path is only ever made from a [`BlobId`].

mod folders;
pub(crate) mod quarantine;
mod reading;

pub(crate) use folders::{BLOBS, Folders, blob_path, blobs_below, is_any_blob};

use crate::{
    DataFolder, durable,
    error::{OpenError, is_full, of_io},
    private,
};
use async_trait::async_trait;
use bytes::Bytes;
use reading::Comparisons;
use std::{
    fs::{self, File, FileTimes, Metadata},
    io::{self, Read as _},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{Blob, BlobId, Timestamp, limits},
    ports::{BlobInfo, BlobReader, ImageStore},
};
use tokio::sync::Semaphore;

/// How many pieces of file work run at the same time, where nobody says. Each has two files open at the most.
const FILES_AT_ONCE: usize = 64;

/// Bytes that the folders of a new blob may need beside it.
const FOLDERS_BYTES: u64 = 12 * 1_024;

/// Keeps each blob in a file of its own, `blobs/ab/cd/abcd...`. A file's time of change is when it was last put.
#[derive(Clone, Debug)]
pub struct FileImageStore {
    pub(crate) folders: Arc<Folders>,
    /// Bounds the open files, whatever the number of callers.
    pub(crate) permits: Arc<Semaphore>,
    comparisons: Arc<Comparisons>,
}

impl FileImageStore {
    /// Opens the store in `folder`, and removes what a crash left half written.
    ///
    /// # Errors
    /// [`File`](OpenError::File).
    pub fn open(folder: &Arc<DataFolder>) -> Result<Self, OpenError> {
        Ok(Self {
            folders: Arc::new(Folders::open(folder)?),
            permits: Arc::new(Semaphore::new(FILES_AT_ONCE)),
            comparisons: Arc::default(),
        })
    }

    /// Runs at most this many pieces of file work at the same time, for a process that may have few files open. Each
    /// has two at the most.
    #[must_use]
    pub fn with_files_at_once(mut self, count: usize) -> Self {
        self.permits = Arc::new(Semaphore::new(count.max(1)));
        self
    }

    /// Runs file work off the async threads, when its turn comes; it goes on if the caller is dropped.
    async fn work<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Folders) -> PortResult<T> + Send + 'static,
    ) -> PortResult<T> {
        let folders = Arc::clone(&self.folders);
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&folders)
        });
        let done = done.await;
        done.unwrap_or_else(|error| {
            let message = "the work on a file did not come to an end";
            Err(PortError::new(ErrorKind::Internal, operation, message).with_source(error))
        })
    }
}

#[async_trait]
impl ImageStore for FileImageStore {
    async fn put(&self, blob: &Blob, now: Timestamp) -> PortResult<()> {
        const OPERATION: &str = "ImageStore::put";
        let blob = blob.clone();
        self.work(OPERATION, move |folders| put(OPERATION, folders, &blob, now)).await
    }

    async fn get(&self, id: &BlobId) -> PortResult<Bytes> {
        let id = *id;
        self.work("ImageStore::get", move |folders| get(folders, &id)).await
    }

    async fn open(&self, id: &BlobId) -> PortResult<Box<dyn BlobReader>> {
        self.reader(id).await
    }

    async fn find(&self, id: &BlobId) -> PortResult<Option<BlobInfo>> {
        const OPERATION: &str = "ImageStore::find";
        let id = *id;
        let work = move |folders: &Folders| folders.find(&id).map_err(|error| of_io(OPERATION, error));
        self.work(OPERATION, work).await
    }

    async fn delete(&self, id: &BlobId, put_before: Timestamp) -> PortResult<bool> {
        const OPERATION: &str = "ImageStore::delete";
        let id = *id;
        self.work(OPERATION, move |folders| {
            delete(folders, &id, put_before).map_err(|error| of_io(OPERATION, error))
        })
        .await
    }

    async fn quarantine(&self, id: &BlobId, put_before: Timestamp, now: Timestamp) -> PortResult<bool> {
        const OPERATION: &str = "ImageStore::quarantine";
        let id = *id;
        self.work(OPERATION, move |folders| {
            quarantine(folders, &id, put_before, now).map_err(|error| of_io(OPERATION, error))
        })
        .await
    }

    async fn purge_quarantine(&self, quarantined_before: Timestamp, limit: u32) -> PortResult<u32> {
        const OPERATION: &str = "ImageStore::purge_quarantine";
        self.work(OPERATION, move |folders| {
            let purged = quarantine::purge(folders.root(), quarantined_before, limit as usize);
            purged.map_err(|error| of_io(OPERATION, error))
        })
        .await
    }

    async fn list(&self, after: Option<BlobId>, limit: u32) -> PortResult<Vec<BlobInfo>> {
        const OPERATION: &str = "ImageStore::list";
        self.work(OPERATION, move |folders| {
            folders.list(after, limit as usize).map_err(|error| of_io(OPERATION, error))
        })
        .await
    }
}

/// A folder that vanished under a write is no missing blob.
fn unfound(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::NotFound { io::Error::other(error) } else { error }
}

fn put(operation: &'static str, folders: &Folders, blob: &Blob, now: Timestamp) -> PortResult<()> {
    let failed = |error| of_io(operation, unfound(error));
    let mut shard = folders.shard(blob.id());
    if put_again(folders, &mut shard, blob, now).map_err(failed)? {
        return Ok(());
    }
    drop(shard);
    let (space, bytes) = (folders.space(), blob.bytes().len() as u64 + FOLDERS_BYTES);
    space.admit(operation, bytes)?;
    match put_new(folders, blob, now) {
        Err(error) if is_full(&error) => {
            // Another program was quicker. What caches gave back since may be enough.
            space.met_full();
            space.admit(operation, bytes)?;
            put_new(folders, blob, now).map_err(failed)
        }
        put => put.map_err(failed),
    }
}

fn put_new(folders: &Folders, blob: &Blob, now: Timestamp) -> io::Result<()> {
    // The slow part is done without the lock: two who put the same bytes at once both write them, and one wins.
    let temporary = folders.temporary();
    let write = || durable::fill(private::create_new(&temporary)?, blob.bytes(), times(now));
    write().inspect_err(|_| drop(fs::remove_file(&temporary)))?;
    let mut shard = folders.shard(blob.id());
    folders.adopt(&mut shard, blob.id(), &temporary).inspect_err(|_| drop(fs::remove_file(&temporary)))
}

/// Puts bytes that are there already; `false` if they are not, or not these: damaged ones are replaced.
fn put_again(folders: &Folders, shard: &mut folders::Shard, blob: &Blob, now: Timestamp) -> io::Result<bool> {
    let file = match File::open(folders.path(blob.id())) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if file.metadata()?.len() != blob.bytes().len() as u64 || !holds(&file, blob.bytes())? {
        return Ok(false);
    }
    file.set_times(times(now))?;
    folders.make_durable(shard, blob.id())?;
    Ok(true)
}

/// Whether a file of this length holds just these bytes.
fn holds(mut file: &File, bytes: &[u8]) -> io::Result<bool> {
    let mut part = vec![0; limits::CONTENT_PART_BYTES];
    for wanted in bytes.chunks(part.len()) {
        let part = &mut part[..wanted.len()];
        file.read_exact(part)?;
        if part != wanted {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(crate) fn times(now: Timestamp) -> FileTimes {
    let since_1970 = Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(0));
    FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + since_1970)
}

/// When the blob in a file was put, or moved into quarantine: the inverse of [`times`].
pub(crate) fn put_at(file: &Metadata) -> io::Result<Timestamp> {
    let since_1970 = file.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Ok(Timestamp::from_millis(0).after(since_1970))
}

fn get(folders: &Folders, id: &BlobId) -> PortResult<Bytes> {
    const OPERATION: &str = "ImageStore::get";
    let bytes = fs::read(folders.path(id)).map_err(|error| of_io(OPERATION, error))?;
    if BlobId::of(&bytes) != *id {
        let message = format!("the bytes stored as {id} are not what was put there");
        return Err(PortError::new(ErrorKind::Data, OPERATION, message));
    }
    Ok(bytes.into())
}

fn quarantine(folders: &Folders, id: &BlobId, put_before: Timestamp, now: Timestamp) -> io::Result<bool> {
    // Held to the end: no put of the same bytes comes in between.
    let _shard = folders.shard(id);
    match folders.find(id)? {
        None => Ok(true),
        Some(info) if info.put_at >= put_before => Ok(false),
        Some(_) => {
            let Some(_pass) = folders.pass()? else { return Ok(false) };
            folders.remove_variants(id)?;
            let path = folders.path(id);
            folders.space().with_room(|| quarantine::take(folders.root(), &path, id, now)).map(|()| true)
        }
    }
}

fn delete(folders: &Folders, id: &BlobId, put_before: Timestamp) -> io::Result<bool> {
    // Held to the end: no put of the same bytes comes in between.
    let mut shard = folders.shard(id);
    match folders.find(id)? {
        None => Ok(true),
        Some(info) if info.put_at >= put_before => Ok(false),
        Some(_) => {
            // A backup is copying: the bytes go with a later sweep.
            let Some(_pass) = folders.pass()? else { return Ok(false) };
            // Some file systems need room to remove a name.
            folders.space().with_room(|| {
                // First what was made of it: a crash in between leaves the picture, for the next deletion.
                folders.remove_variants(id)?;
                fs::remove_file(folders.path(id))
            })?;
            folders.remove_empty(&mut shard, id);
            Ok(true)
        }
    }
}
