//! What happens around every request: its id, its bounds, its log line, its metrics, and the body of its problem.

use crate::{
    access::{Caller, NotedCaller},
    api::Api,
    memory::Accounted,
    problem::{Code, Problem, chain},
    request_id::{RequestId, X_REQUEST_ID},
    security,
};
use axum::{
    body::{Body, HttpBody as _, to_bytes},
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::{
    FutureExt,
    future::{Either, select},
};
use std::{any::Any, net::IpAddr, panic::AssertUnwindSafe, pin::pin, sync::Arc, time::Duration};
use tintype_core::domain::{ImageId, OwnerId, limits};
use tokio::time::{Instant, sleep, timeout};

/// The most bytes of names and values in one request's headers.
const HEADER_BYTES: usize = 16 * 1024;
/// The most bytes of one request's address.
const URI_BYTES: usize = 8 * 1024;
/// How long a handler may take to answer; bodies that are streamed come after.
const ANSWER_TIME: Duration = Duration::from_secs(240);
/// How long a request that is under way may still take once the server drains: a body that comes slowly is not waited for.
const DRAIN_TIME: Duration = Duration::from_secs(2);
/// Headers of which one value must count, so that no two readers of a request can take different ones.
const SINGLE: [HeaderName; 8] = [
    header::HOST,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::ORIGIN,
    header::RANGE,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
];

/// The address that a request came from, as the serving loop knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

/// The middleware around all routes, the fallbacks included.
pub(crate) async fn edge(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let about = About::of(&api, &request);
    request.extensions_mut().insert(about.caller.clone());
    let foreign = security::foreign_origin(&api.allowed, request.headers());
    let mut response = match refuse(&api, &request) {
        Err(problem) => problem.into_response(),
        Ok(()) if foreign.is_some() && is_preflight(&request) => preflight(),
        Ok(()) => answer(&api, request, next).await,
    };
    response = accounted(&api, about.caller.get().map(|caller| &caller.owner), response).await;
    about.finish(&mut response);
    if let Some(origin) = foreign {
        security::share_with(origin, response.headers_mut());
    }
    about.note(&api, &response, started.elapsed());
    response
}

/// Accounts for the memory of an answer that is in memory as a whole, unless its handler has done so.
async fn accounted(api: &Api, owner: Option<&OwnerId>, mut response: Response) -> Response {
    let is_large = |length: u64| length > limits::CONTENT_SMALL_PART_BYTES as u64;
    if response.extensions().get::<Accounted>().is_some()
        || !response.body().size_hint().exact().is_some_and(is_large)
    {
        return response;
    }
    let body = std::mem::take(response.body_mut());
    let held = match to_bytes(body, usize::MAX).await {
        Ok(bytes) => api.memory.hold(owner, bytes),
        Err(error) => Err(Problem::internal(chain(&error))),
    };
    match held {
        Ok(bytes) => {
            *response.body_mut() = bytes.into();
            response
        }
        Err(problem) => problem.into_response(),
    }
}

fn refuse(api: &Api, request: &Request) -> Result<(), Problem> {
    let length = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    if length > URI_BYTES {
        return Err(Problem::new(Code::UriTooLong, format!("at most {URI_BYTES} bytes are taken")));
    }
    let size = |headers: &HeaderMap| -> usize {
        headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
    };
    if size(request.headers()) > HEADER_BYTES {
        return Err(Problem::new(Code::HeadersTooLarge, format!("at most {HEADER_BYTES} bytes are taken")));
    }
    if let Some(name) = SINGLE.iter().find(|name| request.headers().get_all(*name).iter().count() > 1) {
        return Err(Problem::new(Code::BadHeader, format!("the header {name} is given twice; send it once")));
    }
    security::check(api, request)
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    security::permit(response.headers_mut());
    response
}

async fn answer(api: &Api, request: Request, next: Next) -> Response {
    let answering = AssertUnwindSafe(timeout(ANSWER_TIME, next.run(request))).catch_unwind();
    let draining = async {
        api.shutdown.cancelled().await;
        sleep(DRAIN_TIME).await;
    };
    let answered = match select(pin!(answering), pin!(draining)).await {
        Either::Left((answered, _)) => answered,
        Either::Right(((), _)) => {
            let detail = "the server is shutting down; send the request again";
            return Problem::new(Code::Unavailable, detail).into_response();
        }
    };
    match answered {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            Problem::new(Code::Timeout, "the server took too long to answer; try again").into_response()
        }
        Err(panic) => Problem::internal(format!("a handler panicked: {}", said(&*panic))).into_response(),
    }
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// What is kept of a request while it is answered.
struct About {
    method: Method,
    /// The route's template: never the path itself, which would make a metric per id.
    route: String,
    path: String,
    /// See [`Api::with_public_url`].
    root: String,
    id: RequestId,
    client: Option<IpAddr>,
    caller: NotedCaller,
    /// Whether a page of an allowed origin asks.
    is_shared: bool,
}

impl About {
    fn of(api: &Api, request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
        Self {
            method: request.method().clone(),
            route: route.to_owned(),
            path: request.uri().path().to_owned(),
            root: api.public_url.clone(),
            id: RequestId::of(request.headers(), api),
            client: request.extensions().get::<ClientAddress>().map(|address| address.0),
            caller: NotedCaller::default(),
            is_shared: security::allows_page(&api.allowed, request.headers()),
        }
    }

    /// Writes the problem's body, if it is one, and the headers of every answer.
    fn finish(&self, response: &mut Response) {
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            self.write_problem(&problem, response);
        }
        if let Some(id) = self.id.to_header() {
            response.headers_mut().insert(X_REQUEST_ID, id);
        }
        security::harden(response.headers_mut(), self.is_shared);
    }

    fn write_problem(&self, problem: &Problem, response: &mut Response) {
        if let Some(cause) = problem.cause() {
            let (id, code) = (self.id.as_str(), problem.code().name());
            if problem.code() == Code::Conflict {
                tracing::warn!(
                    request_id = id,
                    route = self.route,
                    code,
                    cause,
                    "the request met a conflict"
                );
            } else {
                tracing::error!(request_id = id, route = self.route, code, cause, "the request failed");
            }
        }
        let body = problem.render(&self.root, &self.path, self.id.as_str());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CONTENT_LENGTH, body.len().into());
        *response.body_mut() = if self.method == Method::HEAD { Body::empty() } else { body.into() };
    }

    /// Counts and logs the request. The line names the caller and the resource, and never a text that a client wrote.
    fn note(&self, api: &Api, response: &Response, took: Duration) {
        let status = response.status();
        api.metrics.answered(&self.method, &self.route, status, took);
        let caller = self.caller.get();
        tracing::info!(
            method = %self.method,
            route = self.route,
            resource = self.resource(response),
            status = status.as_u16(),
            ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            owner = caller.map(|caller| caller.owner.as_str()),
            key = caller.and_then(Caller::key_id),
            client = self.client.map(tracing::field::display),
            request_id = self.id.as_str(),
            "request"
        );
    }

    /// The path of the resource that was asked for, or made: one whose variable parts are all ids or numbers.
    fn resource<'a>(&'a self, response: &'a Response) -> Option<&'a str> {
        if self.route.contains('{') {
            return names_a_resource(&self.route, &self.path).then_some(&self.path);
        }
        let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
        location.strip_prefix(self.root.as_str())
    }
}

/// Whether each variable part of this path is an id or a small number: nothing else of a path that a client wrote may
/// stand in a log.
fn names_a_resource(route: &str, path: &str) -> bool {
    let is_good = |(template, part): (&str, &str)| match template {
        "{id}" => part.parse::<ImageId>().is_ok(),
        "{n}" => (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()),
        _ => template == part,
    };
    route.split('/').count() == path.split('/').count() && route.split('/').zip(path.split('/')).all(is_good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_and_numbers_of_a_path_are_logged() {
        let id = "01980000-0000-7000-8000-000000000000";
        let route = "/jobs/{id}/images/{n}";
        assert!(names_a_resource(route, &format!("/jobs/{id}/images/0")));
        for path in ["/jobs/my%20secret/images/0".to_owned(), format!("/jobs/{id}/images/secret")] {
            assert!(!names_a_resource(route, &path), "{path}");
        }
        assert!(!names_a_resource("/assets/{*path}", "/assets/secret"));
    }
}
