//! A WebSocket client that reads messages as JSON.

use crate::{Client, is_terminal, soon, text};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, protocol::frame::coding::CloseCode},
};

/// An open WebSocket.
#[derive(Debug)]
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Opens a WebSocket to the client's server, with the client's key if it has one.
    pub async fn open(client: &Client) -> Self {
        let stream = TcpStream::connect(client.address).await.unwrap();
        let mut request = format!("ws://{}/ws", client.address).into_client_request().unwrap();
        if let Some(key) = &client.key {
            request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
        }
        let (socket, _) = soon("the handshake", client_async(request, stream)).await.unwrap();
        Self(socket)
    }

    /// Asks for a job's events after `after`.
    pub async fn subscribe(&mut self, job_id: &str, after: u64) {
        self.say(&json!({ "action": "subscribe", "job_id": job_id, "after": after })).await;
    }

    /// Sends a message.
    pub async fn say(&mut self, message: &Value) {
        self.say_text(message.to_string()).await;
    }

    /// Sends this text.
    pub async fn say_text(&mut self, text: impl Into<String>) {
        self.0.send(Message::text(text.into())).await.unwrap();
    }

    /// Sends these bytes as a binary message.
    pub async fn say_bytes(&mut self, bytes: Vec<u8>) {
        self.0.send(Message::binary(bytes)).await.unwrap();
    }

    /// Waits for the next message.
    pub async fn next(&mut self) -> Value {
        loop {
            match soon("a message", self.0.next()).await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("expected a message, got {other:?}"),
            }
        }
    }

    /// The messages up to the end of the job `id`, that one included.
    pub async fn until_end(&mut self, id: &str) -> Vec<Value> {
        self.until(|message| message["job_id"] == id && is_terminal(text(message, "/type"))).await
    }

    /// The messages up to the first that `is_last`, that one included.
    pub async fn until(&mut self, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut messages = Vec::new();
        loop {
            let message = self.next().await;
            let last = is_last(&message);
            messages.push(message);
            if last {
                return messages;
            }
        }
    }

    /// Sends this text, if the connection still takes it.
    pub async fn try_say(&mut self, text: &str) -> bool {
        self.0.send(Message::text(text)).await.is_ok()
    }

    /// Waits until the server says goodbye; the code it gives. What comes before is left unread.
    pub async fn goodbye(&mut self) -> Option<CloseCode> {
        loop {
            match soon("the server's goodbye", self.0.next()).await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }
}
