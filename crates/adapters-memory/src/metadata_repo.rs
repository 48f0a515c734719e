//! The records of saved images in a map, with an index by place in the list.

use crate::lock;
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
    sync::Mutex,
};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{
        BlobId, ImageChange, ImageId, ImageQuery, OwnerId, Page, Position, Refusal, SavedImage, Sort,
        Timeline, TimelineCounter, Timestamp, Version,
    },
    ports::{InsertedImage, MetadataRepo},
};

/// A [`MetadataRepo`] in memory.
#[derive(Debug, Default)]
pub struct MemoryMetadata(Mutex<Libraries>);

#[derive(Debug, Default)]
struct Libraries {
    by_owner: HashMap<OwnerId, Library>,
    released: BTreeSet<BlobId>,
}

impl Libraries {
    /// Whether any owner has an image of this address.
    fn refers_to(&self, blob: &BlobId) -> bool {
        self.by_owner.values().any(|library| library.addresses.contains_key(blob))
    }

    /// Records the blob of a removed image as released, if no other image has it.
    fn release(&mut self, blob: BlobId) {
        if !self.refers_to(&blob) {
            self.released.insert(blob);
        }
    }
}

/// One owner's images.
#[derive(Debug, Default)]
struct Library {
    by_position: BTreeMap<Position, SavedImage>,
    positions: HashMap<ImageId, Position>,
    addresses: HashMap<BlobId, ImageId>,
}

impl Library {
    fn find(&self, id: &ImageId) -> Option<&SavedImage> {
        self.by_position.get(self.positions.get(id)?)
    }

    fn insert(&mut self, image: &SavedImage) -> InsertedImage {
        let there = self.addresses.get(&image.sha256).and_then(|id| self.find(id));
        if let Some(existing) = there {
            return InsertedImage::Existing(Box::new(existing.clone()));
        }
        let position = Position::of_image(image.saved_at, &image.id);
        self.by_position.insert(position, image.clone());
        self.positions.insert(image.id, position);
        self.addresses.insert(image.sha256, image.id);
        InsertedImage::Created
    }

    fn remove(&mut self, id: &ImageId) {
        let Some(position) = self.positions.remove(id) else { return };
        if let Some(image) = self.by_position.remove(&position) {
            self.addresses.remove(&image.sha256);
        }
    }

    /// The images that belong to the list of `query`, after the place where it starts.
    fn list(&self, query: &ImageQuery, now: Timestamp) -> impl Iterator<Item = (&Position, &SavedImage)> {
        let after = query.after.map_or(Bound::Unbounded, Bound::Excluded);
        let (newest, oldest) = match query.sort {
            Sort::Newest => (Some(self.by_position.range((Bound::Unbounded, after)).rev()), None),
            Sort::Oldest => (None, Some(self.by_position.range((after, Bound::Unbounded)))),
        };
        let part = newest.into_iter().flatten().chain(oldest.into_iter().flatten());
        part.filter(move |(_, image)| query.wants(image, now))
    }

    /// The images of one page and one more, to learn if there are more.
    fn page(&self, query: &ImageQuery, now: Timestamp) -> Vec<SavedImage> {
        let count = query.limit.get() as usize + 1;
        self.list(query, now).map(|(_, image)| image.clone()).take(count).collect()
    }

    fn timeline(&self, query: &ImageQuery, now: Timestamp) -> Timeline {
        let mut counter = TimelineCounter::new(query.limit.get());
        let whole = ImageQuery { after: None, ..query.clone() };
        self.list(&whole, now).for_each(|(position, image)| counter.count(image.saved_at, *position));
        counter.finish(true)
    }
}

impl MemoryMetadata {
    /// Every image there is, in the order of the ids: whose it is, and its prompt.
    pub(crate) fn prompts(&self) -> BTreeMap<ImageId, Prompted> {
        let libraries = lock(&self.0);
        let images = libraries.by_owner.values().flat_map(|library| library.by_position.values());
        let prompted = |image: &SavedImage| Prompted {
            owner: image.owner.clone(),
            version: image.version,
            prompt: image.prompt.clone(),
        };
        images.map(|image| (image.id, prompted(image))).collect()
    }
}

/// What the vectors of an image depend on.
pub(crate) struct Prompted {
    pub(crate) owner: OwnerId,
    pub(crate) version: Version,
    pub(crate) prompt: Option<String>,
}

