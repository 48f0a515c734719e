//! The composition root: which adapter stands behind each port. A new adapter is a name in `settings::choices` and an
//! arm here.

use crate::content_credentials;
use crate::failure::{Exit, Failure, Outcome};
use crate::noop_model::NoopModel;
use crate::settings::{ConnectionsPort, ImagesPort, JobsPort, MetadataPort, ModelChoice, Settings};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use tintype_core::domain::limits;
use tintype_core::ports::{
    CollectionRepo, ConnectionRegistry, CredentialRepo, ImageModel, ImageStore, JobRepo, MetadataRepo,
    Models, Notifier, Ports, VariantCache, Workflow,
};
use tintype_core::use_cases::{Alike, Meaning};
use tintype_diffusion::{DiffusionModel, EngineError, Settings as EngineSettings};
use tintype_local::{
    DataFolder, Database, FileImageStore, FileVariantCache, LocalWorkflow, LookEmbedder, OpenError,
    PathLinkSigner, SqliteCollectionRepo, SqliteIntegrity, SqliteJobRepo, SqliteMetadataRepo,
    SqliteVectorIndex, SteadyClock, VectorKind, WorkflowSettings,
};
use tintype_memory::{
    Memory, MemoryCollections, MemoryConnections, MemoryCredentials, MemoryImages, MemoryIntegrity,
    MemoryJobs, MemoryLinks, MemoryMetadata,
};
use tintype_word_vectors::WordVectors;

/// What a server runs on.
#[derive(Debug)]
pub(crate) struct Server {
    /// The ports.
    pub(crate) ports: Ports,
    /// The tickets of connections. Keys stand in the configuration.
    pub(crate) credentials: Arc<dyn CredentialRepo>,
    /// Pictures in other sizes and encodings.
    pub(crate) variants: Arc<dyn VariantCache>,
    /// What finds pictures that look alike.
    pub(crate) alike: Alike,
    /// What finds pictures by what their prompts mean.
    pub(crate) meaning: Meaning,
    /// What carries jobs through; it is to be run.
    pub(crate) workflow: LocalWorkflow,
    /// What the stores are in.
    pub(crate) database: Database,
    /// The data folder, locked for as long as this lives.
    pub(crate) folder: Arc<DataFolder>,
    /// What its upkeep works on.
    pub(crate) upkeep: Upkeep,
}

/// What the upkeep of a server works on.
#[derive(Clone, Debug)]
pub(crate) struct Upkeep {
    /// The database.
    pub(crate) database: Database,
    /// The integrity of its records.
    pub(crate) integrity: Arc<SqliteIntegrity>,
    /// The time.
    pub(crate) clock: SteadyClock,
}

/// The ports of a server whose clients hear by `notifier`, and which does this many pieces of work on blobs at a time.
///
/// # Errors
/// If the data folder is in use or can't be opened, or a model is not there.
pub(crate) fn server(
    settings: &Settings,
    blob_work: NonZeroUsize,
    notifier: Arc<dyn Notifier>,
) -> Outcome<Server> {
    let stores = Stores::open(settings, blob_work)?;
    let work = WorkflowSettings { workers: settings.workers, ..WorkflowSettings::default() };
    let clock = SteadyClock::default();
    let workflow = LocalWorkflow::new(stores.database.clone(), work, Arc::new(clock.clone()));
    let upkeep = Upkeep { database: stores.database.clone(), integrity: stores.integrity.clone(), clock };
    let (folder, variants) = (stores.folder.clone(), stores.variants.clone());
    let database = stores.database.clone();
    let vectors = |kind| Arc::new(SqliteVectorIndex::new(stores.database.clone(), kind));
    let alike =
        Alike { embedder: Arc::new(LookEmbedder::new(settings.images)), vectors: vectors(VectorKind::Look) };
    let meaning = Meaning { embedder: Arc::new(WordVectors), vectors: vectors(VectorKind::Meaning) };
    let ports = stores.ports(settings, notifier, Arc::new(workflow.clone()))?;
    let credentials = Arc::<MemoryCredentials>::default();
    Ok(Server { ports, credentials, variants, alike, meaning, workflow, database, folder, upkeep })
}

/// The ports of a single job on the data folder, run by its submitter.
///
/// # Errors
/// As [`server`].
pub(crate) fn ports_for_one(
    settings: &Settings,
    notifier: Arc<dyn Notifier>,
    workflow: Arc<dyn Workflow>,
) -> Outcome<Ports> {
    Stores::open(settings, BLOB_WORK_OF_ONE)?.ports(settings, notifier, workflow)
}

/// The ports of the library in the data folder, without models: nothing is generated.
///
/// # Errors
/// If the data folder is in use or can't be opened.
pub(crate) fn library(settings: &Settings) -> Outcome<Ports> {
    let stores = Stores::open(settings, BLOB_WORK_OF_ONE)?;
    Ok(Ports {
        models: Models::none(),
        images: stores.images,
        metadata: stores.metadata,
        collections: stores.collections,
        jobs: stores.jobs,
        integrity: stores.integrity,
        ..Memory::new().ports()
    })
}

