//! `GET /jobs/{id}/events`: a job's events as Server-Sent Events, resumable with `Last-Event-ID`.

use crate::{
    access::Caller,
    api::Api,
    listener::{Listener, Subscribed},
    path::PathParts,
    problem::{Answer, Code, Problem},
    query::Query,
    socket_hub::{Outgoing, SocketHub},
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use std::{convert::Infallible, sync::Arc};
use tintype_core::domain::Seq;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// How long a browser waits before it connects again, in milliseconds.
const RETRY: &str = "retry: 2000\n\n";
const KEEP_ALIVE: &str = ": keep-alive\n\n";

/// `GET /jobs/{id}/events`
pub(crate) async fn events(
    State(api): State<Arc<Api>>,
    caller: Caller,
    path: PathParts,
    mut query: Query,
    headers: HeaderMap,
) -> Answer {
    let after = after(&mut query, &headers)?;
    let id = path.job()?;
    let revoked = caller.revoked();
    let mut listener = Listener::open(&api, &hub(&api)?, caller.owner).await?;
    match listener.subscribe(id, after, false).await? {
        // 204 tells an EventSource to stop connecting again.
        Subscribed::NothingMore => Ok(StatusCode::NO_CONTENT.into_response()),
        Subscribed::Listening => Ok(streamed(Connection { api, listener, revoked })),
    }
}

/// The hub, while the server is not shutting down.
pub(crate) fn hub(api: &Api) -> Answer<Arc<SocketHub>> {
    if api.shutdown.is_cancelled() {
        return Err(Problem::new(Code::Unavailable, "the server is shutting down; connect again"));
    }
    api.hub.clone().ok_or_else(|| Problem::new(Code::NoSuchRoute, "this server pushes no events"))
}

/// Where to go on: a browser that connects again says so in a header, which is newer than its URL.
fn after(query: &mut Query, headers: &HeaderMap) -> Answer<Seq> {
    let rule = "must be the number of the last event you have; 0 for none";
    let asked = query.value::<u64>("after", rule);
    std::mem::take(query).finish(&["after"])?;
    let Some(header) = headers.get(LAST_EVENT_ID) else { return Ok(Seq(asked.unwrap_or_default())) };
    let last = header.to_str().ok().and_then(|text| text.trim().parse().ok());
    last.map(Seq).ok_or_else(|| Problem::new(Code::BadHeader, format!("Last-Event-ID {rule}")))
}

fn streamed(connection: Connection) -> Response {
    let stream = stream::unfold(Stream::Starting(connection), |stream| async {
        let (part, next) = stream.step().await?;
        Some((Ok::<_, Infallible>(part), next))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Proxies of nginx's kind collect answers otherwise.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(stream)).into_response()
}

/// One open event stream.
struct Connection {
    api: Arc<Api>,
    listener: Listener,
    /// Cancelled once the client's key is revoked.
    revoked: CancellationToken,
}

enum Stream {
    Starting(Connection),
    Open(Connection),
    Ended,
}

impl Stream {
    async fn step(self) -> Option<(Bytes, Self)> {
        match self {
            Self::Starting(connection) => {
                Some((Bytes::from_static(RETRY.as_bytes()), Self::Open(connection)))
            }
            Self::Open(connection) => next(connection).await,
            Self::Ended => None,
        }
    }
}

async fn next(mut connection: Connection) -> Option<(Bytes, Stream)> {
    let Connection { api, listener, revoked } = &mut connection;
    let heard = tokio::select! {
        biased;
        () = api.shutdown.cancelled() => return None,
        () = revoked.cancelled() => return None,
        heard = timeout(api.socket_settings.keep_alive, listener.next()) => heard,
    };
    if api.now() >= listener.connection().expires_at {
        return None;
    }
    let Ok(outgoing) = heard else {
        return Some((Bytes::from_static(KEEP_ALIVE.as_bytes()), Stream::Open(connection)));
    };
    let stream = if outgoing.is_terminal { Stream::Ended } else { Stream::Open(connection) };
    Some((written(&outgoing).into(), stream))
}

/// A preview has no id: it is not in the log, so nobody can resume after it.
fn written(outgoing: &Outgoing) -> String {
    let id = outgoing.seq.map_or_else(String::new, |seq| format!("id: {}\n", seq.0));
    format!("{id}event: {}\ndata: {}\n\n", outgoing.kind, outgoing.text)
}
