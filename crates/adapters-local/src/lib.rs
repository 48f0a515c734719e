//! Tintype's ports on one machine, everything embedded: jobs and saved images in SQLite, pictures as files named by
//! their hash, and a durable workflow in this process. What was acknowledged survives `kill -9`.
//!
//! A [`DataFolder`] belongs to one process at a time. A server opens it once and builds everything over it:
//!
//! ```
//! use std::sync::Arc;
//! use tintype_local::{
//!     DataFolder, Database, FileImageStore, LocalWorkflow, SqliteJobRepo, SqliteMetadataRepo, SystemClock,
//!     WorkflowSettings,
//! };
//!
//! # fn main() -> Result<(), tintype_local::OpenError> {
//! # let temporary = tempfile::tempdir().expect("a folder");
//! # let path = temporary.path();
//! let folder = DataFolder::open(path)?;
//! let database = Database::open(&folder)?;
//! let images = FileImageStore::open(&folder)?;
//! let jobs = SqliteJobRepo::new(database.clone());
//! let metadata = SqliteMetadataRepo::new(database.clone());
//! let workflow = LocalWorkflow::new(database, WorkflowSettings::default(), Arc::new(SystemClock));
//! # Ok(())
//! # }
//! ```

mod background;
mod backup;
mod checksum;
mod clock;
mod collection_repo;
mod crash;
mod data_folder;
mod database;
mod disk_space;
mod durable;
mod embedder;
mod error;
mod image_store;
mod integrity;
mod job_repo;
mod library_check;
mod library_mark;
mod link_signer;
mod metadata_repo;
mod private;
mod queue;
mod recover;
mod released;
mod snapshots;
mod variant_cache;
mod vector_index;
mod workflow;

pub use backup::{BackupError, Copied, Earlier, OnDamage, OnProgress, back_up, restore_backup};
pub use clock::{SteadyClock, SystemClock};
pub use collection_repo::SqliteCollectionRepo;
pub use data_folder::DataFolder;
pub use database::Database;
pub use disk_space::{DiskSpace, SpaceReport, SpaceSettings};
pub use embedder::LookEmbedder;
pub use error::OpenError;
pub use image_store::FileImageStore;
pub use integrity::SqliteIntegrity;
pub use job_repo::SqliteJobRepo;
pub use library_check::{CheckError, LibraryReport, check_library, repair_library};
pub use link_signer::PathLinkSigner;
pub use metadata_repo::SqliteMetadataRepo;
pub use recover::{RecoverError, Recovered, read_unexplained, recover};
pub use snapshots::{SnapshotError, bring_back_blobs, check_database, take_snapshot_if_due};
pub use variant_cache::FileVariantCache;
pub use vector_index::{SqliteVectorIndex, VectorKind};
pub use workflow::{LocalWorkflow, WorkflowSettings};
