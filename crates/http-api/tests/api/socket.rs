//! `GET /ws`: the WebSocket.

use crate::desk::{Desk, soon};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tintype_core::domain::BlobId;
use tintype_http::{Access, ServerSettings, SocketSettings};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::CloseFrame},
};

/// An open WebSocket.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) subprotocol: String,
}

impl Socket {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::open_with(address, &[]).await.unwrap()
    }

    pub(crate) async fn open_with(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        Self::open_at(address, "/ws", headers).await
    }

    pub(crate) async fn open_at(
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        let mut request = format!("ws://{address}{path}").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (stream, response) = soon("the handshake", connect_async(request)).await?;
        let subprotocol = response.headers().get("sec-websocket-protocol");
        let subprotocol = subprotocol.map_or("", |name| name.to_str().unwrap()).to_owned();
        Ok(Self { stream, subprotocol })
    }

    pub(crate) async fn say(&mut self, message: &Value) {
        self.say_frame(Message::text(message.to_string())).await;
    }

    pub(crate) async fn say_frame(&mut self, frame: Message) {
        self.stream.send(frame).await.unwrap();
    }

    pub(crate) async fn subscribe(&mut self, job: &str, after: usize) {
        self.say(&json!({ "action": "subscribe", "job_id": job, "after": after })).await;
    }

    pub(crate) async fn next(&mut self) -> Value {
        loop {
            match soon("a message", self.stream.next()).await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                end @ (Message::Binary(_) | Message::Close(_) | Message::Frame(_)) => panic!("{end:?}"),
            }
        }
    }

    /// The messages up to the first of this type.
    pub(crate) async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut messages = vec![self.next().await];
        while messages.last().unwrap()["type"] != kind {
            messages.push(self.next().await);
        }
        messages
    }

    /// Waits for the server's goodbye.
    pub(crate) async fn goodbye(&mut self) -> Option<CloseFrame> {
        loop {
            match soon("a goodbye", self.stream.next()).await {
                Some(Ok(Message::Close(frame))) => return frame,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }
}

fn numbers(messages: &[Value]) -> Vec<u64> {
    messages.iter().filter_map(|message| message["seq"].as_u64()).collect()
}

async fn server() -> (Desk, SocketAddr) {
    let desk = Desk::open();
    let (address, _serving) = desk.listen(ServerSettings::default()).await;
    (desk, address)
}

#[tokio::test]
async fn a_job_is_followed_to_its_end() {
    let (desk, address) = server().await;
    let mut socket = Socket::open(address).await;
    let id = desk.post("/generate", json!({ "prompt": "a cat" })).await.id();
    socket.subscribe(&id, 0).await;
    assert_eq!(socket.next().await["type"], "job.queued");
    desk.run_all().await;
    let messages = socket.until("job.succeeded").await;
    assert!(numbers(&messages).into_iter().eq(2..=numbers(&messages).len() as u64 + 1), "{messages:?}");
    assert!(messages.iter().any(|message| message["type"] == "job.preview"));
    let image = &messages.last().unwrap()["data"]["images"][0];
    assert!(image["url"].is_string());
}

#[tokio::test]
async fn a_job_that_ended_before_anyone_listened_is_delivered() {
    let (desk, address) = server().await;
    let id = desk.finished_job().await;
    let mut socket = Socket::open(address).await;
    socket.subscribe(&id, 0).await;
    let messages = socket.until("job.succeeded").await;
    assert!(numbers(&messages).into_iter().eq(1..=messages.len() as u64));
}

#[tokio::test]
async fn a_client_that_comes_back_gets_each_event_once_in_order() {
    let (desk, address) = server().await;
    let id = desk.post("/generate", json!({ "prompt": "a cat", "steps": 50 })).await.id();
    let mut first = Socket::open(address).await;
    first.subscribe(&id, 0).await;
    let mut seen = numbers(&[first.next().await]);
    let running = desk.run_all();
    let following = async {
        for _ in 0..10 {
            seen.extend(numbers(&[first.next().await]));
        }
        drop(first);
        let mut second = Socket::open(address).await;
        second.subscribe(&id, seen.len()).await;
        seen.extend(numbers(&second.until("job.succeeded").await));
    };
    tokio::join!(running, following);
    assert!(seen.iter().copied().eq(1..=seen.len() as u64), "{seen:?}");
    assert_eq!(seen.len(), 53, "queued, running, 50 steps, succeeded");
}

#[tokio::test]
async fn a_client_that_reads_late_misses_nothing() {
    let (desk, address) = server().await;
    let id = desk.post("/generate", json!({ "prompt": "a cat", "steps": 100, "count": 4 })).await.id();
    let mut socket = Socket::open(address).await;
    socket.subscribe(&id, 0).await;
    socket.next().await;
    // Far more events than a connection's queue holds.
    desk.run_all().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let seen = numbers(&socket.until("job.succeeded").await);
    assert!(seen.iter().copied().eq(2..=403), "{seen:?}");
}

#[tokio::test]
async fn who_subscribes_again_is_told_from_there_again() {
    let (desk, address) = server().await;
    let id = desk.post("/generate", json!({ "prompt": "a cat", "steps": 100 })).await.id();
    let mut socket = Socket::open(address).await;
    socket.subscribe(&id, 0).await;
    socket.next().await;
    desk.run_all().await;
    socket.until("job.succeeded").await;
    socket.subscribe(&id, 90).await;
    let seen = numbers(&socket.until("job.succeeded").await);
    assert!(seen.iter().copied().eq(91..=103), "{seen:?}");
}

#[tokio::test]
async fn the_images_bytes_follow_where_they_are_wanted() {
    let (desk, address) = server().await;
    let body = json!({ "prompt": "a cat", "width": 512, "height": 512, "count": 2 });
    let id = desk.post("/generate", body).await.id();
    let mut socket = Socket::open(address).await;
    socket.say(&json!({ "action": "subscribe", "job_id": id, "inline": true })).await;
    desk.run_all().await;
    let end = socket.until("job.succeeded").await.pop().unwrap();
    for image in end["data"]["images"].as_array().unwrap() {
        let mut bytes = Vec::new();
        loop {
            let chunk = socket.next().await;
            assert_eq!((&chunk["type"], &chunk["data"]["index"]), (&json!("image.chunk"), &image["index"]));
            bytes.extend(STANDARD.decode(chunk["data"]["data"].as_str().unwrap()).unwrap());
            if chunk["data"]["chunk"].as_u64().unwrap() + 1 == chunk["data"]["chunks"].as_u64().unwrap() {
                break;
            }
        }
        assert_eq!(BlobId::of(&bytes).to_string(), image["sha256"].as_str().unwrap());
    }
}

#[tokio::test]
async fn a_client_that_unsubscribed_hears_no_more() {
    let (desk, address) = server().await;
    let id = desk.post("/generate", json!({ "prompt": "a cat" })).await.id();
    let mut socket = Socket::open(address).await;
    socket.subscribe(&id, 0).await;
    socket.next().await;
    socket.say(&json!({ "action": "unsubscribe", "job_id": id })).await;
    socket.say(&json!({ "action": "ping" })).await;
    assert_eq!(socket.next().await["type"], "pong");
    desk.run_all().await;
    socket.say(&json!({ "action": "ping" })).await;
    assert_eq!(socket.next().await["type"], "pong");
}

#[tokio::test]
async fn a_wrong_message_is_answered_and_the_connection_stays() {
    let (_desk, address) = server().await;
    let mut socket = Socket::open(address).await;
    let id = "0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
    for (frame, code, pointer) in [
        (Message::text("{"), "bad_json", ""),
        (Message::text("[]"), "invalid", ""),
        (Message::text("{}"), "invalid", "/action"),
        (Message::text(r#"{"action":"dance"}"#), "invalid", "/action"),
        (Message::text(r#"{"action":"subscribe"}"#), "invalid", "/job_id"),
        (Message::text(r#"{"action":"subscribe","job_id":7}"#), "invalid", "/job_id"),
        (Message::text(r#"{"action":"subscribe","execution_arn":"arn:aws:x"}"#), "invalid", "/execution_arn"),
        (Message::text(r#"{"action":"ping","volume":11}"#), "invalid", "/volume"),
        (Message::text(format!(r#"{{"action":"subscribe","job_id":"{id}"}}"#)), "not_found", ""),
        (Message::binary(vec![1, 2, 3]), "unsupported_media_type", ""),
        (Message::text(" ".repeat(20_000)), "body_too_large", ""),
    ] {
        socket.say_frame(frame).await;
        let message = socket.next().await;
        assert_eq!(
            (&message["type"], &message["data"]["code"]),
            (&json!("error"), &json!(code)),
            "{message}"
        );
        let named = message["data"]["errors"][0]["pointer"].as_str().unwrap_or_default();
        assert_eq!(named, pointer, "{message}");
    }
    socket.say(&json!({ "action": "ping" })).await;
    assert_eq!(socket.next().await["type"], "pong");
}

#[tokio::test]
async fn another_sites_page_gets_no_socket() {
    let (_desk, address) = server().await;
    for origin in ["https://evil.example", "null"] {
        let refused = Socket::open_with(address, &[("origin", origin)]).await;
        assert!(matches!(refused.err(), Some(Error::Http(response)) if response.status() == 403));
    }
    let own = format!("http://{address}");
    assert!(Socket::open_with(address, &[("origin", own.as_str())]).await.is_ok());
}

#[tokio::test]
async fn a_socket_that_does_nothing_is_closed() {
    let ping = Duration::from_millis(50);
    let settings = SocketSettings { ping, idle: ping * 3, ..SocketSettings::default() };
    let desk = Desk::with(Access::Open, |api| api.with_socket_settings(settings));
    let (address, _serving) = desk.listen(ServerSettings::default()).await;
    let mut socket = Socket::open(address).await;
    assert_eq!(u16::from(socket.goodbye().await.unwrap().code), 1008);
}

#[tokio::test]
async fn a_socket_that_answers_no_ping_is_cut_off() {
    let ping = Duration::from_millis(50);
    let settings = SocketSettings { ping, silence: ping * 4, ..SocketSettings::default() };
    let desk = Desk::with(Access::Open, |api| api.with_socket_settings(settings));
    let (address, _serving) = desk.listen(ServerSettings::default()).await;
    let socket = Socket::open(address).await;
    // Nobody reads, so nobody answers.
    tokio::time::sleep(ping * 10).await;
    drop(socket);
    let metrics = String::from_utf8(desk.get("/metrics").await.body.to_vec()).unwrap();
    assert!(metrics.contains("tintype_connections 0"), "{metrics}");
}
