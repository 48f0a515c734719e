//! Reading blobs in parts. A file is compared with its address once, by a hash over all of it, and again when anything
//! about the file has changed; a part is then read without the rest.

use super::{FileImageStore, Folders};
use crate::error::of_io;
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    collections::{HashMap, VecDeque},
    fs::{File, Metadata},
    io::{self, Read, Seek, SeekFrom},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{BlobHasher, BlobId},
    ports::BlobReader,
};
use tokio::sync::Semaphore;

/// How many files are remembered as compared, about 150 bytes each.
const REMEMBERED: usize = 4_096;
/// How long a comparison is trusted: a disk may go bad under a file that nobody has changed.
const TRUSTED_FOR: Duration = Duration::from_secs(600);
/// How many files are compared at the same time. Each takes a processor and one buffer.
const COMPARISONS: usize = 2;
/// The bytes that a comparison holds.
const BUFFER: usize = 64 * 1024;
/// How often a file is compared that changes meanwhile, as each time when its bytes are put again.
const TRIES: u32 = 4;

/// What is known of the files that were compared, and the right to compare another.
#[derive(Debug)]
pub(super) struct Comparisons {
    remembered: Mutex<Remembered>,
    permits: Semaphore,
}

impl Default for Comparisons {
    fn default() -> Self {
        Self { remembered: Mutex::default(), permits: Semaphore::new(COMPARISONS) }
    }
}

#[derive(Debug, Default)]
struct Remembered {
    compared: HashMap<BlobId, (Identity, Instant)>,
    /// In the order of their comparison. One that was compared again stands here twice; its earlier time tells.
    order: VecDeque<(BlobId, Instant)>,
}

impl Comparisons {
    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn holds(&self, id: &BlobId, identity: &Identity) -> bool {
        self.lock()
            .compared
            .get(id)
            .is_some_and(|(compared, when)| compared == identity && when.elapsed() < TRUSTED_FOR)
    }

    fn remember(&self, id: BlobId, identity: Identity) {
        let mut remembered = self.lock();
        let now = Instant::now();
        remembered.compared.insert(id, (identity, now));
        remembered.order.push_back((id, now));
        while remembered.order.len() > REMEMBERED {
            let Some((oldest, when)) = remembered.order.pop_front() else { return };
            if remembered.compared.get(&oldest).is_some_and(|(_, compared)| *compared == when) {
                remembered.compared.remove(&oldest);
            }
        }
    }
}

/// What changes about a file when its bytes do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Device, inode, and the time of the last change of either the bytes or what is known of the file.
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// An open file and the bytes that were asked of it.
type Part<T> = (Identity, T);

impl FileImageStore {
    pub(super) async fn reader(&self, id: &BlobId) -> PortResult<Box<dyn BlobReader>> {
        let (identity, ()) = self.on_compared("ImageStore::open", *id, None, |_, _| Ok(())).await?;
        Ok(Box::new(FileReader { store: self.clone(), id: *id, identity }))
    }

    /// Runs `read` on the file of the blob `id` once its bytes are known to match the address. A file that is as it
    /// was in `trusted` needs no further proof.
    async fn on_compared<T: Send + 'static>(
        &self,
        operation: &'static str,
        id: BlobId,
        trusted: Option<Identity>,
        read: impl Fn(&File, u64) -> io::Result<T> + Clone + Send + 'static,
    ) -> PortResult<Part<T>> {
        let (comparisons, reading) = (Arc::clone(&self.comparisons), read.clone());
        let known = self.work(operation, move |folders| {
            let failed = |error| of_io(operation, error);
            let (file, identity) = opened(folders, &id).map_err(failed)?;
            if trusted != Some(identity) && !comparisons.holds(&id, &identity) {
                return Ok(None);
            }
            reading(&file, identity.bytes).map(|part| Some((identity, part))).map_err(failed)
        });
        if let Some(part) = known.await? {
            return Ok(part);
        }
        let _permit = self.comparisons.permits.acquire().await;
        let comparisons = Arc::clone(&self.comparisons);
        let compared = self.work(operation, move |folders| {
            let (identity, file) = compared(folders, &comparisons, operation, &id)?;
            let part = read(&file, identity.bytes).map_err(|error| of_io(operation, error))?;
            Ok((identity, part))
        });
        compared.await
    }
}

fn opened(folders: &Folders, id: &BlobId) -> io::Result<(File, Identity)> {
    let file = File::open(folders.path(id))?;
    let identity = Identity::of(&file.metadata()?);
    Ok((file, identity))
}

/// The file of the blob `id`, after a look at all of its bytes if that is needed.
fn compared(
    folders: &Folders,
    comparisons: &Comparisons,
    operation: &'static str,
    id: &BlobId,
) -> PortResult<Part<File>> {
    let failed = |error| of_io(operation, error);
    for _ in 0..TRIES {
        let (file, identity) = opened(folders, id).map_err(failed)?;
        // Somebody else may have compared it while this one waited.
        if comparisons.holds(id, &identity) {
            return Ok((identity, file));
        }
        let address = address_of(&file).map_err(failed)?;
        if Identity::of(&file.metadata().map_err(failed)?) != identity {
            continue;
        }
        if address != *id {
            let message = format!("the bytes stored as {id} are not what was put there");
            return Err(PortError::new(ErrorKind::Data, operation, message));
        }
        comparisons.remember(*id, identity);
        return Ok((identity, file));
    }
    let message = "the file changes all the time; try again";
    Err(PortError::new(ErrorKind::Unavailable, operation, message))
}

fn address_of(mut file: &File) -> io::Result<BlobId> {
    let mut hasher = BlobHasher::default();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn part_of(mut file: &File, length: u64, start: u64, most: usize) -> io::Result<Bytes> {
    let wanted = length.saturating_sub(start).min(most as u64);
    let mut bytes = vec![0; usize::try_from(wanted).unwrap_or(0)];
    file.seek(SeekFrom::Start(start))?;
    // A file that became shorter since it was looked at is an error here, not a short part.
    file.read_exact(&mut bytes)?;
    Ok(bytes.into())
}

/// Opens the file for each part: a client that takes nothing keeps no file open.
#[derive(Debug)]
struct FileReader {
    store: FileImageStore,
    id: BlobId,
    identity: Identity,
}

#[async_trait]
impl BlobReader for FileReader {
    fn bytes(&self) -> u64 {
        self.identity.bytes
    }

    async fn read(&self, start: u64, most: usize) -> PortResult<Bytes> {
        if start >= self.identity.bytes {
            return Ok(Bytes::new());
        }
        let read = move |file: &File, length| part_of(file, length, start, most);
        let part = self.store.on_compared("BlobReader::read", self.id, Some(self.identity), read);
        part.await.map(|(_, bytes)| bytes)
    }
}
