//! `GET /ws`: the WebSocket of one connection, from its handshake to its close.

use crate::{
    access::{Caller, SUBPROTOCOL},
    api::Api,
    events::hub,
    listener::Listener,
    message_rate::{self, MessageRate},
    peer::Peer,
    problem::{Answer, Code, Problem},
    query::Query,
    socket_action::{Action, action_problem_message, pong_message},
    socket_hub::Outgoing,
    tickets,
};
use axum::{
    Extension,
    extract::{
        State,
        ws::{
            CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection,
        },
    },
    http::{HeaderValue, header},
};
use std::{sync::Arc, time::Duration};
use tintype_core::{domain::JobId, views::Message};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use tungstenite::{Error as SocketError, error::ProtocolError};

/// A longer message than an action may have is still read and answered. Beyond this the connection is closed instead: the rest of such a message would have to be read to be skipped.
const FRAME_BYTES: usize = 64 * 1024;
/// A small buffer per socket: the default of 128 KiB times ten thousand sockets is over a gigabyte.
const READ_BUFFER: usize = 4 * 1024;

// Close codes of RFC 6455, 7.4.1.
const GOING_AWAY: u16 = 1001;
const PROTOCOL_ERROR: u16 = 1002;
const INVALID_PAYLOAD: u16 = 1007;
const POLICY: u16 = 1008;
const TOO_BIG: u16 = 1009;

/// The time limits of WebSockets and event streams.
#[derive(Clone, Copy, Debug)]
pub struct SocketSettings {
    /// How often a WebSocket is pinged.
    pub ping: Duration,
    /// How long a WebSocket may stay silent, pongs included.
    pub silence: Duration,
    /// How long a WebSocket may listen to nothing and say nothing. API Gateway's limit is the same.
    pub idle: Duration,
    /// How often an event stream that has nothing to tell sends a comment.
    pub keep_alive: Duration,
}

impl Default for SocketSettings {
    fn default() -> Self {
        Self {
            ping: Duration::from_secs(30),
            silence: Duration::from_secs(75),
            idle: Duration::from_secs(600),
            keep_alive: Duration::from_secs(15),
        }
    }
}

/// The query parameters that `/ws` takes.
pub(crate) fn parameters(api: &Api) -> &'static [&'static str] {
    if api.credentials.is_some() { &["ticket"] } else { &[] }
}

