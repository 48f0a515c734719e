//! A deployment whose functions can be killed: the stores of AWS or those in memory, a model and clients in memory.

use crate::{
    state_machine::Executions,
    support::{Emulator, meter::Meter},
    wire::{OUTPUT_FOLDER, Wire},
};
use aws_sdk_s3::primitives::ByteStream;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tintype_aws::{
    AsyncClients, AsyncInference, AsyncSettings, DynamoCollectionRepo, DynamoConnectionRegistry,
    DynamoJobRepo, DynamoMetadataRepo, S3ImageStore, SageMakerSettings,
};
use tintype_core::{
    domain::{
        BlobId, Clock, CursorCodec, Entropy, GenerateInput, ImageEdit, Job, JobId, OutputFormat, OwnerId,
        SavedImage, Timestamp,
    },
    imaging,
    ports::{Models, Ports},
    use_cases::{
        self, ImageListing, Save, SaveFrom, Sources, Submit, find_job, find_picture, save_image, submit,
    },
};
use tintype_lambda::{
    async_result::Notices,
    websocket::{self, Event},
};
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
    /// On an emulator of AWS, in tables and a bucket of this world's own, reached over this wire.
    Emulated(Emulator, Wire),
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
    /// How the stores are reached.
    pub(crate) wire: Wire,
    ports: Ports,
    later: Option<Arc<AsyncInference>>,
    s3: Option<(aws_sdk_s3::Client, String)>,
    drawn: AtomicU64,
}

impl World {
    /// A deployment whose calls go through `plan`, with the model in `memory`.
    pub(crate) async fn new(stores: &Stores, plan: FaultPlan, memory: Memory) -> Self {
        let (executions, meter) = (Arc::<Executions>::default(), Meter::default());
        let ports = Ports { workflow: executions.clone(), ..memory.ports() };
        let mut world = Self {
            memory,
            plan,
            executions,
            invocations: AtomicU64::new(0),
            meter,
            wire: Wire::new(None),
            ports,
            later: None,
            s3: None,
            drawn: AtomicU64::new(0),
        };
        if let Stores::Emulated(emulator, wire) = stores {
            world.move_to(emulator, wire).await;
        }
        world.ports = wrap(world.ports, &world.plan);
        world
    }

    /// Keeps everything on AWS instead.
    async fn move_to(&mut self, emulator: &Emulator, wire: &Wire) {
        self.wire = wire.clone();
        let ((client, jobs), (_, images), (_, connections)) =
            tokio::join!(emulator.table(), emulator.table(), emulator.table());
        let counted = client.config().to_builder().http_client(wire.to_emulator());
        let dynamodb = self.meter.fitted_to(&aws_sdk_dynamodb::Client::from_conf(counted.build()));
        let (s3, bucket) = emulator.bucket().await;
        let counted = s3.config().to_builder().http_client(wire.to_emulator());
        let counted = self.meter.fitted_to_s3(&aws_sdk_s3::Client::from_conf(counted.build()));
        let later = later(emulator, wire, (&counted, &bucket), (&dynamodb, &jobs)).await;
        self.later = Some(Arc::new(later));
        self.ports.images = Arc::new(S3ImageStore::new(counted, bucket.clone()));
        self.ports.collections = Arc::new(DynamoCollectionRepo::new(dynamodb.clone(), images.clone()));
        self.ports.metadata = Arc::new(DynamoMetadataRepo::new(dynamodb.clone(), images));
        self.ports.jobs = Arc::new(DynamoJobRepo::new(dynamodb.clone(), jobs));
        self.ports.connections = Arc::new(DynamoConnectionRegistry::new(dynamodb, connections));
        self.s3 = Some((s3, bucket));
    }

    /// Uses the endpoint that answers later.
    pub(crate) fn use_later(&mut self) {
        self.ports.models = Models::new(self.later().clone());
    }

    /// The endpoint that answers later, of a world on AWS.
    pub(crate) const fn later(&self) -> &Arc<AsyncInference> {
        self.later.as_ref().expect("a world on AWS")
    }

    /// Has the endpoint answer what it was asked for: the notices of that.
    pub(crate) async fn answer(&self) -> Vec<Notices> {
        let (s3, bucket) = self.s3.as_ref().expect("a world on AWS");
        let mut notices = Vec::new();
        for input in self.wire.take_asked() {
            let name = input.rsplit('/').next().unwrap().strip_suffix(".json").unwrap().to_owned();
            let key = format!("{OUTPUT_FOLDER}/{name}.out");
            let put = s3.put_object().bucket(bucket).key(&key).body(ByteStream::from(drawn()));
            put.send().await.unwrap();
            notices.push(notice(&input, &name, &format!("s3://{bucket}/{key}")));
        }
        notices
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
                () = self.wire.hung() => {}
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
            let draft = find_picture(&self.ports, &alice(), from, self.now()).await?;
            let save = Save { owner: alice(), draft, edit: ImageEdit::default() };
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

async fn later(
    emulator: &Emulator,
    wire: &Wire,
    (s3, bucket): (&aws_sdk_s3::Client, &str),
    (dynamodb, jobs_table): (&aws_sdk_dynamodb::Client, &str),
) -> AsyncInference {
    let config = emulator.config().await.into_builder().http_client(wire.to_stand_in()).build();
    let clients = AsyncClients {
        sagemaker: aws_sdk_sagemakerruntime::Client::new(&config),
        sfn: aws_sdk_sfn::Client::new(&config),
        s3: s3.clone(),
        dynamodb: dynamodb.clone(),
    };
    let model = SageMakerSettings::stable_diffusion("pictures", "sd".parse().unwrap());
    let settings = AsyncSettings { model, bucket: bucket.to_owned(), jobs_table: jobs_table.to_owned() };
    AsyncInference::new(clients, settings)
}

/// The endpoint's answer: a red picture.
fn drawn() -> Vec<u8> {
    let red = [200, 0, 0].repeat(64 * 64);
    let picture = imaging::encode_rgb(64, 64, red, OutputFormat::Png).unwrap();
    let image = STANDARD.encode(picture.blob.bytes());
    json!({ "generated_images": [image] }).to_string().into_bytes()
}

/// As SageMaker and SNS write it. `name` is the attempt's, of which all but the number at its end is the job's id.
fn notice(input: &str, name: &str, output: &str) -> Notices {
    let (job_id, _) = name.rsplit_once('-').unwrap();
    let message = json!({
        "invocationStatus": "Completed",
        "inferenceId": job_id,
        "requestParameters": { "inputLocation": input },
        "responseParameters": { "outputLocation": output },
    });
    let records = json!({ "Records": [{ "Sns": { "Message": message.to_string() } }] });
    serde_json::from_value(records).unwrap()
}
