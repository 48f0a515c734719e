//! Integrity of records in memory.

use async_trait::async_trait;
use std::sync::Mutex;
use tintype_core::{ErrorKind, PortError, PortResult, domain::Timestamp, ports::Integrity};

use crate::lock;

/// An [`Integrity`] of records that are intact until a test says otherwise.
#[derive(Debug, Default)]
pub struct MemoryIntegrity(Mutex<Vec<String>>);

impl MemoryIntegrity {
    /// Reports `damage` from now on, as a store does that found some.
    pub fn report(&self, damage: impl Into<String>) {
        lock(&self.0).push(damage.into());
    }
}

#[async_trait]
impl Integrity for MemoryIntegrity {
    async fn confirm(&self, _: Timestamp) -> PortResult<()> {
        match lock(&self.0).first() {
            None => Ok(()),
            Some(damage) => Err(PortError::new(ErrorKind::Data, "Integrity::confirm", damage.clone())),
        }
    }

    async fn damage(&self) -> Vec<String> {
        lock(&self.0).clone()
    }
}
