//! The contract of [`Notifier`], case by case.

use crate::suites::cases;
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::{fmt, sync::Arc, time::Duration};
use tintype_core::{
    domain::{ConnectionId, limits},
    ports::{Delivery, Notifier},
    views::Message,
};

use crate::samples::{START, at, job_id};

/// A notifier and a way for clients to connect.
pub struct NotifierFixture {
    /// The notifier.
    pub notifier: Arc<dyn Notifier>,
    /// Opens a connection that the notifier can send to.
    pub connect: Box<dyn Fn() -> BoxFuture<'static, Box<dyn Client>> + Send + Sync>,
}

impl fmt::Debug for NotifierFixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.notifier.fmt(f)
    }
}

/// A client's end of a connection.
#[async_trait]
pub trait Client: Send {
    /// The connection.
    fn id(&self) -> &ConnectionId;

    /// Waits for the next message, as the client reads it: JSON.
    async fn next(&mut self) -> Value;

    /// Closes the connection from the client's side.
    async fn close(self: Box<Self>);
}

cases! { CASES of NotifierFixture:
    a_message_arrives_as_it_was_sent,
    messages_arrive_in_the_order_they_were_sent,
    a_message_reaches_no_other_connection,
    a_large_message_arrives_whole,
    sent_to_an_open_connection,
    a_connection_that_never_was_is_gone,
    a_closed_connection_is_gone,
    a_connection_that_is_gone_takes_no_other_with_it,
    many_senders_lose_no_message,
}

fn message(n: u64) -> Message {
    Message::transient("job.preview", Some(job_id(n, 0)), at(0), json!({ "n": n }))
}

fn as_read(message: &Message) -> Value {
    serde_json::to_value(message).expect("a message is JSON")
}

async fn send(notifier: &dyn Notifier, to: &ConnectionId, message: &Message) -> Delivery {
    notifier.send(to, message).await.expect("send")
}

/// Sends until the notifier has noticed that the client went away.
async fn until_gone(notifier: &dyn Notifier, to: &ConnectionId) {
    while send(notifier, to, &message(0)).await == Delivery::Sent {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn a_message_arrives_as_it_was_sent(fixture: NotifierFixture) {
    let mut client = (fixture.connect)().await;
    send(&*fixture.notifier, client.id(), &message(1)).await;
    assert_eq!(client.next().await, as_read(&message(1)));
}

async fn messages_arrive_in_the_order_they_were_sent(fixture: NotifierFixture) {
    let mut client = (fixture.connect)().await;
    let id = client.id().clone();
    let sender = tokio::spawn(async move {
        for n in 0..200 {
            send(&*fixture.notifier, &id, &message(n)).await;
        }
    });
    for n in 0..200 {
        assert_eq!(client.next().await["data"]["n"], json!(n));
    }
    sender.await.expect("every message was sent");
}

async fn a_message_reaches_no_other_connection(fixture: NotifierFixture) {
    let mut one = (fixture.connect)().await;
    let mut other = (fixture.connect)().await;
    send(&*fixture.notifier, one.id(), &message(1)).await;
    send(&*fixture.notifier, other.id(), &message(2)).await;
    assert_eq!(other.next().await, as_read(&message(2)), "the first message of the other connection");
    assert_eq!(one.next().await, as_read(&message(1)));
}

/// As large as an `image.chunk`: base64 of [`limits::CHUNK_BYTES`].
async fn a_large_message_arrives_whole(fixture: NotifierFixture) {
    let mut client = (fixture.connect)().await;
    let large =
        Message::transient("image.chunk", None, START, json!("A".repeat(limits::CHUNK_BYTES / 3 * 4)));
    send(&*fixture.notifier, client.id(), &large).await;
    assert_eq!(client.next().await, as_read(&large));
}

async fn sent_to_an_open_connection(fixture: NotifierFixture) {
    let client = (fixture.connect)().await;
    assert_eq!(send(&*fixture.notifier, client.id(), &message(1)).await, Delivery::Sent);
}

async fn a_connection_that_never_was_is_gone(fixture: NotifierFixture) {
    let nobody = "nobody".parse().expect("a good id");
    assert_eq!(send(&*fixture.notifier, &nobody, &message(1)).await, Delivery::Gone);
}

async fn a_closed_connection_is_gone(fixture: NotifierFixture) {
    let client = (fixture.connect)().await;
    let id = client.id().clone();
    client.close().await;
    until_gone(&*fixture.notifier, &id).await;
}

async fn a_connection_that_is_gone_takes_no_other_with_it(fixture: NotifierFixture) {
    let closed = (fixture.connect)().await;
    let mut open = (fixture.connect)().await;
    let id = closed.id().clone();
    closed.close().await;
    until_gone(&*fixture.notifier, &id).await;
    send(&*fixture.notifier, open.id(), &message(1)).await;
    assert_eq!(open.next().await, as_read(&message(1)));
}

async fn many_senders_lose_no_message(fixture: NotifierFixture) {
    let mut client = (fixture.connect)().await;
    for n in 0..64 {
        let (notifier, id) = (fixture.notifier.clone(), client.id().clone());
        tokio::spawn(async move { send(&*notifier, &id, &message(n)).await });
    }
    let mut arrived = Vec::new();
    for _ in 0..64 {
        arrived.push(client.next().await["data"]["n"].as_u64().expect("a number"));
    }
    arrived.sort_unstable();
    assert!(arrived.into_iter().eq(0..64));
}
