//! Pictures' bytes in a map.

use crate::lock;
use async_trait::async_trait;
use bytes::Bytes;
use std::{collections::BTreeMap, ops::Bound, sync::Mutex};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{Blob, BlobId, Timestamp},
    ports::{BlobInfo, BlobReader, ImageStore, WholeBlob},
};

#[derive(Clone, Debug)]
struct Stored {
    bytes: Bytes,
    put_at: Timestamp,
}

/// An [`ImageStore`] in memory.
#[derive(Debug, Default)]
pub struct MemoryImages {
    blobs: Mutex<BTreeMap<BlobId, Stored>>,
    /// When each blob was moved into quarantine; its bytes are of no use to a test.
    quarantine: Mutex<BTreeMap<BlobId, Timestamp>>,
}

impl MemoryImages {
    /// Spoils the bytes at `id`, as a broken disk would: every byte is inverted.
    pub fn corrupt(&self, id: &BlobId) {
        if let Some(stored) = lock(&self.blobs).get_mut(id) {
            stored.bytes = stored.bytes.iter().map(|byte| !byte).collect();
        }
    }

    fn read(&self, operation: &'static str, id: &BlobId) -> PortResult<Bytes> {
        let found = lock(&self.blobs).get(id).map(|stored| stored.bytes.clone());
        let bytes = found
            .ok_or_else(|| PortError::new(ErrorKind::NotFound, operation, format!("no bytes at {id}")))?;
        if BlobId::of(&bytes) != *id {
            let message = format!("the bytes at {id} do not match their address");
            return Err(PortError::new(ErrorKind::Data, operation, message));
        }
        Ok(bytes)
    }
}

fn info(id: &BlobId, stored: &Stored) -> BlobInfo {
    BlobInfo { id: *id, bytes: stored.bytes.len() as u64, put_at: stored.put_at }
}

#[async_trait]
impl ImageStore for MemoryImages {
    async fn put(&self, blob: &Blob, now: Timestamp) -> PortResult<()> {
        lock(&self.blobs).insert(*blob.id(), Stored { bytes: blob.bytes().clone(), put_at: now });
        Ok(())
    }

    async fn get(&self, id: &BlobId) -> PortResult<Bytes> {
        self.read("ImageStore::get", id)
    }

    async fn open(&self, id: &BlobId) -> PortResult<Box<dyn BlobReader>> {
        Ok(Box::new(WholeBlob(self.read("ImageStore::open", id)?)))
    }

    async fn find(&self, id: &BlobId) -> PortResult<Option<BlobInfo>> {
        Ok(lock(&self.blobs).get(id).map(|stored| info(id, stored)))
    }

    async fn delete(&self, id: &BlobId, put_before: Timestamp) -> PortResult<bool> {
        let mut blobs = lock(&self.blobs);
        if blobs.get(id).is_some_and(|stored| stored.put_at >= put_before) {
            return Ok(false);
        }
        blobs.remove(id);
        Ok(true)
    }

    async fn quarantine(&self, id: &BlobId, put_before: Timestamp, now: Timestamp) -> PortResult<bool> {
        let mut blobs = lock(&self.blobs);
        let Some(stored) = blobs.get(id) else { return Ok(true) };
        if stored.put_at >= put_before {
            return Ok(false);
        }
        blobs.remove(id);
        lock(&self.quarantine).insert(*id, now);
        Ok(true)
    }

    async fn purge_quarantine(&self, quarantined_before: Timestamp, limit: u32) -> PortResult<u32> {
        let mut quarantine = lock(&self.quarantine);
        let old = quarantine.iter().filter(|(_, since)| **since < quarantined_before).map(|(id, _)| *id);
        let old: Vec<_> = old.take(limit as usize).collect();
        for id in &old {
            quarantine.remove(id);
        }
        Ok(old.len() as u32)
    }

    async fn list(&self, after: Option<BlobId>, limit: u32) -> PortResult<Vec<BlobInfo>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let blobs = lock(&self.blobs);
        let part = blobs.range((start, Bound::Unbounded)).take(limit as usize);
        Ok(part.map(|(id, stored)| info(id, stored)).collect())
    }
}
