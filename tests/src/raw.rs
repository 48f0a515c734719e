//! Bytes over a plain connection, for what no proper client would send.

use crate::Answer;
use bytes::Bytes;
use hyper::{HeaderMap, header::HeaderName};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long a server may take to answer nonsense.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// Sends `bytes` and reads one answer; `None` if the connection was closed without one.
pub async fn send(address: SocketAddr, bytes: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that refuses early may close before everything was written.
    drop(stream.write_all(bytes).await);
    let mut received = Vec::new();
    let whole = timeout(ANSWER_TIME, read_answer(&mut stream, &mut received)).await;
    assert!(whole.is_ok(), "no answer within {ANSWER_TIME:?}: {}", String::from_utf8_lossy(&received));
    parse(&received)
}

async fn read_answer(stream: &mut TcpStream, received: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await.unwrap_or(0);
        received.extend_from_slice(&buffer[..count]);
        if count == 0 || is_whole(received) {
            return Ok(());
        }
    }
}

fn is_whole(received: &[u8]) -> bool {
    let Some(answer) = parse(received) else { return false };
    let length = answer.headers.get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
    answer.body.len() >= length.unwrap_or(usize::MAX)
}

fn parse(received: &[u8]) -> Option<Answer> {
    let end = received.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&received[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: HeaderMap = lines
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.parse::<HeaderName>().ok()?, value.trim().parse().ok()?))
        })
        .collect();
    Some(Answer { status, headers, body: Bytes::copy_from_slice(&received[end + 4..]) })
}
