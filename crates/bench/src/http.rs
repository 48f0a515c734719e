//! The least HTTP/1.1 client that can drive a server on loopback: one connection, kept alive. The client's own cost is
//! part of every figure, so it is the same, and small, on both sides of a ratio.

use crate::Outcome;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A kept-alive connection.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    host: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Outcome<serde_json::Value> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

impl Client {
    pub(crate) async fn connect(address: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), host: address.to_owned() })
    }

    pub(crate) async fn get(&mut self, path: &str) -> Outcome<Answer> {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.host)).await
    }

    pub(crate) async fn post(&mut self, path: &str, headers: &str, body: &str) -> Outcome<Answer> {
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
             {headers}\r\n{body}",
            self.host
        );
        self.send(request).await
    }

    /// Asks for a WebSocket and returns the connection once the server has agreed.
    pub(crate) async fn upgrade(mut self) -> Outcome<TcpStream> {
        let request = format!(
            "GET /ws HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.host
        );
        self.stream.write_all(request.as_bytes()).await?;
        let (status, _) = self.head().await?;
        if status != 101 {
            return Err(format!("the server answered {status} to the upgrade").into());
        }
        Ok(self.stream.into_inner())
    }

    async fn send(&mut self, request: String) -> Outcome<Answer> {
        self.stream.write_all(request.as_bytes()).await?;
        let (status, length) = self.head().await?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(Answer { status, body })
    }

    /// Reads up to the body: the status and the body's length.
    async fn head(&mut self) -> Outcome<(u16, usize)> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        let status = line.split(' ').nth(1).and_then(|text| text.parse().ok()).ok_or("no status line")?;
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line).await?;
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                return Ok((status, length));
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
    }
}
