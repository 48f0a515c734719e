//! Every failure as RFC 9457 `application/problem+json`. A handler returns a [`Problem`]; the edge adds the path and
//! the request's id, and writes it.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::error::Error as StdError;
use tintype_core::{
    Error, ErrorKind, PortError,
    domain::{FieldError, InvalidInput},
};

/// How many seconds a client should wait before it repeats a request that was refused for load.
const RETRY_AFTER_S: u32 = 2;
/// The same for one that there was no space for: somebody has to free some.
const SPACE_RETRY_AFTER_S: u32 = 60;
/// What a client is told that wants to add something to a full disk.
const NO_SPACE: &str = "the server's disk is full: nothing can be added until there is room; reading, deleting, the trash, \
                        restoring and canceling still work";

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:literal $code:literal $title:literal,)*) => {
        /// Every sort of failure a client can meet. Its status and its title follow from it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, for documents and tests.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as clients see it, in snake case.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// A sentence that holds for every problem with this code.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            const fn status_number(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }
        }
    };
}

codes! {
    /// The body is no JSON.
    BadJson = 400 "bad_json" "The body is not JSON",
    /// A query parameter is unknown or wrong.
    BadQuery = 400 "bad_query" "A query parameter is wrong",
    /// A header is wrong.
    BadHeader = 400 "bad_header" "A header is wrong",
    /// The body did not arrive.
    BadBody = 400 "bad_body" "The body did not arrive whole",
    /// No key, or an unknown one.
    Unauthorized = 401 "unauthorized" "A known key is required",
    /// The key does not permit this.
    Forbidden = 403 "forbidden" "The key does not permit this",
    /// The request comes from a page of another site.
    ForeignOrigin = 403 "foreign_origin" "Requests from other sites are refused",
    /// There is no such thing for this owner.
    NotFound = 404 "not_found" "There is no such thing",
    /// The path belongs to no route.
    NoSuchRoute = 404 "no_such_route" "There is no such route",
    /// The route has other methods.
    MethodNotAllowed = 405 "method_not_allowed" "The route has no such method",
    /// The body came too slowly.
    BodyTimeout = 408 "body_timeout" "The body came too slowly",
    /// The thing is in another state.
    Conflict = 409 "conflict" "Its state does not allow this",
    /// `If-Match` failed.
    Stale = 412 "stale" "It was changed in the meantime",
    /// The body is too large.
    BodyTooLarge = 413 "body_too_large" "The body is too large",
    /// The address is too long.
    UriTooLong = 414 "uri_too_long" "The address is too long",
    /// The body is not declared as JSON.
    UnsupportedMediaType = 415 "unsupported_media_type" "The body must be application/json",
    /// No byte of the range is there.
    RangeNotSatisfiable = 416 "range_not_satisfiable" "The range lies outside",
    /// The request is for a host that this server is not.
    UnknownHost = 421 "unknown_host" "This server is not that host",
    /// A field is wrong.
    Invalid = 422 "invalid" "The request is not valid",
    /// The idempotency key was used with another request.
    KeyReused = 422 "idempotency_key_reused" "The idempotency key belongs to another request",
    /// The model refused.
    Rejected = 422 "rejected" "The model refused",
    /// `/ws` wants a WebSocket handshake.
    UpgradeRequired = 426 "upgrade_required" "This is a WebSocket",
    /// The headers are too large.
    HeadersTooLarge = 431 "headers_too_large" "The headers are too large",
    /// A slower pace is asked for.
    Throttled = 429 "throttled" "Slow down",
    /// A bug, or what only an operator can mend.
    Internal = 500 "internal" "The server failed",
    /// Something it needs is not there just now.
    Unavailable = 503 "unavailable" "Try again soon",
    /// It took too long.
    Timeout = 504 "timeout" "It took too long",
    /// There is no space to store more.
    NoSpace = 507 "no_space" "There is no space left",
}

impl Code {
    /// The HTTP status that goes with it.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.status_number()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// A failed request.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// For the log only.
    cause: Option<String>,
}

/// The result of a handler.
pub(crate) type Answer<T = Response> = Result<T, Problem>;

