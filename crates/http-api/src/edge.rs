//! What happens around every request: its id, its bounds, its log line, its metrics, and the body of its problem.

use crate::{
    access::NotedOwner,
    api::Api,
    memory::Accounted,
    problem::{Code, Problem, chain},
    request_id::{RequestId, X_REQUEST_ID},
    security,
};
use axum::{
    body::{Body, HttpBody as _, to_bytes},
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tintype_core::domain::{OwnerId, limits};
use tokio::time::{Instant, timeout};

/// The most bytes of names and values in one request's headers.
const HEADER_BYTES: usize = 16 * 1024;
/// The most bytes of one request's address.
const URI_BYTES: usize = 8 * 1024;
/// How long a handler may take to answer; bodies that are streamed come after.
const ANSWER_TIME: Duration = Duration::from_secs(240);

/// The middleware around all routes, the fallbacks included.
pub(crate) async fn edge(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let about = About::of(&api, &request);
    let owner = NotedOwner::default();
    request.extensions_mut().insert(owner.clone());
    let foreign = security::foreign_origin(&api.allowed, request.headers());
    let mut response = match refuse(&api, &request) {
        Err(problem) => problem.into_response(),
        Ok(()) if foreign.is_some() && is_preflight(&request) => preflight(),
        Ok(()) => answer(request, next).await,
    };
    response = accounted(&api, owner.get(), response).await;
    about.finish(&mut response);
    if let Some(origin) = foreign {
        security::share_with(origin, response.headers_mut());
    }
    about.note(&api, response.status(), started.elapsed());
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

async fn answer(request: Request, next: Next) -> Response {
    let answered = AssertUnwindSafe(timeout(ANSWER_TIME, next.run(request))).catch_unwind().await;
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
        security::harden(response.headers_mut());
    }

    fn write_problem(&self, problem: &Problem, response: &mut Response) {
        if let Some(cause) = problem.cause() {
            let (id, code) = (self.id.as_str(), problem.code().name());
            tracing::error!(request_id = id, route = self.route, code, cause, "the request failed");
        }
        let body = problem.render(&self.root, &self.path, self.id.as_str());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CONTENT_LENGTH, body.len().into());
        *response.body_mut() = if self.method == Method::HEAD { Body::empty() } else { body.into() };
    }

    fn note(&self, api: &Api, status: StatusCode, took: Duration) {
        api.metrics.answered(&self.method, &self.route, status, took);
        tracing::info!(
            method = %self.method,
            route = self.route,
            status = status.as_u16(),
            ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            request_id = self.id.as_str(),
            "request"
        );
    }
}
