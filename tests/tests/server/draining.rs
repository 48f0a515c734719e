//! SIGTERM: what is under way has a moment, clients are told, and the process ends in time.

use serde_json::json;
use std::time::{Duration, Instant};
use tintype_tests::{Server, Settings, Socket, text};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// The server's own limit is 10 s; what is idle must not need it.
const AT_ONCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn open_streams_and_sockets_are_ended_and_do_not_hold_it_up() {
    let server = Server::start(Settings::noop().workers(0)).await;
    let client = server.client();
    let job = client.generate(json!({ "prompt": "red heart" })).await;
    let id = text(&job, "/id");
    let mut stream = client.get(text(&job, "/links/events")).events().await;
    let (mut busy, mut idle) = (Socket::open(&client).await, Socket::open(&client).await);
    busy.subscribe(id, 0).await;
    assert_eq!(busy.next().await["type"], "job.queued");
    assert_eq!(stream.next().await.unwrap().kind, "job.queued");
    let asked = Instant::now();
    server.ask_to_end();
    assert_eq!(busy.goodbye().await, Some(CloseCode::Away));
    assert_eq!(idle.goodbye().await, Some(CloseCode::Away));
    assert!(stream.next().await.is_none());
    let (status, _) = server.ended().await;
    assert!(status.success(), "{status}");
    assert!(asked.elapsed() < AT_ONCE, "it took {:?}", asked.elapsed());
}

#[tokio::test]
async fn a_running_job_is_finished_or_drawn_after_the_next_start() {
    let server = Server::start(Settings::embedded()).await;
    let client = server.client();
    let job = client.generate(json!({ "prompt": "red heart" })).await;
    let mut events = client.get(text(&job, "/links/events")).events().await;
    while events.next().await.unwrap().kind != "job.progress" {}
    server.ask_to_end();
    let (status, stopped) = server.ended().await;
    assert!(status.success(), "{status}");
    let server = stopped.start().await;
    assert_eq!(server.client().ended(text(&job, "/id")).await["status"], "succeeded");
}

#[tokio::test]
async fn a_request_that_waits_for_its_job_is_answered() {
    let server = Server::start(Settings::noop().workers(0)).await;
    let client = server.client();
    let waiting =
        client.post("/generate").header("prefer", "wait=20").json(&json!({ "prompt": "red heart" }));
    let waiting = tokio::spawn(waiting.send());
    while client.get("/jobs").send().await.json()["items"] == json!([]) {}
    server.ask_to_end();
    let answer = waiting.await.unwrap();
    assert!(matches!(answer.status, 200 | 202), "{answer:?}");
    assert_eq!(answer.json()["status"], "queued");
    server.ended().await;
}
