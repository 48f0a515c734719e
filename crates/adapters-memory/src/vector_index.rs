//! The vectors of saved images in maps.

use crate::{MemoryMetadata, lock};
use async_trait::async_trait;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};
use tintype_core::{
    PortResult,
    domain::{Embedding, ImageId, Near, OwnerId, Space, Vectors, Version},
    ports::VectorIndex,
};

/// A [`VectorIndex`] in memory, of the images in a [`MemoryMetadata`].
#[derive(Debug)]
pub struct MemoryVectors {
    metadata: Arc<MemoryMetadata>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    space: Option<Space>,
    /// Those that wait no more, with the prompts that they had then.
    done: HashMap<ImageId, Option<String>>,
    vectors: HashMap<OwnerId, Vectors>,
}

impl MemoryVectors {
    /// No vectors yet of the images in `metadata`.
    pub fn new(metadata: Arc<MemoryMetadata>) -> Self {
        Self { metadata, held: Mutex::default() }
    }

    /// What is held, without the vectors of images that are gone.
    fn tidy(&self) -> MutexGuard<'_, Held> {
        let there = self.metadata.prompts();
        let mut held = lock(&self.held);
        let Held { done, vectors, .. } = &mut *held;
        for id in done.keys().filter(|id| !there.contains_key(id)) {
            vectors.values_mut().for_each(|vectors| vectors.remove(id));
        }
        done.retain(|id, _| there.contains_key(id));
        held
    }
}

#[async_trait]
impl VectorIndex for MemoryVectors {
    async fn use_space(&self, space: &Space) -> PortResult<()> {
        let mut held = lock(&self.held);
        if held.space.as_ref() != Some(space) {
            *held = Held { space: Some(space.clone()), ..Held::default() };
        }
        Ok(())
    }

    async fn waiting(&self, limit: u32) -> PortResult<Vec<(OwnerId, ImageId)>> {
        let (all, held) = (self.metadata.prompts(), lock(&self.held));
        let waiting = all.into_iter().filter(|(id, there)| held.done.get(id) != Some(&there.prompt));
        Ok(waiting.map(|(id, there)| (there.owner, id)).take(limit as usize).collect())
    }

    async fn put(
        &self,
        owner: &OwnerId,
        id: &ImageId,
        of: Option<Version>,
        vector: Option<Embedding>,
    ) -> PortResult<()> {
        let Some(there) = self.metadata.prompts().remove(id) else { return Ok(()) };
        if there.owner != *owner || of.is_some_and(|of| of != there.version) {
            return Ok(());
        }
        let mut held = lock(&self.held);
        held.done.insert(*id, there.prompt);
        let dimensions = held.space.as_ref().map_or(0, |space| space.dimensions);
        let vectors = held.vectors.entry(owner.clone()).or_insert_with(|| Vectors::new(dimensions));
        match vector {
            Some(vector) => vectors.set(*id, &vector),
            None => vectors.remove(id),
        }
        Ok(())
    }

    async fn get(&self, owner: &OwnerId, id: &ImageId) -> PortResult<Option<Embedding>> {
        Ok(self.tidy().vectors.get(owner).and_then(|vectors| vectors.get(id)))
    }

    async fn nearest(&self, owner: &OwnerId, to: &Embedding, limit: u32) -> PortResult<Vec<Near>> {
        let held = self.tidy();
        let vectors = held.vectors.get(owner);
        Ok(vectors.map(|vectors| vectors.nearest(to, limit as usize)).unwrap_or_default())
    }
}
