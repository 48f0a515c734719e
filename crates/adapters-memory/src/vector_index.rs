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
    attempts: HashMap<ImageId, Attempts>,
    /// Why images were given up.
    given_up: HashMap<ImageId, String>,
}

#[derive(Debug, Default)]
struct Attempts {
    count: u32,
    in_progress: bool,
}

impl Attempts {
    const fn take_back(&mut self) {
        if self.in_progress {
            self.count -= 1;
            self.in_progress = false;
        }
    }
}

impl Held {
    fn is_pending(&self, id: &ImageId, prompt: &Option<String>) -> bool {
        !self.given_up.contains_key(id) && self.done.get(id) != Some(prompt)
    }

    /// Notes the vector of an image.
    fn put(&mut self, owner: &OwnerId, id: &ImageId, prompt: Option<String>, vector: Option<&Embedding>) {
        self.attempts.remove(id);
        self.done.insert(*id, prompt);
        let dimensions = self.space.as_ref().map_or(0, |space| space.dimensions);
        let vectors = self.vectors.entry(owner.clone()).or_insert_with(|| Vectors::new(dimensions));
        match vector {
            Some(vector) => vectors.set(*id, vector),
            None => vectors.remove(id),
        }
    }
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
        let waiting = all.into_iter().filter(|(id, there)| held.is_pending(id, &there.prompt));
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
        let mut held = lock(&self.held);
        if there.owner != *owner || of.is_some_and(|of| of != there.version) {
            held.attempts.entry(*id).or_default().take_back();
            return Ok(());
        }
        held.put(owner, id, there.prompt, vector.as_ref());
        Ok(())
    }

    async fn begin(&self, id: &ImageId) -> PortResult<u32> {
        let Some(there) = self.metadata.prompts().remove(id) else { return Ok(0) };
        let mut held = lock(&self.held);
        if !held.is_pending(id, &there.prompt) {
            return Ok(0);
        }
        let attempts = held.attempts.entry(*id).or_default();
        *attempts = Attempts { count: attempts.count + 1, in_progress: true };
        Ok(attempts.count)
    }

    async fn end(&self, id: &ImageId) -> PortResult<()> {
        lock(&self.held).attempts.entry(*id).or_default().in_progress = false;
        Ok(())
    }

    async fn take_back(&self, id: &ImageId) -> PortResult<()> {
        lock(&self.held).attempts.entry(*id).or_default().take_back();
        Ok(())
    }

    async fn take_all_back(&self) -> PortResult<()> {
        lock(&self.held).attempts.values_mut().for_each(Attempts::take_back);
        Ok(())
    }

    async fn give_up(&self, owner: &OwnerId, id: &ImageId, reason: &str) -> PortResult<()> {
        let there = self.metadata.prompts().remove(id).filter(|there| there.owner == *owner);
        let Some(there) = there else { return Ok(()) };
        let mut held = lock(&self.held);
        held.put(owner, id, there.prompt, None);
        held.given_up.insert(*id, reason.to_owned());
        Ok(())
    }

    async fn given_up(&self, owner: &OwnerId, id: &ImageId) -> PortResult<Option<String>> {
        let there = self.metadata.prompts().remove(id).filter(|there| there.owner == *owner);
        Ok(there.and_then(|_| lock(&self.held).given_up.get(id).cloned()))
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
