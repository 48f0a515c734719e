//! The contract of [`ImageStore`], case by case.

use crate::suites::cases;
use futures_util::future::BoxFuture;
use std::{fmt, sync::Arc};
use tintype_core::{domain::BlobId, ports::ImageStore};

/// A store and a way to spoil what it holds behind its back.
pub struct CorruptibleStore {
    /// The store.
    pub store: Arc<dyn ImageStore>,
    /// Changes at least one byte of the blob at this address.
    pub corrupt: Box<dyn Fn(BlobId) -> BoxFuture<'static, ()> + Send + Sync>,
}

impl fmt::Debug for CorruptibleStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

cases! { CASES of Arc<dyn ImageStore>: }
cases! { CORRUPTION_CASES of CorruptibleStore: }