impl Problem {
    /// A failure; `detail` is for the client, and tells what to do next.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let parts =
            Parts { code, detail: detail.into(), errors: Vec::new(), headers: Vec::new(), cause: None };
        let problem = Self(Box::new(parts));
        match code.status() {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                problem.with_header(header::RETRY_AFTER, RETRY_AFTER_S.into())
            }
            StatusCode::INSUFFICIENT_STORAGE => {
                problem.with_header(header::RETRY_AFTER, SPACE_RETRY_AFTER_S.into())
            }
            _ => problem,
        }
    }

    /// A failure of which the client learns no more than that it happened; `cause` goes to the log.
    pub fn internal(cause: impl Into<String>) -> Self {
        hidden(Code::Internal, cause.into())
    }

    /// A request in which these fields are wrong.
    pub(crate) fn fields(code: Code, errors: Vec<FieldError>) -> Self {
        let sentence =
            |error: &FieldError| format!("{} {}", error.pointer.trim_start_matches('/'), error.detail);
        let detail = errors.iter().map(sentence).collect::<Vec<_>>().join("; ");
        let mut problem = Self::new(code, detail.trim_start());
        problem.0.errors = errors;
        problem
    }

    /// A request in which this field is wrong.
    pub(crate) fn field(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::fields(Code::Invalid, vec![FieldError::new(pointer, code, detail)])
    }

    /// The failure of a list, whose whole input is its query.
    pub(crate) fn of_list(error: Error) -> Self {
        match error {
            Error::Invalid(invalid) => Self::fields(Code::BadQuery, invalid.errors().to_vec()),
            Error::NotFound(_)
            | Error::KeyReused
            | Error::NotReady(_)
            | Error::Stale { .. }
            | Error::Port(_) => error.into(),
        }
    }

    #[must_use]
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// What sort of failure it is.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What the client is told to do next.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The fields that are wrong.
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// What the log should say of it beside its code; never for the client.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// Writes it down for the request of `path` below the API's `root`.
    pub(crate) fn render(&self, root: &str, path: &str, request_id: &str) -> Vec<u8> {
        let code = self.code();
        let body = Body {
            kind: format!("{root}/docs#{}", code.name()),
            title: code.title(),
            status: code.status().as_u16(),
            detail: self.detail(),
            instance: format!("{root}{path}"),
            code: code.name(),
            request_id,
            errors: self.errors(),
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    instance: String,
    code: &'static str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl IntoResponse for Problem {
    /// The status and headers; the body follows at the edge, which knows the request.
    fn into_response(self) -> Response {
        let mut response = self.code().status().into_response();
        for (name, value) in &self.0.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(invalid) => invalid.into(),
            Error::NotFound(_) => Self::new(Code::NotFound, error.to_string()),
            Error::KeyReused => Self::new(Code::KeyReused, error.to_string()),
            Error::NotReady(detail) => Self::new(Code::Conflict, detail),
            Error::Stale { current, .. } => {
                let tag = crate::conditional::version_tag(current);
                Self::new(Code::Stale, error.to_string()).with_header(header::ETAG, tag)
            }
            Error::Port(error) => error.into(),
        }
    }
}

impl From<InvalidInput> for Problem {
    fn from(invalid: InvalidInput) -> Self {
        Self::fields(Code::Invalid, invalid.errors().to_vec())
    }
}

impl From<PortError> for Problem {
    fn from(error: PortError) -> Self {
        let code = match error.kind() {
            ErrorKind::NotFound => Code::NotFound,
            ErrorKind::Conflict => Code::Conflict,
            ErrorKind::Invalid => Code::Invalid,
            ErrorKind::Rejected => Code::Rejected,
            ErrorKind::Throttled => Code::Throttled,
            ErrorKind::Unavailable => Code::Unavailable,
            // It was logged when the disk got full: once, and not for each request.
            ErrorKind::Exhausted => return Self::new(Code::NoSpace, NO_SPACE),
            // Our credentials, our data, our bug: nothing the client could change.
            ErrorKind::Denied | ErrorKind::Data | ErrorKind::Internal => Code::Internal,
        };
        if code.status().is_server_error() {
            return hidden(code, chain(&error));
        }
        let mut problem = Self::new(code, error.message());
        if code == Code::Conflict {
            // Too many writers of one thing: the client is told so, and the operator too.
            problem.0.cause = Some(chain(&error));
        }
        problem
    }
}

fn hidden(code: Code, cause: String) -> Problem {
    let detail = if code == Code::Unavailable {
        "something the server needs can't be reached just now; try again"
    } else {
        "the failure was logged under the request's id; an operator can look it up"
    };
    let mut problem = Problem::new(code, detail);
    problem.0.cause = Some(cause);
    problem
}

/// An error and all its causes, for the log.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_error_never_shows_its_cause() {
        let error = PortError::new(ErrorKind::Data, "JobRepo::find", "row 7 of secret.db is bad")
            .with_source(std::io::Error::other("at /home/secret"));
        let problem = Problem::from(error);
        let body = String::from_utf8(problem.render("", "/jobs", "id")).unwrap();
        assert!(!body.contains("secret"), "{body}");
        assert!(problem.cause().unwrap().contains("/home/secret"));
    }

    #[test]
    fn too_many_concurrent_updates_are_a_conflict_that_says_so_and_is_logged() {
        let message = "too many concurrent updates of this image; retry";
        let problem = Problem::from(PortError::new(ErrorKind::Conflict, "MetadataRepo::change", message));
        assert_eq!((problem.code(), problem.detail()), (Code::Conflict, message));
        assert_eq!(
            problem.cause(),
            Some("MetadataRepo::change: too many concurrent updates of this image; retry")
        );
    }

    #[test]
    fn every_kind_of_port_error_has_a_status() {
        let statuses =
            ErrorKind::ALL.map(|kind| Problem::from(PortError::new(kind, "x", "y")).code().status().as_u16());
        assert_eq!(statuses, [404, 409, 422, 422, 500, 429, 503, 507, 500, 500]);
    }

    #[test]
    fn what_is_refused_for_load_says_when_to_come_back() {
        for code in [Code::Throttled, Code::Unavailable, Code::NoSpace] {
            assert!(Problem::new(code, "").into_response().headers().contains_key(header::RETRY_AFTER));
        }
    }
}
