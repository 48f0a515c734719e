//! An [`Integrity`] that fails on demand.

use super::Faulty;
use async_trait::async_trait;
use tintype_core::{domain::Timestamp, error::PortResult, ports::Integrity};

#[async_trait]
impl Integrity for Faulty<dyn Integrity> {
    async fn confirm(&self, now: Timestamp) -> PortResult<()> {
        self.call("Integrity::confirm", self.inner.confirm(now)).await
    }

    async fn damage(&self) -> Vec<String> {
        self.inner.damage().await
    }
}
