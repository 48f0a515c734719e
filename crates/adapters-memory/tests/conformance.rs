//! Every port in memory keeps the contract of its trait.

use async_trait::async_trait;
use futures_util::FutureExt;
use serde_json::Value;
use std::{process::ExitCode, sync::Arc, time::Duration};
use tintype_core::{
    domain::{
        Clock, ConnectionId, GenerateInput, GenerationRequest, Job, JobId, ModelCard, Seed, SourceInput,
        Timestamp,
    },
    ports::{ImageStore, Integrity, Ports},
};
use tintype_memory::{
    ChannelNotifier, Inbox, LEASE, Memory, MemoryCollections, MemoryConnections, MemoryCredentials,
    MemoryImages, MemoryIntegrity, MemoryJobs, MemoryLinks, MemoryMetadata, MemoryVariants, MemoryVectors,
    ScriptedModel,
};
use tintype_testkit::{
    Client, CorruptibleStore, Fresh, IntegrityFixture, ModelFixture, NotifierFixture, Suites, VariantFixture,
    VectorFixture, WorkflowFixture,
};

fn main() -> ExitCode {
    Suites::new("memory")
        .collection_repo(|| async { Fresh::new(Arc::new(MemoryCollections::default())) })
        .connection_registry(|| async { Fresh::new(Arc::new(MemoryConnections::default())) })
        .credential_repo(|| async { Fresh::new(Arc::new(MemoryCredentials::default())) })
        .image_model(|| async { Fresh::new(model()) })
        .image_store(|| async { Fresh::new(Arc::new(MemoryImages::default())) })
        .corruptible_image_store(|| async { Fresh::new(corruptible()) })
        .integrity(|| async { Fresh::new(integrity()) })
        .job_repo(|| async { Fresh::new(Arc::new(MemoryJobs::default())) })
        .link_signer(|| async { Fresh::new(Arc::new(MemoryLinks)) })
        .metadata_repo(|| async { Fresh::new(Arc::new(MemoryMetadata::default())) })
        .variant_cache(|| async { Fresh::new(variants()) })
        .vector_index(|| async { Fresh::new(vectors()) })
        .notifier(|| async { Fresh::new(notifier()) })
        .workflow(|models| async { Fresh::new(Box::new(StepByStep(Memory::new().with_models(models)))) })
        .run()
}

fn corruptible() -> CorruptibleStore {
    let images = Arc::new(MemoryImages::default());
    let store: Arc<dyn ImageStore> = images.clone();
    let corrupt = move |id| {
        images.corrupt(&id);
        std::future::ready(()).boxed()
    };
    CorruptibleStore { store, corrupt: Box::new(corrupt) }
}

/// Records in memory can't be lost apart from their blobs: the fixture says what a store would find.
fn integrity() -> IntegrityFixture {
    let integrity = Arc::new(MemoryIntegrity::default());
    let damaged = integrity.clone();
    let empty_the_records = move || {
        damaged.report("the records are empty");
        let damaged: Arc<dyn Integrity> = damaged.clone();
        std::future::ready(Some(damaged)).boxed()
    };
    IntegrityFixture { integrity, empty_the_records: Box::new(empty_the_records) }
}

fn vectors() -> VectorFixture {
    let metadata = Arc::<MemoryMetadata>::default();
    VectorFixture { vectors: Arc::new(MemoryVectors::new(metadata.clone())), metadata }
}

fn variants() -> VariantFixture {
    let images = Arc::new(MemoryImages::default());
    let cache = MemoryVariants::new(images.clone(), VariantFixture::SIZE);
    VariantFixture { cache: Arc::new(cache), images }
}

fn model() -> ModelFixture {
    let model = ScriptedModel::default().refusing("forbidden");
    ModelFixture {
        request: request("red heart"),
        refused: Some(request("a forbidden thing")),
        repeatable: true,
        model: Arc::new(model),
    }
}

fn request(prompt: &str) -> GenerationRequest {
    let input = GenerateInput { prompt: Some(prompt.to_owned()), ..GenerateInput::default() };
    let card = ModelCard::example();
    GenerationRequest::resolve(&input, SourceInput::default(), &card, Seed(1)).expect("a good request")
}

fn notifier() -> NotifierFixture {
    let notifier = Arc::new(ChannelNotifier::default());
    let connecting = notifier.clone();
    let connect = move || {
        let client: Box<dyn Client> = Box::new(Reader(connecting.connect()));
        std::future::ready(client).boxed()
    };
    NotifierFixture { notifier, connect: Box::new(connect) }
}

struct Reader(Inbox);

#[async_trait]
impl Client for Reader {
    fn id(&self) -> &ConnectionId {
        self.0.id()
    }

    async fn next(&mut self) -> Value {
        let message = self.0.next().await.expect("the notifier is there");
        serde_json::to_value(message).expect("a message is JSON")
    }

    async fn close(self: Box<Self>) {
        drop(self);
    }
}

struct StepByStep(Memory);

#[async_trait]
impl WorkflowFixture for StepByStep {
    fn ports(&self) -> Ports {
        self.0.ports()
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn pass(&self, time: Duration) {
        self.0.clock.pass(time);
    }

    async fn run_next(&self) -> Option<JobId> {
        self.0.run_next().await.expect("run_next")
    }

    async fn die_after_begin(&self) -> Option<Job> {
        let memory = &self.0;
        memory.workflow.die_after_begin(&memory.ports(), &memory.clock).await.expect("die_after_begin")
    }

    fn lease(&self) -> Duration {
        LEASE
    }

    /// The process is the store.
    async fn restart(&self) {}
}