/// The ports of a single job that leaves nothing behind.
///
/// # Errors
/// If a model is not there.
pub(crate) fn ports_in_memory(
    settings: &Settings,
    notifier: Arc<dyn Notifier>,
    workflow: Arc<dyn Workflow>,
) -> Outcome<Ports> {
    Ok(Ports {
        models: models(settings)?,
        images: Arc::<MemoryImages>::default(),
        metadata: Arc::<MemoryMetadata>::default(),
        collections: Arc::<MemoryCollections>::default(),
        jobs: Arc::<MemoryJobs>::default(),
        connections: Arc::<MemoryConnections>::default(),
        notifier,
        workflow,
        integrity: Arc::<MemoryIntegrity>::default(),
        links: Arc::new(MemoryLinks),
        signer: content_credentials::signer_if_there(&settings.signing, &settings.data)?,
    })
}

/// How many pieces of work on blobs a single job does at a time.
const BLOB_WORK_OF_ONE: NonZeroUsize = NonZeroUsize::MIN;

/// What outlives the process.
struct Stores {
    folder: Arc<DataFolder>,
    database: Database,
    images: Arc<dyn ImageStore>,
    variants: Arc<dyn VariantCache>,
    metadata: Arc<dyn MetadataRepo>,
    collections: Arc<dyn CollectionRepo>,
    jobs: Arc<dyn JobRepo>,
    integrity: Arc<SqliteIntegrity>,
}

impl Stores {
    fn open(settings: &Settings, blob_work: NonZeroUsize) -> Outcome<Self> {
        let folder =
            DataFolder::open_with(&settings.data, settings.space).map_err(|error| cant_open(&error))?;
        let database = Database::open(&folder).map_err(|error| cant_open(&error))?;
        let images = match settings.ports.images {
            ImagesPort::Files => FileImageStore::open(&folder)
                .map_err(|error| cant_open(&error))?
                .with_files_at_once(blob_work.get()),
        };
        let variants = FileVariantCache::open(&images, limits::VARIANTS_BYTES);
        let variants = variants.map_err(|error| cant_open(&error))?;
        let (metadata, collections) = match settings.ports.metadata {
            MetadataPort::Sqlite => {
                (SqliteMetadataRepo::new(database.clone()), SqliteCollectionRepo::new(database.clone()))
            }
        };
        let jobs = match settings.ports.jobs {
            JobsPort::Sqlite => SqliteJobRepo::new(database.clone()),
        };
        Ok(Self {
            images: Arc::new(images),
            variants: Arc::new(variants),
            metadata: Arc::new(metadata),
            collections: Arc::new(collections),
            jobs: Arc::new(jobs),
            integrity: Arc::new(SqliteIntegrity::new(database.clone())),
            folder,
            database,
        })
    }

    fn ports(
        self,
        settings: &Settings,
        notifier: Arc<dyn Notifier>,
        workflow: Arc<dyn Workflow>,
    ) -> Outcome<Ports> {
        let connections: Arc<dyn ConnectionRegistry> = match settings.ports.connections {
            ConnectionsPort::Memory => Arc::<MemoryConnections>::default(),
        };
        Ok(Ports {
            models: models(settings)?,
            images: self.images,
            metadata: self.metadata,
            collections: self.collections,
            jobs: self.jobs,
            connections,
            notifier,
            workflow,
            integrity: self.integrity,
            links: Arc::new(PathLinkSigner),
            signer: content_credentials::signer(&settings.signing, self.folder.path())?,
        })
    }
}

fn cant_open(error: &OpenError) -> Failure {
    let exit = if matches!(error, OpenError::NoSpace { .. }) { Exit::NoSpace } else { Exit::Failed };
    let failure = Failure::new(exit, error.to_string());
    match std::error::Error::source(error) {
        Some(cause) => failure.hint(format!("because: {cause}")),
        None => failure,
    }
}

/// The models that the settings name, the first as the default. Their weights load with their first picture.
///
/// # Errors
/// If a model's folder holds none that can be drawn with.
fn models(settings: &Settings) -> Outcome<Models> {
    let mut choices = settings.models.iter();
    let Some(default) = choices.next() else {
        return Err(Failure::usage("no model is named; leave out --model for the one inside this command"));
    };
    choices.try_fold(Models::new(model(default, settings)?), |models, choice| {
        Ok(models.with(model(choice, settings)?))
    })
}

fn model(choice: &ModelChoice, settings: &Settings) -> Outcome<Arc<dyn ImageModel>> {
    // The engine's own workers: none at all would make it wait for ever.
    let workers = NonZeroUsize::new(settings.workers).unwrap_or(NonZeroUsize::MIN);
    match choice {
        ModelChoice::Noop => Ok(Arc::new(NoopModel::new()?)),
        ModelChoice::Embedded => {
            let engine = EngineSettings { workers, ..EngineSettings::small() };
            Ok(Arc::new(DiffusionModel::embedded(engine).map_err(|error| engine_failed(&error))?))
        }
        ModelChoice::Folder(path) => {
            let model = DiffusionModel::from_folder(path, EngineSettings::large());
            Ok(Arc::new(model.map_err(|error| bad_folder(path, &error))?))
        }
    }
}

fn engine_failed(error: &EngineError) -> Failure {
    Failure::failed(error.to_string())
}

fn bad_folder(path: &Path, error: &EngineError) -> Failure {
    Failure::new(Exit::Usage, format!("the model in {}: {error}", path.display()))
        .hint("leave out --model for the one inside this command")
}
