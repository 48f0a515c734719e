//! Keys that are replaced while the server runs, and what a scope permits.

use crate::{
    desk::{Answer, Desk, ask, ask_json, soon, with_header},
    socket::Socket,
};
use serde_json::json;
use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};
use tintype_core::domain::{BlobId, Scope};
use tintype_http::{Access, Key, Keys, ServerSettings};
use tintype_memory::MemoryCredentials;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The key whose text is its owner's name.
fn key(name: &str, scopes: &[Scope]) -> Key {
    Key {
        sha256: BlobId::of(name.as_bytes()),
        owner: name.trim_end_matches('2').parse().unwrap(),
        scopes: scopes.iter().copied().collect::<BTreeSet<_>>(),
    }
}

/// A server with these keys, which can be replaced.
fn desk(names: &[&str]) -> (Desk, Arc<Keys>) {
    let keys = Arc::new(Keys::new(names.iter().map(|name| key(name, &[]))));
    let credentials = Arc::new(MemoryCredentials::default());
    (Desk::with(Access::Keys(keys.clone()), |api| api.with_credentials(credentials)), keys)
}

async fn by(desk: &Desk, name: &str, method: &str, path: &str) -> Answer {
    desk.send(with_header(ask(method, path), "x-api-key", name)).await
}

async fn job_of(desk: &Desk, name: &str) -> String {
    let request = ask_json("POST", "/generate", &json!({ "prompt": "a cat" }));
    desk.send(with_header(request, "x-api-key", name)).await.id()
}

async fn socket_of(address: SocketAddr, name: &str) -> Socket {
    Socket::open_with(address, &[("x-api-key", name)]).await.unwrap()
}

/// An event stream over a plain connection, of which the first events were read.
async fn stream_of(address: SocketAddr, name: &str, job: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET /jobs/{job}/events HTTP/1.1\r\nhost: localhost\r\nx-api-key: {name}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut received = String::new();
    while !received.contains("job.queued") {
        let mut buffer = [0; 4_096];
        let count = soon("an event", stream.read(&mut buffer)).await.unwrap();
        assert!(count > 0, "{received}");
        received.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    stream
}

#[tokio::test]
async fn a_key_that_was_added_lets_in_and_one_that_was_revoked_does_not() {
    let (desk, keys) = desk(&["anna"]);
    assert_eq!(by(&desk, "bert", "GET", "/jobs").await.status, 401);
    let replaced = keys.replace([key("bert", &[])]);
    assert_eq!((replaced.added, replaced.revoked), (1, 1));
    assert_eq!(by(&desk, "bert", "GET", "/jobs").await.status, 200);
    assert_eq!(by(&desk, "anna", "GET", "/jobs").await.problem(), "unauthorized");
}

#[tokio::test]
async fn what_a_revoked_key_had_open_is_closed_and_what_others_have_stays() {
    let (desk, keys) = desk(&["anna", "bert"]);
    let (address, _serving) = desk.listen(ServerSettings::default()).await;
    let (annas, berts) = (job_of(&desk, "anna").await, job_of(&desk, "bert").await);
    let mut annas_socket = socket_of(address, "anna").await;
    let mut berts_socket = socket_of(address, "bert").await;
    let mut annas_stream = stream_of(address, "anna", &annas).await;
    let mut berts_stream = stream_of(address, "bert", &berts).await;
    keys.replace([key("bert", &[])]);
    assert_eq!(u16::from(annas_socket.goodbye().await.unwrap().code), 1008);
    let mut rest = Vec::new();
    soon("the stream's end", annas_stream.read_to_end(&mut rest)).await.unwrap();
    desk.run_all().await;
    berts_socket.subscribe(&berts, 0).await;
    berts_socket.until("job.succeeded").await;
    soon("the stream's end", berts_stream.read_to_end(&mut rest)).await.unwrap();
    assert!(String::from_utf8_lossy(&rest).contains("job.succeeded"));
}

#[tokio::test]
async fn a_key_that_gets_another_owner_or_scope_opens_anew() {
    let (_desk, keys) = desk(&["anna"]);
    let same = keys.replace([key("anna", &[])]);
    assert_eq!((same.added, same.revoked), (0, 0));
    let scoped = keys.replace([key("anna", &[Scope::Operate])]);
    assert_eq!((scoped.added, scoped.revoked), (1, 1));
}

#[tokio::test]
async fn a_ticket_ends_with_the_key_that_it_was_made_with() {
    let (desk, keys) = desk(&["anna", "anna2"]);
    let (address, _serving) = desk.listen(ServerSettings::default()).await;
    let ticket = async |name: &str| {
        let answer = by(&desk, name, "POST", "/tickets").await.json();
        format!("/ws?ticket={}", answer["ticket"].as_str().unwrap())
    };
    let (used, unused, of_the_other) = (ticket("anna").await, ticket("anna").await, ticket("anna2").await);
    let mut socket = Socket::open_at(address, &used, &[]).await.unwrap();
    keys.replace([key("anna2", &[])]);
    assert_eq!(u16::from(socket.goodbye().await.unwrap().code), 1008);
    assert!(Socket::open_at(address, &unused, &[]).await.is_err());
    assert!(Socket::open_at(address, &of_the_other, &[]).await.is_ok());
}

#[tokio::test]
async fn only_a_key_with_the_scope_operate_reads_the_metrics() {
    let keys = Keys::new([key("anna", &[]), key("root", &[Scope::Operate])]);
    let desk = Desk::with(Access::Keys(Arc::new(keys)), |api| api);
    assert_eq!(desk.get("/metrics").await.problem(), "unauthorized");
    let refused = by(&desk, "anna", "GET", "/metrics").await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (403, "forbidden".to_owned()));
    assert!(refused.json()["detail"].as_str().unwrap().contains("`operate`"), "{refused:?}");
    assert_eq!(by(&desk, "root", "GET", "/metrics").await.status, 200);
    // An operator is an owner too.
    assert_eq!(by(&desk, "root", "GET", "/jobs").await.status, 200);
    assert_eq!(Desk::open().get("/metrics").await.status, 200);
}
