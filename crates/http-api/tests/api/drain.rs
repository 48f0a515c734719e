//! Shutting down: streams and sockets end, requests are answered, and the server stops in time.

use crate::{
    desk::{Desk, soon},
    socket::Socket,
};
use serde_json::json;
use std::time::Duration;
use tintype_http::ServerSettings;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn sockets_and_streams_end_with_the_server() {
    let desk = Desk::open();
    let (address, serving) = desk.listen(ServerSettings::default()).await;
    let id = desk.post("/generate", json!({ "prompt": "a cat" })).await.id();
    let mut socket = Socket::open(address).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /jobs/{id}/events HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut buffer = [0; 4096];
    assert!(stream.read(&mut buffer).await.unwrap() > 0);
    desk.shutdown.cancel();
    assert_eq!(u16::from(socket.goodbye().await.unwrap().code), 1001);
    let mut rest = Vec::new();
    soon("the stream's end", stream.read_to_end(&mut rest)).await.unwrap();
    soon("the server's end", serving).await.unwrap();
}

#[tokio::test]
async fn what_does_not_end_is_cut_off() {
    let desk = Desk::open();
    let settings = ServerSettings { drain: Duration::from_millis(200), ..ServerSettings::default() };
    let (address, serving) = desk.listen(settings).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST /generate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 9\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    desk.shutdown.cancel();
    soon("the server's end", serving).await.unwrap();
}

#[tokio::test]
async fn a_request_whose_body_does_not_come_is_answered_before_the_server_ends() {
    let desk = Desk::open();
    let (address, serving) = desk.listen(ServerSettings::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST /generate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 9\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    desk.shutdown.cancel();
    let mut answer = Vec::new();
    soon("the answer", stream.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("shutting down"), "{answer}");
    drop(stream);
    soon("the server's end", serving).await.unwrap();
}
