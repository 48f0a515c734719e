//! A [`Notifier`] that fails on demand.

use super::Faulty;
use async_trait::async_trait;
use tintype_core::{
    domain::ConnectionId,
    error::PortResult,
    ports::{Delivery, Notifier},
    views::Message,
};

#[async_trait]
impl Notifier for Faulty<dyn Notifier> {
    async fn send(&self, connection: &ConnectionId, message: &Message) -> PortResult<Delivery> {
        self.call("Notifier::send", self.inner.send(connection, message)).await
    }
}
