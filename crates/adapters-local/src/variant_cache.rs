//! Variants of pictures as files beside the blobs. They are no more than a saving of work, so nothing is flushed: what
//! the loss of power left half written shows by its hash, and is made anew.

mod index;

use crate::{
    FileImageStore,
    disk_space::Relief,
    error::{OpenError, is_full, of_io},
    image_store::Folders,
    private,
};
use async_trait::async_trait;
use bytes::Bytes;
use index::Index;
use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{BlobId, Variant},
    ports::VariantCache,
};
use tokio::sync::Semaphore;

/// The SHA-256 of the bytes, which a file begins with.
const HASH_BYTES: usize = 32;

/// Keeps each variant in a file of its own, `variants/ab/abcd.../w320-webp`, and drops those that were not used for the
/// longest time when they are too many. A deleted blob takes its folder along.
#[derive(Clone, Debug)]
pub struct FileVariantCache {
    shared: Arc<Shared>,
    /// Those of the image store: its files and these are open in the same process.
    permits: Arc<Semaphore>,
}

#[derive(Debug)]
struct Shared {
    folders: Arc<Folders>,
    index: Mutex<Index>,
}

impl FileVariantCache {
    /// The cache of at most `size` bytes beside `store`. What an earlier process kept is there.
    ///
    /// # Errors
    /// [`File`](OpenError::File).
    pub fn open(store: &FileImageStore, size: u64) -> Result<Self, OpenError> {
        let folders = Arc::clone(&store.folders);
        let root = folders.variants();
        let index =
            Index::read(root, size).map_err(|source| OpenError::File { path: root.clone(), source })?;
        let shared = Shared { folders, index: Mutex::new(index) };
        shared
            .drop_oldest()
            .map_err(|source| OpenError::File { path: shared.folders.variants().clone(), source })?;
        let shared = Arc::new(shared);
        let relief: Weak<dyn Relief> = Arc::downgrade(&(Arc::clone(&shared) as Arc<dyn Relief>));
        shared.folders.space().relieved_by(relief);
        Ok(Self { shared, permits: Arc::clone(&store.permits) })
    }

    async fn work<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Shared) -> io::Result<T> + Send + 'static,
    ) -> PortResult<T> {
        let shared = Arc::clone(&self.shared);
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&shared)
        });
        match done.await {
            Ok(done) => done.map_err(|error| of_io(operation, error)),
            Err(error) => {
                let message = "the work on a file did not come to an end";
                Err(PortError::new(ErrorKind::Internal, operation, message).with_source(error))
            }
        }
    }
}

#[async_trait]
impl VariantCache for FileVariantCache {
    async fn get(&self, variant: &Variant) -> PortResult<Option<Bytes>> {
        let variant = *variant;
        self.work("VariantCache::get", move |shared| shared.get(&variant)).await
    }

    async fn put(&self, variant: &Variant, bytes: Bytes) -> PortResult<()> {
        let variant = *variant;
        self.work("VariantCache::put", move |shared| shared.put(&variant, &bytes)).await
    }
}

impl Relief for Shared {
    /// Drops everything: what is made of pictures can be made again.
    fn make_room(&self) {
        let dropped = self.index().drop_all();
        let count = dropped.len();
        match self.remove(dropped) {
            Ok(()) if count == 0 => {}
            Ok(()) => tracing::warn!(count, "the disk is nearly full: the rendition cache was emptied"),
            Err(error) => tracing::warn!(%error, "the rendition cache could not be emptied"),
        }
    }
}

impl Shared {
    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, source: &BlobId, form: &str) -> PathBuf {
        self.folders.variants_of(source).join(form)
    }

    fn get(&self, variant: &Variant) -> io::Result<Option<Bytes>> {
        let (source, form) = (variant.source, variant.form());
        let file = match fs::read(self.path(&source, &form)) {
            Ok(file) if is_whole(&file) => Bytes::from(file),
            Ok(_) => {
                self.index().forget(source, form);
                return Ok(None);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.index().forget(source, form);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        self.index().used(source, form, file.len() as u64);
        Ok(Some(file.slice(HASH_BYTES..)))
    }

    /// Keeps a variant where there is room for it.
    fn put(&self, variant: &Variant, bytes: &[u8]) -> io::Result<()> {
        let space = self.folders.space();
        if !space.admit_to_cache(bytes.len() as u64) {
            return Ok(());
        }
        match self.put_new(variant, bytes) {
            Err(error) if is_full(&error) => {
                space.met_full();
                Ok(())
            }
            done => done,
        }
    }

    fn put_new(&self, variant: &Variant, bytes: &[u8]) -> io::Result<()> {
        let file = [BlobId::of(bytes).as_bytes(), bytes].concat();
        let temporary = self.folders.temporary();
        let taken = private::create(&temporary)
            .and_then(|mut made| made.write_all(&file))
            .and_then(|()| self.adopt(&temporary, variant, file.len() as u64));
        if !matches!(taken, Ok(true)) {
            // It may not be there; what is told is why.
            drop(fs::remove_file(&temporary));
        }
        taken?;
        self.drop_oldest()
    }

    /// Makes the file at `temporary` the variant; `false` if its source is gone.
    fn adopt(&self, temporary: &PathBuf, variant: &Variant, bytes: u64) -> io::Result<bool> {
        let (source, form) = (variant.source, variant.form());
        // Held while the name is made and noted: neither a deletion of the source comes in between, nor one for room.
        let _shard = self.folders.shard(&source);
        if self.folders.find(&source)?.is_none() {
            return Ok(false);
        }
        private::make_private(&self.folders.variants_of(&source))?;
        fs::rename(temporary, self.path(&source, &form))?;
        self.index().used(source, form, bytes);
        Ok(true)
    }

    /// Drops what was not used for the longest time, until the rest fits. What went with its picture is still counted
    /// until its turn comes.
    fn drop_oldest(&self) -> io::Result<()> {
        let dropped = self.index().drop_oldest();
        self.remove(dropped)
    }

    fn remove(&self, dropped: Vec<(BlobId, String)>) -> io::Result<()> {
        for (source, form) in dropped {
            let _shard = self.folders.shard(&source);
            if self.index().holds(source, &form) {
                // It was made again meanwhile.
                continue;
            }
            match fs::remove_file(self.path(&source, &form)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                // It went with its picture, or has gone now; so does its folder, if nothing else is in it.
                _ => {
                    let folder = self.folders.variants_of(&source);
                    drop(fs::remove_dir(&folder));
                    drop(folder.parent().map(fs::remove_dir));
                }
            }
        }
        Ok(())
    }
}

fn is_whole(file: &[u8]) -> bool {
    file.split_at_checked(HASH_BYTES).is_some_and(|(hash, bytes)| BlobId::of(bytes).as_bytes() == hash)
}
