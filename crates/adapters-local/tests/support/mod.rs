//! A machine for tests: every port over one temporary folder, under a clock that the test moves.

#![allow(dead_code, reason = "no test uses all of it")]

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tintype_core::{
    domain::{Clock, Timestamp},
    ports::{MockConnectionRegistry, MockNotifier, Models, Ports},
};
use tintype_local::{
    DataFolder, Database, FileImageStore, LocalWorkflow, PathLinkSigner, SqliteCollectionRepo,
    SqliteIntegrity, SqliteJobRepo, SqliteMetadataRepo, WorkflowSettings,
};
use tintype_testkit::samples::START;

/// A clock that only moves when told.
#[derive(Clone, Debug)]
pub(crate) struct ManualClock(Arc<AtomicI64>);

impl Default for ManualClock {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(START.as_millis())))
    }
}

impl ManualClock {
    pub(crate) fn pass(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_millis()).expect("a short time"), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// What one process has open.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) ports: Ports,
    pub(crate) workflow: LocalWorkflow,
    pub(crate) database: Database,
}

impl Machine {
    pub(crate) fn open(
        path: &Path,
        models: Models,
        settings: WorkflowSettings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let folder = DataFolder::open(path).expect("the folder is free");
        let database = Database::open(&folder).expect("open the database");
        let workflow = LocalWorkflow::new(database.clone(), settings, clock);
        let mut connections = MockConnectionRegistry::new();
        connections.expect_listeners().returning(|_, _| Ok(vec![]));
        let ports = Ports {
            models,
            images: Arc::new(FileImageStore::open(&folder).expect("open the store")),
            metadata: Arc::new(SqliteMetadataRepo::new(database.clone())),
            collections: Arc::new(SqliteCollectionRepo::new(database.clone())),
            jobs: Arc::new(SqliteJobRepo::new(database.clone())),
            connections: Arc::new(connections),
            notifier: Arc::new(MockNotifier::new()),
            workflow: Arc::new(workflow.clone()),
            integrity: Arc::new(SqliteIntegrity::new(database.clone())),
            links: Arc::new(PathLinkSigner),
            signer: None,
        };
        Self { ports, workflow, database }
    }
}

/// Where the store in `folder` keeps the blob.
pub(crate) fn blob_path(folder: &Path, id: &tintype_core::domain::BlobId) -> PathBuf {
    let name = id.to_string();
    folder.join("blobs").join(&name[..2]).join(&name[2..4]).join(&name)
}
