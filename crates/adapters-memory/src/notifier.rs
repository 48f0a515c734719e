//! Messages over channels: a connection is an [`Inbox`] that a test reads.

use crate::lock;
use async_trait::async_trait;
use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use tintype_core::{
    PortResult,
    domain::ConnectionId,
    ports::{Delivery, Notifier},
    views::Message,
};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// A [`Notifier`] to the inboxes it opened.
#[derive(Debug, Default)]
pub struct ChannelNotifier {
    opened: AtomicU64,
    senders: Mutex<HashMap<ConnectionId, UnboundedSender<Message>>>,
}

impl ChannelNotifier {
    /// Opens a connection. It is gone once its inbox is dropped.
    #[expect(clippy::missing_panics_doc, reason = "the id is well formed")]
    pub fn connect(&self) -> Inbox {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let id: ConnectionId = format!("inbox-{number}").parse().expect("a good id");
        let (sender, messages) = mpsc::unbounded_channel();
        lock(&self.senders).insert(id.clone(), sender);
        Inbox { id, messages }
    }
}

#[async_trait]
impl Notifier for ChannelNotifier {
    async fn send(&self, connection: &ConnectionId, message: &Message) -> PortResult<Delivery> {
        let mut senders = lock(&self.senders);
        let sent = senders.get(connection).is_some_and(|sender| sender.send(message.clone()).is_ok());
        if sent {
            return Ok(Delivery::Sent);
        }
        senders.remove(connection);
        Ok(Delivery::Gone)
    }
}

/// A client's end of a connection.
#[derive(Debug)]
pub struct Inbox {
    id: ConnectionId,
    messages: UnboundedReceiver<Message>,
}

impl Inbox {
    /// The connection.
    pub const fn id(&self) -> &ConnectionId {
        &self.id
    }

    /// Waits for the next message; `None` once the notifier is gone.
    pub async fn next(&mut self) -> Option<Message> {
        self.messages.recv().await
    }

    /// What has arrived and was not read, without waiting.
    pub fn arrived(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.messages.try_recv().ok()).collect()
    }
}
