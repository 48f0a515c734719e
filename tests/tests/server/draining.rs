//! SIGTERM and SIGHUP: clients are told, running jobs return to the queue, and the process ends in time.

use serde_json::json;
use std::time::{Duration, Instant};
use tintype_tests::{Server, Settings, Socket, number, soon, text};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Whatever is under way, the process has ended by then.
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
    assert_eq!(answer.expect(202).json()["status"], "queued");
    server.ended().await;
}

/// A server at whose end everything is under way that could hold it up: `signal` ends it.
async fn ends_in_time_with_everything_under_way(signal: fn(&Server)) {
    let server = Server::start(Settings::embedded().workers(1)).await;
    let client = server.client();
    let wish = json!({ "prompt": "red heart", "count": 4, "steps": 50 });
    let job = client.generate(wish.clone()).await;
    let id = text(&job, "/id").to_owned();
    let mut stream = client.get(text(&job, "/links/events")).events().await;
    let mut socket = Socket::open(&client).await;
    socket.subscribe(&id, 0).await;
    while stream.next().await.unwrap().kind != "job.progress" {}
    let waiter = tokio::spawn(client.post("/generate").header("prefer", "wait=20").json(&wish).send());
    while client.get("/jobs").send().await.json()["items"].as_array().unwrap().len() < 2 {}
    let mut half = TcpStream::connect(server.address()).await.unwrap();
    let head = "POST /generate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 99\r\nexpect: 100-continue\r\n\r\n";
    half.write_all(head.as_bytes()).await.unwrap();
    // It says so once it waits for the body.
    let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    soon("the server's wish for the body", half.read_exact(&mut go_on)).await.unwrap();
    half.write_all(b"{\"prompt\"").await.unwrap();

    let asked = Instant::now();
    signal(&server);
    let mut answer = Vec::new();
    let half = async { half.read_to_end(&mut answer).await };
    let streamed = async { while stream.next().await.is_some() {} };
    let (goodbye, waited, (), half) = tokio::join!(socket.goodbye(), waiter, streamed, half);
    assert_eq!(goodbye, Some(CloseCode::Away));
    assert_eq!(waited.unwrap().expect(202).json()["status"], "queued");
    half.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("shutting down"), "{answer}");
    let (status, stopped) = server.ended().await;
    let took = asked.elapsed();
    assert!(status.success(), "{status}");
    assert!(took < AT_ONCE, "it took {took:?}");

    let server = stopped.start_with(Settings::embedded().workers(0)).await;
    let queued = server.client().job(&id).await;
    assert_eq!((text(&queued, "/status"), number(&queued, "/attempts")), ("queued", 1), "{queued:#}");
    let (_, stopped) = {
        server.ask_to_end();
        server.ended().await
    };
    let server = stopped.start_with(Settings::embedded().workers(2)).await;
    let ended = soon("the job's end", server.client().ended(&id)).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
}

#[tokio::test]
async fn sigterm_ends_it_in_time_with_everything_under_way() {
    ends_in_time_with_everything_under_way(Server::ask_to_end).await;
}

#[tokio::test]
async fn sighup_ends_it_in_time_with_everything_under_way() {
    ends_in_time_with_everything_under_way(Server::hang_up).await;
}

#[tokio::test]
async fn a_sighup_beside_a_sigterm_does_not_end_it_at_once() {
    let server = Server::start(Settings::noop().workers(0)).await;
    let client = server.client();
    let job = client.generate(json!({ "prompt": "red heart" })).await;
    let mut socket = Socket::open(&client).await;
    socket.subscribe(text(&job, "/id"), 0).await;
    socket.next().await;
    server.hang_up();
    server.ask_to_end();
    server.hang_up();
    assert_eq!(socket.goodbye().await, Some(CloseCode::Away));
    let (status, _) = server.ended().await;
    assert!(status.success(), "{status}");
}
