//! How connections end: clients that are still sending see a refusal, and a broken WebSocket frame is answered with its close
//! code. Over plain sockets: no proper client does this.

use crate::desk::{Desk, soon};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream as Blocking},
    time::Duration,
};
use tintype_http::ServerSettings;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What many HTTP clients send before they read a byte.
const BODY: usize = 8 * 1024 * 1024;

/// Sends a request with a large body to its end, as Python's `http.client` does, then reads the answer's status.
fn status_after_all_was_sent(address: SocketAddr, head: &str) -> Result<u16, std::io::Error> {
    let mut stream = Blocking::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(format!("{head}content-length: {BODY}\r\n\r\n").as_bytes())?;
    let part = vec![b' '; 64 * 1024];
    for _ in 0..BODY / part.len() {
        stream.write_all(&part)?;
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| std::io::Error::other(format!("no status in {text:?}")))
}

async fn refused(address: SocketAddr, head: String) -> u16 {
    let sent = tokio::task::spawn_blocking(move || {
        status_after_all_was_sent(address, &head).unwrap_or_else(|error| panic!("{head}: {error}"))
    });
    soon("the refusal", sent).await.unwrap()
}

const JSON: &str = "content-type: application/json\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_all_before_it_reads_sees_every_refusal() {
    let desk = Desk::with_keys();
    let (address, _serving) = desk.listen(ServerSettings::default()).await;
    let head = |path: &str, more: &str| format!("POST {path} HTTP/1.1\r\nhost: localhost\r\n{more}");
    let key = "x-api-key: anna\r\n";
    for (head, status) in [
        (head("/save", &format!("{JSON}x-api-key: wrong\r\n")), 401),
        (head("/nothing", key), 404),
        (head("/jobs", key), 405),
        (head("/collections", &format!("{JSON}{key}")), 413),
        (head("/save", &format!("content-type: text/plain\r\n{key}")), 415),
        (head("/save", &format!("{JSON}{key}content-encoding: gzip\r\n")), 415),
        (head("/save", &format!("{JSON}{key}host: localhost\r\n")), 400),
        (head("/save", &format!("{key}no header at all\r\n")), 400),
        (head("/save", &format!("{key}x-large: {}\r\n", "x".repeat(20_000))), 431),
    ] {
        let shown: String = head.chars().take(200).collect();
        assert_eq!(refused(address, head).await, status, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_and_a_connection_too_many_see_their_refusal_too() {
    let desk = Desk::open();
    let settings = ServerSettings { connections: 1, ..ServerSettings::default() };
    let (address, _serving) = desk.listen(settings).await;
    let head = format!("POST /save HTTP/1.1\r\nhost: localhost\r\n{JSON}origin: https://evil.example\r\n");
    assert_eq!(refused(address, head.clone()).await, 403);
    // The closed connection counts until its client has gone too.
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert!(soon("an answer", first.read(&mut [0; 64])).await.unwrap() > 0);
    assert_eq!(refused(address, head).await, 503);
}

/// Opens a WebSocket over a plain stream.
async fn handshake(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(soon("the handshake", stream.read_u8()).await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
    stream
}

/// The close code that comes for `frame`; `None` if the connection ends without one.
async fn close_code(address: SocketAddr, frame: &[u8]) -> Option<u16> {
    let mut stream = handshake(address).await;
    stream.write_all(frame).await.unwrap();
    let mut rest = Vec::new();
    soon("the end", stream.read_to_end(&mut rest)).await.unwrap();
    // FIN and the opcode 8, a length, then the code.
    match rest[..] {
        [0x88, _, high, low, ..] => Some(u16::from_be_bytes([high, low])),
        _ => None,
    }
}

/// A masked frame with this first byte; the mask is all zeros, so the payload stands as it is.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut frame = vec![first];
    if let Ok(length) = u16::try_from(length) {
        frame.extend([0x80 | 126, length.to_be_bytes()[0], length.to_be_bytes()[1]]);
    } else {
        frame.push(0x80 | 127);
        frame.extend((length as u64).to_be_bytes());
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

#[tokio::test]
async fn a_broken_frame_is_answered_with_its_close_code() {
    let desk = Desk::open();
    let (address, _serving) = desk.listen(ServerSettings::default()).await;
    for (what, bytes, code) in [
        ("an unmasked frame", vec![0x81, 2, b'h', b'i'], 1002),
        ("a reserved bit", frame(0x81 | 0x40, b"hi"), 1002),
        ("an unknown opcode", frame(0x83, b"hi"), 1002),
        ("a fragmented ping", frame(0x09, b"hi"), 1002),
        ("a continuation of nothing", frame(0x80, b"hi"), 1002),
        ("text that is not UTF-8", frame(0x81, b"\xff\xfe"), 1007),
        ("a message that is too big", frame(0x81, &vec![b' '; 70_000]), 1009),
    ] {
        assert_eq!(close_code(address, &bytes).await, Some(code), "{what}");
    }
}

#[tokio::test]
async fn a_message_that_is_too_big_in_parts_is_answered_too() {
    let desk = Desk::open();
    let (address, _serving) = desk.listen(ServerSettings::default()).await;
    let part = vec![b' '; 40_000];
    let bytes = [frame(0x01, &part), frame(0x80, &part)].concat();
    assert_eq!(close_code(address, &bytes).await, Some(1009));
}
