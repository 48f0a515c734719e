//! The errors of a port call and of a use case. What a reader sees and what a log sees are kept apart:
//! `Display` never prints a source; the entry that logs an error walks the chain, once.

use crate::domain::{InvalidInput, Refusal};
use std::error::Error as StdError;

/// The boxed cause behind a [`PortError`].
pub type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// The result of a port call.
pub type PortResult<T> = Result<T, PortError>;

/// What the caller of a port does next. A kind exists only where a caller acts differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The named thing does not exist, or not for this owner. Don't retry.
    NotFound,
    /// Another writer came first, or the writer lost its right to write. Re-read, then decide.
    Conflict,
    /// The request is wrong and stays wrong. The caller must change it.
    Invalid,
    /// The model refused the prompt. Show the reason; never retry.
    Rejected,
    /// Credentials or policy forbid the call. An operator must act.
    Denied,
    /// The service asks for a slower pace. Retry with back-off.
    Throttled,
    /// The service is unreachable, slow or failing. Retry with back-off.
    Unavailable,
    /// There is no space to store more. Free some, or wait until somebody has: reads and deletes still work. A job waits and
    /// the attempt does not count.
    Exhausted,
    /// Stored data cannot be read back as what was written. An operator must act.
    Data,
    /// A bug in this program, or a vendor's code that nobody has mapped yet.
    Internal,
}

impl ErrorKind {
    /// Every kind, for tables and tests.
    pub const ALL: [Self; 10] = [
        Self::NotFound,
        Self::Conflict,
        Self::Invalid,
        Self::Rejected,
        Self::Denied,
        Self::Throttled,
        Self::Unavailable,
        Self::Exhausted,
        Self::Data,
        Self::Internal,
    ];

    /// Whether the very same call may succeed later.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable | Self::Exhausted)
    }

    /// The kind as clients and logs see it, in snake case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::Rejected => "rejected",
            Self::Denied => "denied",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Exhausted => "no_space",
            Self::Data => "data",
            Self::Internal => "internal",
        }
    }
}

/// A failed port call.
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct PortError {
    kind: ErrorKind,
    operation: &'static str,
    message: String,
    source: Option<BoxError>,
}

impl PortError {
    /// An error of `operation`, such as `"ImageStore::get"`. The message is for a person and holds no secret.
    pub fn new(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self { kind, operation, message: message.into(), source: None }
    }

    /// Attaches the vendor's error as the cause; `Display` does not show it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Says before the message what the call was about, where the caller knows more of it: `image 0198...`.
    #[must_use]
    pub fn about(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// What the caller does next.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The port and method that failed.
    pub const fn operation(&self) -> &'static str {
        self.operation
    }

    /// What went wrong, for a person.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// See [`ErrorKind::is_retryable`].
    pub const fn is_retryable(&self) -> bool {
        self.kind.is_retryable()
    }
}

/// The result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a use case did not do what it was asked. Each variant is one answer to the client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is wrong; every field that is wrong is named.
    #[error("the input is not valid")]
    Invalid(#[from] InvalidInput),
    /// There is no such thing for this owner.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The idempotency key was used before with another request.
    #[error("this idempotency key was used with a different request")]
    KeyReused,
    /// The thing is not in a state that allows this.
    #[error("{0}")]
    NotReady(String),
    /// The caller's version is not the stored one (`If-Match` failed).
    #[error("the {what} was changed by another request; its version is now {}", current.0)]
    Stale {
        /// The kind of resource, as in `image`.
        what: &'static str,
        /// The version that is stored now.
        current: crate::domain::Version,
    },
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl Error {
    /// What a refused change of a collection means.
    pub(crate) fn of_collection(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Stale { current } => Self::Stale { what: "collection", current },
            refusal @ (Refusal::NotFound(_) | Refusal::Invalid(_)) => refusal.into(),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound(what) => Self::NotFound(what),
            Refusal::Invalid(invalid) => Self::Invalid(invalid),
            Refusal::Stale { current } => Self::Stale { what: "image", current },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_never_prints_the_source() {
        let error = PortError::new(ErrorKind::Data, "ImageStore::get", "the bytes do not match their hash")
            .with_source(std::io::Error::other("secret detail"));
        assert_eq!(error.to_string(), "ImageStore::get: the bytes do not match their hash");
        assert!(StdError::source(&error).is_some());
    }

    #[test]
    fn only_throttled_unavailable_and_exhausted_are_retryable() {
        let retryable: Vec<_> = ErrorKind::ALL.into_iter().filter(|kind| kind.is_retryable()).collect();
        assert_eq!(retryable, [ErrorKind::Throttled, ErrorKind::Unavailable, ErrorKind::Exhausted]);
    }
}
