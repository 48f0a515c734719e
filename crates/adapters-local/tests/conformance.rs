//! Every port of this adapter keeps its contract: the testkit's suites.

mod support;

use async_trait::async_trait;
use std::{
    path::Path,
    process::ExitCode,
    sync::{Arc, Mutex},
    time::Duration,
};
use support::{Machine, ManualClock, blob_path};
use tempfile::TempDir;
use tintype_core::{
    domain::{BlobId, Clock, Job, JobId, Space, Timestamp},
    ports::{
        CollectionRepo, ImageStore, Integrity, JobRepo, LinkSigner, MetadataRepo, Models, Ports, VectorIndex,
    },
};
use tintype_local::{
    DataFolder, Database, FileImageStore, FileVariantCache, LookEmbedder, OpenError, PathLinkSigner,
    SqliteCollectionRepo, SqliteIntegrity, SqliteJobRepo, SqliteMetadataRepo, SqliteVectorIndex, VectorKind,
    WorkflowSettings,
};
use tintype_testkit::{
    CorruptibleStore, Fresh, IntegrityFixture, Suites, VariantFixture, VectorFixture, WorkflowFixture,
    samples,
};

fn main() -> ExitCode {
    Suites::new("local")
        .image_store(|| async {
            let (store, folder) = open_store();
            Fresh::new(Arc::new(store) as Arc<dyn ImageStore>).keeping(folder)
        })
        .corruptible_image_store(|| async {
            let (store, folder) = open_store();
            let path = folder.path().to_owned();
            let corrupt = Box::new(move |id: BlobId| {
                let file = blob_path(&path, &id);
                Box::pin(async move { std::fs::write(file, "not what was put there").expect("write") }) as _
            });
            Fresh::new(CorruptibleStore { store: Arc::new(store), corrupt }).keeping(folder)
        })
        .embedder(|| async { Fresh::new(Arc::new(LookEmbedder::default())) })
        .integrity(|| async {
            let (database, folder) = open_database();
            let path = folder.path().to_owned();
            let empty_the_records = Box::new(move || {
                let path = path.clone();
                Box::pin(async move { start_without_database(&path).await }) as _
            });
            let integrity = Arc::new(SqliteIntegrity::new(database));
            Fresh::new(IntegrityFixture { integrity, empty_the_records }).keeping(folder)
        })
        .job_repo(|| async {
            let (database, folder) = open_database();
            Fresh::new(Arc::new(SqliteJobRepo::new(database)) as Arc<dyn JobRepo>).keeping(folder)
        })
        .collection_repo(|| async {
            let (database, folder) = open_database();
            Fresh::new(Arc::new(SqliteCollectionRepo::new(database)) as Arc<dyn CollectionRepo>)
                .keeping(folder)
        })
        .metadata_repo(|| async {
            let (database, folder) = open_database();
            Fresh::new(Arc::new(SqliteMetadataRepo::new(database)) as Arc<dyn MetadataRepo>).keeping(folder)
        })
        .link_signer(|| async { Fresh::new(Arc::new(PathLinkSigner) as Arc<dyn LinkSigner>) })
        .variant_cache(|| async {
            let (store, folder) = open_store();
            let cache = FileVariantCache::open(&store, VariantFixture::SIZE as u64).expect("open the cache");
            Fresh::new(VariantFixture { cache: Arc::new(cache), images: Arc::new(store) }).keeping(folder)
        })
        .vector_index(|| async {
            let (database, folder) = open_database();
            let metadata = Arc::new(SqliteMetadataRepo::new(database.clone()));
            // Another index of the same database, whose vectors are others and stay out of its way.
            let other = SqliteVectorIndex::new(database.clone(), VectorKind::Meaning);
            other.use_space(&Space { name: "other".to_owned(), dimensions: 2 }).await.expect("use_space");
            let vectors = Arc::new(SqliteVectorIndex::new(database, VectorKind::Look));
            Fresh::new(VectorFixture { vectors, metadata }).keeping(folder)
        })
        .workflow(|models| async { Fresh::new(Box::new(Stage::open(models)) as Box<dyn WorkflowFixture>) })
        .run()
}

/// A start on the blobs and the mark of the library in `path`, as if its database had been lost.
async fn start_without_database(path: &Path) -> Option<Arc<dyn Integrity>> {
    let folder = DataFolder::open(&path.join("again")).expect("open the folder");
    let store = FileImageStore::open(&folder).expect("open the store");
    store.put(&samples::blob(1), samples::START).await.expect("put");
    let mark = Path::new("blobs").join("LIBRARY");
    std::fs::copy(path.join(&mark), folder.path().join(&mark)).expect("the library has a mark");
    match Database::open(&folder) {
        Ok(database) => Some(Arc::new(SqliteIntegrity::new(database))),
        Err(error) => {
            assert!(matches!(error, OpenError::LostDatabase { .. }), "{error}");
            None
        }
    }
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn open_store() -> (FileImageStore, TempDir) {
    let temporary = temporary();
    let folder = DataFolder::open(temporary.path()).expect("open the folder");
    (FileImageStore::open(&folder).expect("open the store"), temporary)
}

fn open_database() -> (Database, TempDir) {
    let temporary = temporary();
    let folder = DataFolder::open(temporary.path()).expect("open the folder");
    (Database::open(&folder).expect("open the database"), temporary)
}

struct Stage {
    machine: Mutex<Option<Machine>>,
    models: Models,
    clock: ManualClock,
    folder: TempDir,
}

impl Stage {
    fn open(models: Models) -> Self {
        let (folder, clock) = (temporary(), ManualClock::default());
        let machine = Machine::open(folder.path(), models.clone(), settings(), Arc::new(clock.clone()));
        Self { machine: Mutex::new(Some(machine)), models, clock, folder }
    }

    fn machine(&self) -> Machine {
        self.machine.lock().expect("no panic").clone().expect("it is open")
    }
}

fn settings() -> WorkflowSettings {
    WorkflowSettings::default()
}

#[async_trait]
impl WorkflowFixture for Stage {
    fn ports(&self) -> Ports {
        self.machine().ports
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn pass(&self, time: Duration) {
        self.clock.pass(time);
    }

    async fn run_next(&self) -> Option<JobId> {
        let machine = self.machine();
        machine.workflow.run_next(&machine.ports).await.expect("run_next")
    }

    async fn die_after_begin(&self) -> Option<Job> {
        let machine = self.machine();
        let id = machine.workflow.abandon_next().await.expect("claim")?;
        Some(machine.ports.jobs.begin(&id, self.now()).await.expect("begin"))
    }

    fn lease(&self) -> Duration {
        settings().lease
    }

    async fn restart(&self) {
        // The old machine lets go of the folder before the new one takes it.
        drop(self.machine.lock().expect("no panic").take());
        let clock = Arc::new(self.clock.clone());
        let machine = Machine::open(self.folder.path(), self.models.clone(), settings(), clock);
        *self.machine.lock().expect("no panic") = Some(machine);
    }
}
