//! A deployment whose functions can be killed: the stores of AWS or those in memory, a model and clients in memory.

use crate::{
    state_machine::Executions,
    support::{Emulator, meter::Meter},
};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tintype_aws::{DynamoConnectionRegistry, DynamoJobRepo, DynamoMetadataRepo, S3ImageStore};
use tintype_core::{
    domain::{
        BlobId, Clock, CursorCodec, Entropy, GenerateInput, ImageEdit, Job, JobId, OwnerId, SavedImage,
        Timestamp,
    },
    ports::Ports,
    use_cases::{self, ImageListing, Save, SaveFrom, Sources, Submit, find_job, save_image, submit},
};
use tintype_lambda::websocket::{self, Event};
use tintype_memory::{Inbox, Memory};
use tintype_testkit::{
    faults::{FaultPlan, wrap},
    samples::alice,
};

/// Where pictures, records and connections are kept.
#[derive(Clone, Debug)]
pub(crate) enum Stores {
    /// In memory.
    Memory,
    /// On an emulator of AWS, in tables and a bucket of this world's own.
    Emulated(Emulator),
}

/// One deployment with one client, Alice.
pub(crate) struct World {
    pub(crate) memory: Memory,
    pub(crate) plan: FaultPlan,
    pub(crate) executions: Arc<Executions>,
    /// How often a function was called, or a call of one repeated.
    pub(crate) invocations: AtomicU64,
    /// What was asked of the tables and the bucket.
    pub(crate) meter: Meter,
    ports: Ports,
    drawn: AtomicU64,
}

impl World {
    /// A deployment whose calls go through `plan`, with the model in `memory`.
    pub(crate) async fn new(stores: &Stores, plan: FaultPlan, memory: Memory) -> Self {
        let (executions, meter) = (Arc::<Executions>::default(), Meter::default());
        let ports = Ports { workflow: executions.clone(), ..memory.ports() };
        let ports = match stores {
            Stores::Memory => ports,
            Stores::Emulated(emulator) => on_aws(emulator, &meter, ports).await,
        };
        let (invocations, drawn) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { memory, ports: wrap(ports, &plan), plan, executions, invocations, meter, drawn }
    }

    pub(crate) const fn ports(&self) -> &Ports {
        &self.ports
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.memory.clock.now()
    }

    pub(crate) fn entropy(&self) -> Entropy {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed);
        Entropy(*BlobId::of(&number.to_be_bytes()).as_bytes())
    }

    /// Calls a function, and calls it again when it was killed: as clients do, and Step Functions, and the schedule.
    pub(crate) async fn call<T>(&self, function: impl AsyncFn() -> T) -> T {
        loop {
            self.invocations.fetch_add(1, Ordering::Relaxed);
            tokio::select! {
                done = function() => return done,
                () = self.plan.hung() => {}
            }
        }
    }

    /// Asks for a picture, with one key however often.
    pub(crate) async fn generate(&self) -> Job {
        let submitted = self.call(async || {
            let input = GenerateInput { prompt: Some("red heart".to_owned()), ..GenerateInput::default() };
            let key = Some("one-of-a-kind".parse().unwrap());
            let command = Submit { owner: alice(), input, sources: Sources::default(), key };
            submit(&self.ports, command, self.now(), &self.entropy()).await
        });
        submitted.await.unwrap().job
    }

    /// Opens a socket that hears of `job` from the start.
    pub(crate) async fn listen(&self, job: &JobId) -> Inbox {
        let connect = async || {
            let inbox = self.memory.notifier.connect();
            let authorizer = json!({ "owner": alice().as_str() });
            let context =
                json!({ "eventType": "CONNECT", "connectionId": inbox.id(), "authorizer": authorizer });
            self.event(&json!({ "requestContext": context })).await;
            inbox
        };
        let inbox = self.call(connect).await;
        let body = json!({ "action": "subscribe", "job_id": job, "after": 0 }).to_string();
        let context = json!({ "eventType": "MESSAGE", "connectionId": inbox.id() });
        let message = json!({ "requestContext": context, "body": body });
        self.call(async || self.event(&message).await).await;
        inbox
    }

    /// Closes the socket.
    pub(crate) async fn close(&self, inbox: &Inbox) {
        let context = json!({ "eventType": "DISCONNECT", "connectionId": inbox.id() });
        self.call(async || self.event(&json!({ "requestContext": context })).await).await;
    }

    async fn event(&self, event: &serde_json::Value) {
        let event: Event = serde_json::from_value(event.clone()).unwrap();
        websocket::handle(&self.ports, &event, self.now()).await.unwrap();
    }

    /// Keeps the first picture of `job`.
    pub(crate) async fn save(&self, job: &JobId) -> SavedImage {
        let saved = self.call(async || {
            let from = SaveFrom::Job { id: *job, index: 0 };
            let save = Save { owner: alice(), from, edit: ImageEdit::default() };
            save_image(&self.ports, save, self.now(), &self.entropy()).await
        });
        saved.await.unwrap().image
    }

    pub(crate) async fn job(&self, id: &JobId) -> Job {
        find_job(&self.ports, &alice(), id, self.now()).await.unwrap().0
    }

    /// Everything in Alice's library.
    pub(crate) async fn library(&self) -> Vec<SavedImage> {
        let (codec, listing) = (CursorCodec::new([7; 32]), ImageListing::default());
        let owner: OwnerId = alice();
        use_cases::list_images(&self.ports, &codec, &owner, &listing, self.now()).await.unwrap().items
    }
}

async fn on_aws(emulator: &Emulator, meter: &Meter, ports: Ports) -> Ports {
    let ((client, jobs), (_, images), (_, connections)) =
        tokio::join!(emulator.table(), emulator.table(), emulator.table());
    let dynamodb = meter.fitted_to(&client);
    let (s3, bucket) = emulator.bucket().await;
    Ports {
        images: Arc::new(S3ImageStore::new(meter.fitted_to_s3(&s3), bucket)),
        metadata: Arc::new(DynamoMetadataRepo::new(dynamodb.clone(), images)),
        jobs: Arc::new(DynamoJobRepo::new(dynamodb.clone(), jobs)),
        connections: Arc::new(DynamoConnectionRegistry::new(dynamodb, connections)),
        ..ports
    }
}
