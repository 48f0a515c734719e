//! What lies on the disk once nobody is at work: bytes that something refers to, all of them, and no others.

use crate::record::{Life, Record};
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tintype_core::{
    domain::{BlobId, Clock, limits},
    ports::Ports,
    use_cases,
};
use tintype_local::{
    DataFolder, Database, FileImageStore, SqliteCollectionRepo, SqliteIntegrity, SqliteJobRepo,
    SqliteMetadataRepo, SystemClock,
};
use tintype_memory::Memory;
use tintype_tests::Server;

/// Sweeps the folder of a server that was killed as it will be swept once every grace is over; how many pictures' bytes
/// went.
pub(crate) async fn sweep(data: &Path) -> u32 {
    let folder = DataFolder::open(data).unwrap();
    let database = Database::open(&folder).unwrap();
    let ports = Ports {
        images: Arc::new(FileImageStore::open(&folder).unwrap()),
        metadata: Arc::new(SqliteMetadataRepo::new(database.clone())),
        collections: Arc::new(SqliteCollectionRepo::new(database.clone())),
        integrity: Arc::new(SqliteIntegrity::new(database.clone())),
        jobs: Arc::new(SqliteJobRepo::new(database)),
        ..Memory::new().ports()
    };
    let later = SystemClock.now().after(limits::BLOB_GRACE + Duration::from_secs(60));
    let (swept, outcome) = use_cases::sweep(&ports, later).await;
    outcome.unwrap();
    swept.blobs
}

/// Every picture that is kept or in the trash has its bytes, and no bytes are there that were erased.
pub(crate) fn check(server: &Server, record: &Arc<Mutex<Record>>) {
    let there: BTreeSet<String> = server.blobs().into_iter().map(|(name, _)| name).collect();
    let record = record.lock().unwrap();
    for (id, sha256) in &record.images {
        let life = record.lives.get(id).and_then(|lives| lives.first()).copied().unwrap_or(Life::Kept);
        assert!(sha256.parse::<BlobId>().is_ok());
        assert_eq!(there.contains(sha256), life != Life::Erased, "the bytes of the image {id}, {life:?}");
    }
}