/// `GET /ws`
pub(crate) async fn socket(
    State(api): State<Arc<Api>>,
    caller: Answer<Caller>,
    query: Query,
    peer: Option<Extension<Peer>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer {
    let credential = Credential::of(&api, caller, query)?;
    // A ticket is not used up by what is no handshake.
    let upgrade = upgrade.map_err(|rejection| not_a_handshake(&rejection))?;
    let caller = credential.caller(&api, peer.as_deref()).await?;
    let revoked = caller.revoked();
    let listener = Listener::open(&api, &hub(&api)?, caller.owner).await?;
    let tasks = api.tasks.clone();
    Ok(upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(FRAME_BYTES)
        .max_frame_size(FRAME_BYTES)
        .protocols([SUBPROTOCOL])
        .on_upgrade(move |socket| {
            tasks.track_future(async move { Session::new(api, listener, revoked, socket).run().await })
        }))
}

/// What a client opens a socket with.
enum Credential {
    /// A key, or whatever else tells the caller.
    Key(Caller),
    Ticket(String),
}

impl Credential {
    fn of(api: &Api, caller: Answer<Caller>, mut query: Query) -> Answer<Self> {
        let known = parameters(api);
        let ticket = if known.is_empty() { None } else { query.text("ticket") };
        let credential = match ticket {
            Some(ticket) => Self::Ticket(ticket),
            None => Self::Key(caller?),
        };
        query.finish(known)?;
        Ok(credential)
    }

    async fn caller(self, api: &Api, peer: Option<&Peer>) -> Answer<Caller> {
        match self {
            Self::Key(caller) => Ok(caller),
            Self::Ticket(ticket) => tickets::redeem(api, &ticket, peer).await,
        }
    }
}

fn not_a_handshake(rejection: &WebSocketUpgradeRejection) -> Problem {
    let detail = format!("connect with a WebSocket client (version 13): {rejection}");
    Problem::new(Code::UpgradeRequired, detail)
        .with_header(header::UPGRADE, HeaderValue::from_static("websocket"))
        .with_header(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
}

/// One open WebSocket.
struct Session {
    api: Arc<Api>,
    listener: Listener,
    /// Cancelled once the client's key is revoked.
    revoked: CancellationToken,
    socket: WebSocket,
    /// When anything last came from the client.
    heard_at: Instant,
    /// When a message last went either way.
    used_at: Instant,
    rate: MessageRate,
}

/// How a session goes on.
enum Next {
    Stay,
    /// The client is gone.
    Gone,
    /// Say goodbye with this code and reason.
    Close(u16, &'static str),
}

enum Event {
    Shutdown,
    Revoked,
    Received(Option<Result<Frame, axum::Error>>),
    Send(Box<Outgoing>),
    Tick,
}

impl Session {
    fn new(api: Arc<Api>, listener: Listener, revoked: CancellationToken, socket: WebSocket) -> Self {
        let now = Instant::now();
        Self { api, listener, revoked, socket, heard_at: now, used_at: now, rate: MessageRate::new(now) }
    }

    async fn run(mut self) {
        let mut ticker = ticker(self.api.socket_settings.ping);
        loop {
            let event = tokio::select! {
                biased;
                () = self.api.shutdown.cancelled() => Event::Shutdown,
                () = self.revoked.cancelled() => Event::Revoked,
                received = self.socket.recv() => Event::Received(received),
                outgoing = self.listener.next() => Event::Send(outgoing),
                _ = ticker.tick() => Event::Tick,
            };
            match self.handle(event).await {
                Next::Stay => {}
                Next::Gone => return,
                Next::Close(code, reason) => return Box::pin(self.close(code, reason)).await,
            }
        }
    }

    async fn handle(&mut self, event: Event) -> Next {
        match event {
            Event::Shutdown => Next::Close(GOING_AWAY, "the server shuts down; connect again"),
            Event::Revoked => Next::Close(POLICY, "the key was revoked"),
            // Boxed, because a task keeps room for its largest future as long as it lives.
            Event::Received(Some(Ok(frame))) => Box::pin(self.receive(frame)).await,
            Event::Received(Some(Err(error))) => after(error),
            Event::Received(None) => Next::Gone,
            Event::Send(outgoing) => {
                self.used_at = Instant::now();
                self.send(Frame::Text(outgoing.text.into())).await
            }
            Event::Tick => self.tick().await,
        }
    }

    async fn receive(&mut self, frame: Frame) -> Next {
        self.heard_at = Instant::now();
        // Pings and pongs count too: each is read, and a ping answered.
        if !matches!(frame, Frame::Close(_)) && !self.rate.admits(self.heard_at) {
            return Next::Close(POLICY, message_rate::TOO_MANY);
        }
        match frame {
            Frame::Text(text) => {
                self.used_at = self.heard_at;
                self.obey(text.as_str()).await
            }
            Frame::Binary(_) => {
                let detail = "send messages as text frames that hold JSON";
                self.complain(None, &Problem::new(Code::UnsupportedMediaType, detail)).await
            }
            Frame::Ping(_) | Frame::Pong(_) => Next::Stay,
            Frame::Close(_) => Next::Gone,
        }
    }

    async fn obey(&mut self, text: &str) -> Next {
        match Action::parse(text) {
            Ok(Action::Ping) => self.tell(&pong_message(self.api.now())).await,
            Ok(Action::Subscribe { job_id, after, inline }) => {
                match self.listener.subscribe(job_id, after, inline).await {
                    Ok(_) => Next::Stay,
                    Err(error) => self.complain(Some(job_id), &error.into()).await,
                }
            }
            Ok(Action::Unsubscribe { job_id }) => match self.listener.unsubscribe(job_id).await {
                Ok(()) => Next::Stay,
                Err(error) => self.complain(Some(job_id), &error.into()).await,
            },
            Err(problem) => self.complain(None, &problem).await,
        }
    }

    /// Tells the client what was wrong with its message; the connection stays open.
    async fn complain(&mut self, job_id: Option<JobId>, problem: &Problem) -> Next {
        if let Some(cause) = problem.cause() {
            let code = problem.code().name();
            tracing::error!(
                connection = self.listener.connection().id.as_str(),
                code,
                cause,
                "an action failed"
            );
        }
        self.tell(&action_problem_message(job_id, problem, self.api.now())).await
    }

    async fn tell(&mut self, message: &Message) -> Next {
        match Outgoing::of(message) {
            Ok(outgoing) => self.send(Frame::Text(outgoing.text.into())).await,
            Err(_) => Next::Stay,
        }
    }

    async fn send(&mut self, frame: Frame) -> Next {
        match self.socket.send(frame).await {
            Ok(()) => Next::Stay,
            Err(_) => Next::Gone,
        }
    }

    async fn tick(&mut self) -> Next {
        let settings = self.api.socket_settings;
        if self.heard_at.elapsed() >= settings.silence {
            return Next::Gone;
        }
        if self.api.now() >= self.listener.connection().expires_at {
            return Next::Close(GOING_AWAY, "connections end after two hours; connect again");
        }
        if self.listener.is_idle() && self.used_at.elapsed() >= settings.idle {
            return Next::Close(POLICY, "nothing was subscribed for too long");
        }
        self.send(Frame::Ping(bytes::Bytes::new())).await
    }

    async fn close(mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame { code, reason: reason.into() };
        if self.socket.send(Frame::Close(Some(frame))).await.is_err() {
            return;
        }
        // The client's own close frame ends the connection cleanly; a client that sends none is not waited for.
        let answered = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        let in_time = tokio::time::timeout(Duration::from_secs(1), answered).await;
        drop(in_time);
    }
}

/// How a session goes on after a frame that could not be read: a client that broke the protocol is told so.
fn after(error: axum::Error) -> Next {
    match error.into_inner().downcast_ref::<SocketError>() {
        Some(SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => Next::Gone,
        Some(SocketError::Protocol(_)) => {
            Next::Close(PROTOCOL_ERROR, "a frame broke the protocol (RFC 6455)")
        }
        Some(SocketError::Utf8(_)) => Next::Close(INVALID_PAYLOAD, "a text message was not UTF-8"),
        Some(SocketError::Capacity(_)) => Next::Close(TOO_BIG, "a message was too large"),
        _ => Next::Gone,
    }
}

fn ticker(period: Duration) -> Interval {
    let mut ticker = interval_at(Instant::now() + period, period);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticker
}
