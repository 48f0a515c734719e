//! Tintype's one-machine adapters around a model that gives the same picture at once.

use crate::Outcome;
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use std::sync::Arc;
use tempfile::TempDir;
use tintype_core::PortResult;
use tintype_core::domain::{
    Clock, Entropy, FloatRange, GenerateInput, GenerationRequest, IntRange, ModelCard, OutputFormat, OwnerId,
};
use tintype_core::imaging::{Picture, encode_rgb};
use tintype_core::ports::{Drawn, DrawnImage, Generated, ImageModel, Models, Ports, SourceBytes};
use tintype_core::use_cases::{Sources, Submit, submit};
use tintype_local::{
    DataFolder, Database, FileImageStore, LocalWorkflow, PathLinkSigner, SqliteCollectionRepo,
    SqliteIntegrity, SqliteJobRepo, SqliteMetadataRepo, SystemClock, WorkflowSettings,
};
use tintype_memory::{ChannelNotifier, MemoryConnections};

/// A service on a folder of its own.
#[derive(Debug)]
pub(super) struct Bench {
    ports: Ports,
    workflow: LocalWorkflow,
    _folder: TempDir,
}

impl Bench {
    pub(super) fn new() -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let data = DataFolder::open(folder.path())?;
        let database = Database::open(&data)?;
        let workflow =
            LocalWorkflow::new(database.clone(), WorkflowSettings::default(), Arc::new(SystemClock));
        let ports = Ports {
            models: Models::new(Arc::new(Noop::new()?)),
            images: Arc::new(FileImageStore::open(&data)?),
            metadata: Arc::new(SqliteMetadataRepo::new(database.clone())),
            collections: Arc::new(SqliteCollectionRepo::new(database.clone())),
            integrity: Arc::new(SqliteIntegrity::new(database.clone())),
            jobs: Arc::new(SqliteJobRepo::new(database)),
            connections: Arc::new(MemoryConnections::default()),
            notifier: Arc::new(ChannelNotifier::default()),
            workflow: Arc::new(workflow.clone()),
            links: Arc::new(PathLinkSigner),
            signer: None,
        };
        Ok(Self { ports, workflow, _folder: folder })
    }

    /// One job, from its submission to its recorded end.
    pub(super) async fn job(&self) -> Outcome {
        let input = GenerateInput { prompt: Some("red heart".to_owned()), ..GenerateInput::default() };
        let wish = Submit { owner: OwnerId::local(), input, sources: Sources::default(), key: None };
        let mut random = [0; 32];
        #[expect(clippy::disallowed_methods, reason = "a benchmark is an entry")]
        getrandom::fill(&mut random)?;
        let job = submit(&self.ports, wish, SystemClock.now(), &Entropy(random)).await?.job;
        match self.workflow.run_next(&self.ports).await? {
            Some(id) if id == job.id => Ok(()),
            other => Err(format!("the job was not run, but {other:?}").into()),
        }
    }
}

#[derive(Debug)]
struct Noop {
    card: ModelCard,
    picture: Picture,
}

impl Noop {
    fn new() -> Outcome<Self> {
        let picture = encode_rgb(8, 8, vec![200; 8 * 8 * 3], OutputFormat::Png)?;
        let card = ModelCard {
            name: "noop".parse()?,
            title: "Noop".to_owned(),
            description: "Gives the same picture at once.".to_owned(),
            width: IntRange::only(8),
            height: IntRange::only(8),
            steps: IntRange::only(1),
            guidance_scale: FloatRange { min: 0.0, max: 1.0, default: 1.0 },
            count: IntRange::only(1),
            schedulers: vec!["none".to_owned()],
            output_formats: vec![OutputFormat::Png],
            negative_prompt: false,
            init_image: false,
            mask_image: false,
            progress: false,
            previews: false,
            generative: false,
            vocabulary: None,
            license: "none".to_owned(),
        };
        Ok(Self { card, picture })
    }
}

#[async_trait]
impl ImageModel for Noop {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    async fn generate(&self, request: &GenerationRequest, _: Option<SourceBytes>) -> PortResult<Drawn> {
        let Picture { blob, width, height } = self.picture.clone();
        let image = DrawnImage { index: 0, picture: blob, width, height, seed: request.seed };
        Ok(stream::iter([Ok(Generated::Image(image))]).boxed())
    }
}
