//! Every port of this crate, put together.

use crate::{
    ChannelNotifier, ManualClock, MemoryCollections, MemoryConnections, MemoryImages, MemoryIntegrity,
    MemoryJobs, MemoryLinks, MemoryMetadata, MemoryWorkflow, ScriptedModel,
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tintype_core::{
    PortResult,
    domain::{BlobId, Entropy, JobId},
    ports::{Models, Ports},
};

/// A whole deployment in memory, with a hand on each part of it.
#[derive(Debug)]
pub struct Memory {
    /// The clock that [`run_next`](Self::run_next) goes by.
    pub clock: ManualClock,
    /// The default model, unless others were given with [`with_models`](Self::with_models).
    pub model: Arc<ScriptedModel>,
    /// Pictures' bytes.
    pub images: Arc<MemoryImages>,
    /// Saved images.
    pub metadata: Arc<MemoryMetadata>,
    /// Collections of saved images.
    pub collections: Arc<MemoryCollections>,
    /// Jobs.
    pub jobs: Arc<MemoryJobs>,
    /// Who listens to what.
    pub connections: Arc<MemoryConnections>,
    /// The integrity of the records.
    pub integrity: Arc<MemoryIntegrity>,
    /// The way to the clients.
    pub notifier: Arc<ChannelNotifier>,
    /// The line of jobs.
    pub workflow: Arc<MemoryWorkflow>,
    models: Models,
    drawn: AtomicU64,
}

impl Memory {
    /// An empty deployment with a [`ScriptedModel`].
    pub fn new() -> Self {
        let model = Arc::new(ScriptedModel::default());
        Self {
            clock: ManualClock::default(),
            models: Models::new(model.clone()),
            model,
            images: Arc::default(),
            metadata: Arc::default(),
            collections: Arc::default(),
            jobs: Arc::default(),
            connections: Arc::default(),
            integrity: Arc::default(),
            notifier: Arc::default(),
            workflow: Arc::default(),
            drawn: AtomicU64::new(0),
        }
    }

    /// Uses these models instead of its own.
    #[must_use]
    pub fn with_models(mut self, models: Models) -> Self {
        self.models = models;
        self
    }

    /// The ports; each call gives the same.
    pub fn ports(&self) -> Ports {
        Ports {
            models: self.models.clone(),
            images: self.images.clone(),
            metadata: self.metadata.clone(),
            collections: self.collections.clone(),
            jobs: self.jobs.clone(),
            connections: self.connections.clone(),
            notifier: self.notifier.clone(),
            workflow: self.workflow.clone(),
            integrity: self.integrity.clone(),
            links: Arc::new(MemoryLinks),
            signer: None,
        }
    }

    /// Bytes that no other call gives; the first call of each deployment gives the same.
    pub fn entropy(&self) -> Entropy {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed);
        Entropy(*BlobId::of(&number.to_be_bytes()).as_bytes())
    }

    /// See [`MemoryWorkflow::run_next`].
    ///
    /// # Errors
    /// As there.
    pub async fn run_next(&self) -> PortResult<Option<JobId>> {
        self.workflow.run_next(&self.ports(), &self.clock).await
    }

    /// Runs jobs until none may run now, and returns how many attempts that were.
    ///
    /// # Errors
    /// As [`run_next`](Self::run_next).
    pub async fn run_all(&self) -> PortResult<u32> {
        let mut attempts = 0;
        while self.run_next().await?.is_some() {
            attempts += 1;
        }
        Ok(attempts)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}
