//! The loop that serves the router on a TCP listener. Unlike axum's own it cuts off clients that are slow or silent,
//! bounds how many there are, and waits for open WebSockets when it ends.

use crate::{
    connections::{Connections, Shares, Slot},
    edge::ClientAddress,
    guarded_io::{GuardedIo, Requests},
    lingering::{self, Lingering},
    peer::Peer,
    timed_body::TimedBody,
};
use axum::{Router, body::Body, extract::Request, http::StatusCode, response::Response};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tintype_core::domain::limits;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_service::Service;

/// The bounds of the server.
#[derive(Clone, Copy, Debug)]
pub struct ServerSettings {
    /// How many connections may be open. For one more the longest idle one is closed; where none is idle, the new one is
    /// answered with 503.
    pub connections: usize,
    /// How many of them one address may have: an IPv4 address, or an IPv6 network of 64 bits.
    pub per_address: usize,
    /// How many of them may be of clients that have not presented a valid key or ticket. The same as `connections` where
    /// no key is asked for.
    pub unauthenticated: usize,
    /// How long a connection's first request, and each later one from its first byte, may take to send its head.
    pub head: Duration,
    /// How long a connection may wait for its next request.
    pub keep_alive: Duration,
    /// How long a client may take nothing of what is sent to it.
    pub write_stall: Duration,
    /// How long requests and WebSockets may take to end once the server shuts down.
    pub drain: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            connections: limits::CONNECTIONS_MAX,
            per_address: limits::CONNECTIONS_MAX,
            unauthenticated: limits::CONNECTIONS_MAX,
            head: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            write_stall: Duration::from_secs(30),
            drain: Duration::from_secs(4),
        }
    }
}

/// hyper's own bound on a request's head; the router refuses smaller ones with a body that explains it.
const HEAD_BYTES: usize = 32 * 1024;
/// How long to wait after the system had no socket to give.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// How many clients are told at the same time that there is no place for them; others are cut off without a word.
const TURNED_AWAY: usize = 8;
/// What a client is told that finds every place taken.
const BUSY: &str = r#"{"type":"/docs#unavailable","title":"Try again soon","status":503,"code":"unavailable","detail":"too many connections are open; try again"}"#;

/// Serves `router` until `shutdown` is cancelled, then ends: requests are answered, `tasks` (the WebSockets, see
/// [`Api::tasks`](crate::Api::tasks)) awaited, and what is left after `settings.drain` is cut off.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: ServerSettings,
    tasks: TaskTracker,
    shutdown: CancellationToken,
) {
    let ServerSettings { connections: all, per_address, unauthenticated, .. } = settings;
    let places = Connections::new(Shares { all, per_address, unauthenticated });
    let refusals = Arc::new(Semaphore::new(TURNED_AWAY));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => match places.admit(address.ip()).await {
                Some(slot) => {
                    let connection = Connection {
                        settings,
                        router: router.clone(),
                        tasks: tasks.clone(),
                        shutdown: shutdown.clone(),
                    };
                    connections.spawn(connection.run(stream, slot));
                }
                None => {
                    if let Ok(permit) = refusals.clone().try_acquire_owned() {
                        connections.spawn(turn_away(stream, permit));
                    }
                }
            },
            Err(error) => rest(&error, &places).await,
        }
    }
    drop(listener);
    drain(connections, tasks, settings.drain).await;
}

/// A connection that broke before it was accepted is none of ours; a system without sockets needs a moment, and one that
/// is not in use.
async fn rest(error: &io::Error, places: &Connections) {
    let broken = [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset];
    if !broken.contains(&error.kind()) {
        tracing::error!(cause = %error, "no connection can be accepted");
        places.close_one();
        sleep(ACCEPT_RETRY).await;
    }
}

async fn turn_away(stream: TcpStream, _permit: OwnedSemaphorePermit) {
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 2\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        BUSY.len()
    );
    lingering::say_and_close(stream, &[head.as_bytes(), BUSY.as_bytes()].concat()).await;
}

async fn drain(mut connections: JoinSet<()>, tasks: TaskTracker, limit: Duration) {
    tasks.close();
    let ended = async {
        while connections.join_next().await.is_some() {}
        tasks.wait().await;
    };
    if timeout(limit, ended).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            sockets = tasks.len(),
            "cut off what did not end in time"
        );
    }
}

struct Connection {
    settings: ServerSettings,
    router: Router,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Connection {
    async fn run(self, stream: TcpStream, slot: Slot) {
        // Small answers wait for nothing.
        drop(stream.set_nodelay(true));
        let Self { settings, router, tasks, shutdown } = self;
        let address = stream.peer_addr().ok().map(|address| ClientAddress(address.ip()));
        let slot = Arc::new(slot);
        let requests = Requests::of(slot.clone());
        let stream = Lingering::new(stream, slot.clone(), tasks);
        let io = GuardedIo::new(stream, requests.clone(), settings.head, settings.write_stall);
        let peer = Peer::of(slot.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request;
            if let Some(address) = address {
                request.extensions_mut().insert(address);
            }
            respond(router.clone(), requests.clone(), peer.clone(), request)
        });
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(settings.keep_alive).max_buf_size(HEAD_BYTES);
        let connection = server.serve_connection(TokioIo::new(io), service).with_upgrades();
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = slot.closed() => return,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(cause = %error, "a connection ended early");
        }
    }
}

async fn respond(
    mut router: Router,
    requests: Requests,
    peer: Peer,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    requests.begin();
    let mut request = request.map(|body| Body::new(TimedBody::new(body)));
    request.extensions_mut().insert(peer);
    let response = router.call(request).await;
    match response {
        // A connection that became a WebSocket sends frames from here on, no more heads: its socket has limits of its own.
        Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => Ok(response),
        Ok(response) => {
            requests.answer();
            Ok(response.map(|body| Body::new(AnswerBody { body, requests })))
        }
    }
}

/// An answer's body, which tells when it has ended.
struct AnswerBody {
    body: Body,
    requests: Requests,
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.requests.end();
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