/// Up to `limit` of these, in order, from the one after `after`.
pub(crate) fn page_of(blobs: &BTreeSet<BlobId>, after: Option<BlobId>, limit: u32) -> Vec<BlobId> {
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    blobs.range((start, Bound::Unbounded)).take(limit as usize).copied().collect()
}

#[async_trait]
impl MetadataRepo for MemoryMetadata {
    async fn insert(&self, image: &SavedImage) -> PortResult<InsertedImage> {
        let mut libraries = lock(&self.0);
        let inserted = libraries.by_owner.entry(image.owner.clone()).or_default().insert(image);
        libraries.released.remove(&image.sha256);
        Ok(inserted)
    }

    async fn find(&self, owner: &OwnerId, id: &ImageId, now: Timestamp) -> PortResult<Option<SavedImage>> {
        let libraries = lock(&self.0);
        let found = libraries.by_owner.get(owner).and_then(|library| library.find(id));
        Ok(found.filter(|image| image.is_shown(now)).cloned())
    }

    async fn list(
        &self,
        owner: &OwnerId,
        query: &ImageQuery,
        now: Timestamp,
    ) -> PortResult<Page<SavedImage>> {
        let images =
            lock(&self.0).by_owner.get(owner).map(|library| library.page(query, now)).unwrap_or_default();
        Ok(Page::of(images, query.limit, |image| Position::of_image(image.saved_at, &image.id)))
    }

    async fn timeline(&self, owner: &OwnerId, query: &ImageQuery, now: Timestamp) -> PortResult<Timeline> {
        let libraries = lock(&self.0);
        let none = Library::default();
        Ok(libraries.by_owner.get(owner).unwrap_or(&none).timeline(query, now))
    }

    async fn change(
        &self,
        owner: &OwnerId,
        id: &ImageId,
        change: &ImageChange,
    ) -> PortResult<Result<SavedImage, Refusal>> {
        let mut libraries = lock(&self.0);
        let stored = libraries.by_owner.get_mut(owner).and_then(|library| {
            let position = library.positions.get(id)?;
            library.by_position.get_mut(position)
        });
        let changed = change.apply(stored.as_deref());
        if let (Some(stored), Ok(changed)) = (stored, &changed) {
            stored.clone_from(changed);
        }
        Ok(changed)
    }

    async fn delete(&self, owner: &OwnerId, id: &ImageId, expected: Version) -> PortResult<()> {
        let mut libraries = lock(&self.0);
        let Some(library) = libraries.by_owner.get_mut(owner) else { return Ok(()) };
        if let Some(stored) = library.find(id) {
            if stored.version != expected {
                let message = format!("image {id} is at version {}, not {}", stored.version.0, expected.0);
                return Err(PortError::new(ErrorKind::Conflict, "MetadataRepo::delete", message));
            }
            let blob = stored.sha256;
            library.remove(id);
            libraries.release(blob);
        }
        Ok(())
    }

    async fn refers_to(&self, blob: &BlobId) -> PortResult<bool> {
        Ok(lock(&self.0).refers_to(blob))
    }

    async fn is_released(&self, blob: &BlobId) -> PortResult<bool> {
        Ok(lock(&self.0).released.contains(blob))
    }

    async fn released(&self, after: Option<BlobId>, limit: u32) -> PortResult<Vec<BlobId>> {
        Ok(page_of(&lock(&self.0).released, after, limit))
    }

    async fn forget_release(&self, blob: &BlobId) -> PortResult<()> {
        lock(&self.0).released.remove(blob);
        Ok(())
    }

    async fn purge(&self, trashed_before: Timestamp, limit: u32) -> PortResult<Vec<BlobId>> {
        let mut libraries = lock(&self.0);
        let mut purged = Vec::new();
        for library in libraries.by_owner.values_mut() {
            let images = library.by_position.values();
            let old = images.filter(|image| image.trashed_at.is_some_and(|at| at < trashed_before));
            let part: Vec<_> =
                old.take(limit as usize - purged.len()).map(|image| (image.id, image.sha256)).collect();
            for (id, sha256) in part {
                library.remove(&id);
                purged.push(sha256);
            }
        }
        purged.iter().for_each(|blob| libraries.release(*blob));
        Ok(purged)
    }
}
