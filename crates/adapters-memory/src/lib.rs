//! Every port in memory, for offline tests and simulation: nothing is kept when the process ends. The connections of
//! one machine end with its process too, so [`MemoryConnections`] is also what `tintype serve` uses, and for
//! its tickets [`MemoryCredentials`].
//!
//! [`Memory`] builds everything at once:
//!
//! ```
//! use tintype_memory::Memory;
//!
//! let memory = Memory::new();
//! let ports = memory.ports();
//! assert_eq!(ports.models.default_name().as_str(), "example");
//! ```

mod clock;
mod collection_repo;
mod connection_registry;
mod credential_repo;
mod image_model;
mod image_store;
mod integrity;
mod job_repo;
mod link_signer;
mod memory;
mod metadata_repo;
mod notifier;
mod variant_cache;
mod vector_index;
mod workflow;

pub use clock::ManualClock;
pub use collection_repo::MemoryCollections;
pub use connection_registry::MemoryConnections;
pub use credential_repo::MemoryCredentials;
pub use image_model::{Script, ScriptedModel, Signal, Step};
pub use image_store::MemoryImages;
pub use integrity::MemoryIntegrity;
pub use job_repo::MemoryJobs;
pub use link_signer::MemoryLinks;
pub use memory::Memory;
pub use metadata_repo::MemoryMetadata;
pub use notifier::{ChannelNotifier, Inbox};
pub use variant_cache::MemoryVariants;
pub use vector_index::MemoryVectors;
pub use workflow::{LEASE, MemoryWorkflow};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. A panic while a lock was held left a whole value: no change here is made in two parts that can panic between.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
