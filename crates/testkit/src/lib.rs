//! The contract of every port as named cases that every adapter runs, and wrappers that make a port fail on demand.
//!
//! An adapter brings a factory for each port it has, in a test with `harness = false`:
//!
//! ```no_run
//! use std::{path::Path, process::ExitCode, sync::Arc};
//! use tintype_core::ports::ImageStore;
//! use tintype_testkit::{Fresh, Port, Suites};
//!
//! /// `open` is the adapter's.
//! fn conformance(open: fn(&Path) -> Arc<dyn ImageStore>) -> ExitCode {
//!     Suites::new("local")
//!         .image_store(move || async move {
//!             let folder = std::env::temp_dir(); // a tempfile::TempDir in earnest
//!             Fresh::new(open(&folder)).keeping(folder)
//!         })
//!         .skip(Port::Notifier, "the emulator is not installed")
//!         .run()
//! }
//! ```
//!
//! A port's cases stand in the file that carries the port's name. What a suite needs beside the port itself (a way to
//! move the clock, a client's end of a connection) is its fixture, in the same file.

pub mod faults;
pub mod hostile_images;
pub mod samples;

mod collection_repo;
mod connection_registry;
mod credential_repo;
mod embedder;
mod image_model;
mod image_store;
mod integrity;
mod job_repo;
mod link_signer;
mod metadata_repo;
mod notifier;
mod picture_signer;
mod stub_model;
mod suites;
mod text_embedder;
mod variant_cache;
mod vector_index;
mod workflow;

pub use image_model::ModelFixture;
pub use image_store::CorruptibleStore;
pub use integrity::{IntegrityFixture, NextStart};
pub use notifier::{Client, NotifierFixture};
pub use suites::{Fresh, Port, Suites};
pub use variant_cache::VariantFixture;
pub use vector_index::VectorFixture;
pub use workflow::WorkflowFixture;
