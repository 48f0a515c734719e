//! The hub keeps the contract of [`Notifier`](tintype_core::ports::Notifier).

use async_trait::async_trait;
use futures_util::FutureExt;
use serde_json::Value;
use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tintype_core::domain::ConnectionId;
use tintype_http::{Line, SocketHub};
use tintype_testkit::{Client, Fresh, NotifierFixture, Suites};

fn main() -> ExitCode {
    Suites::new("socket hub").notifier(|| async { Fresh::new(notifier()) }).run()
}

fn notifier() -> NotifierFixture {
    let hub = Arc::new(SocketHub::default());
    let (opening, opened) = (hub.clone(), AtomicU32::new(0));
    let connect = move || {
        let number = opened.fetch_add(1, Ordering::Relaxed);
        let id = format!("connection-{number}").parse().expect("a good id");
        let client: Box<dyn Client> = Box::new(Reader(opening.open(id)));
        std::future::ready(client).boxed()
    };
    NotifierFixture { notifier: hub, connect: Box::new(connect) }
}

struct Reader(Line);

#[async_trait]
impl Client for Reader {
    fn id(&self) -> &ConnectionId {
        self.0.id()
    }

    async fn next(&mut self) -> Value {
        serde_json::from_str(&self.0.next().await).expect("a message is JSON")
    }

    async fn close(self: Box<Self>) {
        drop(self);
    }
}
