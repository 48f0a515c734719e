//! Clients that are slow, silent, or too many.

use crate::desk::{Desk, soon};
use crate::socket::Socket;
use serde_json::json;
use std::time::Duration;
use tintype_http::{Access, PageFile, ServerSettings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

const SHORT: Duration = Duration::from_millis(200);

async fn connected(settings: ServerSettings) -> (Desk, TcpStream) {
    let desk = Desk::open();
    let (address, _serving) = desk.listen(settings).await;
    (desk, TcpStream::connect(address).await.unwrap())
}

/// What the server says before it closes.
async fn last_words(stream: &mut TcpStream) -> String {
    let mut words = Vec::new();
    // A reset is a close too.
    drop(soon("the end", stream.read_to_end(&mut words)).await);
    String::from_utf8_lossy(&words).into_owned()
}

#[tokio::test]
async fn a_client_that_says_nothing_is_cut_off() {
    let (_desk, mut stream) = connected(ServerSettings { head: SHORT, ..ServerSettings::default() }).await;
    assert_eq!(last_words(&mut stream).await, "");
}

#[tokio::test]
async fn a_client_that_drips_its_head_is_cut_off() {
    let (_desk, mut stream) = connected(ServerSettings { head: SHORT, ..ServerSettings::default() }).await;
    for byte in b"GET /livez HTTP/1.1\r\nhost: localhost\r\n" {
        if stream.write_all(&[*byte]).await.is_err() {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(last_words(&mut stream).await, "");
}

#[tokio::test]
async fn a_client_may_rest_between_two_requests() {
    let settings = ServerSettings { head: SHORT, ..ServerSettings::default() };
    let (_desk, mut stream) = connected(settings).await;
    for _ in 0..2 {
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut buffer = [0; 4096];
        let count = soon("an answer", stream.read(&mut buffer)).await.unwrap();
        assert!(buffer[..count].starts_with(b"HTTP/1.1 200"));
        sleep(SHORT * 2).await;
    }
}

#[tokio::test]
async fn a_socket_outlives_the_time_that_a_request_has_for_its_head() {
    let desk = Desk::open();
    let settings = ServerSettings { head: SHORT, ..ServerSettings::default() };
    let (address, _serving) = desk.listen(settings).await;
    let mut socket = Socket::open(address).await;
    for _ in 0..3 {
        socket.say(&json!({ "action": "ping" })).await;
        assert_eq!(socket.next().await["type"], "pong");
        sleep(SHORT).await;
    }
}

#[tokio::test]
async fn a_client_that_rests_too_long_is_cut_off() {
    let settings = ServerSettings { keep_alive: SHORT, ..ServerSettings::default() };
    let (_desk, mut stream) = connected(settings).await;
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert!(last_words(&mut stream).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    let settings = ServerSettings { connections: 1, ..ServerSettings::default() };
    let desk = Desk::open();
    let (address, _serving) = desk.listen(settings).await;
    let _busy = Socket::open(address).await;
    let mut second = TcpStream::connect(address).await.unwrap();
    let words = last_words(&mut second).await;
    let (head, body) = words.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
    let problem: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["code"], "unavailable");
}

#[tokio::test]
async fn an_idle_connection_is_closed_for_one_too_many() {
    let settings = ServerSettings { connections: 1, ..ServerSettings::default() };
    let desk = Desk::open();
    let (address, _serving) = desk.listen(settings).await;
    for _ in 0..2 {
        let mut next = TcpStream::connect(address).await.unwrap();
        next.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut buffer = [0; 4096];
        let count = soon("an answer", next.read(&mut buffer)).await.unwrap();
        assert!(buffer[..count].starts_with(b"HTTP/1.1 200"));
        // It stays open, and goes when the next one comes.
        let another = TcpStream::connect(address).await.unwrap();
        assert_eq!(last_words(&mut next).await, "");
        drop(another);
    }
}

#[tokio::test]
async fn a_connection_is_not_idle_while_its_answer_is_on_its_way() {
    let desk = Desk::with(Access::Open, |api| {
        let large = vec![b'x'; 16 * 1024 * 1024];
        api.with_page(vec![PageFile::new("index.html", "text/html", large)])
    });
    let settings = ServerSettings { connections: 1, ..ServerSettings::default() };
    let (address, _serving) = desk.listen(settings).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut start = [0; 12];
    soon("the start of the answer", first.read_exact(&mut start)).await.unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    assert!(last_words(&mut second).await.starts_with("HTTP/1.1 503"));
    assert!(last_words(&mut first).await.len() > 16 * 1024 * 1024);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_with_431() {
    let (_desk, mut stream) = connected(ServerSettings::default()).await;
    let head = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx-large: {}\r\n\r\n", "x".repeat(20_000));
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut buffer = [0; 4096];
    let count = soon("an answer", stream.read(&mut buffer)).await.unwrap();
    let answer = String::from_utf8_lossy(&buffer[..count]);
    assert!(answer.starts_with("HTTP/1.1 431") && answer.contains("headers_too_large"), "{answer}");
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut_off() {
    let desk = Desk::with(Access::Open, |api| {
        let large = vec![b'x'; 64 * 1024 * 1024];
        api.with_page(vec![PageFile::new("index.html", "text/html", large)])
    });
    let settings = ServerSettings { write_stall: SHORT, ..ServerSettings::default() };
    let (address, _serving) = desk.listen(settings).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    sleep(SHORT * 5).await;
    assert!(last_words(&mut stream).await.len() < 64 * 1024 * 1024);
}
