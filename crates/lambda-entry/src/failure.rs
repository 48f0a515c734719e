//! Why a function's event was not handled. The error's name is what a state machine's `Retry` and `Catch` go by.

use crate::logging::chain;
use lambda_runtime::Diagnostic;
use tintype_core::{ErrorKind, PortError, domain::JobError};

/// An event that was not handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// `Throttled` and `Unavailable` are tried again, after `Undelivered` just the delivery; with every other the job is
    /// given up.
    pub name: &'static str,
    /// What went wrong, for an operator.
    pub message: String,
}

/// The result of one event.
pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// An event that this function does not understand.
    pub fn bad_event(message: impl Into<String>) -> Self {
        Self { name: "BadEvent", message: message.into() }
    }

    /// The attempt came to nothing, and the job waits for another.
    pub fn requeued(error: Option<&JobError>) -> Self {
        let throttled = error.is_some_and(|error| error.code == ErrorKind::Throttled.code());
        let name = if throttled { "Throttled" } else { "Unavailable" };
        let message = error
            .map_or_else(|| "the job waits for another attempt".to_owned(), |error| error.message.clone());
        Self { name, message }
    }

    /// The job has ended, and somebody who listens could not be told.
    pub fn undelivered() -> Self {
        let message = "the job has ended, and somebody who listens to it could not be told; deliver again";
        Self { name: "Undelivered", message: message.to_owned() }
    }

    /// As [`undelivered`](Self::undelivered), for this reason.
    #[expect(clippy::needless_pass_by_value, reason = "what map_err hands over")]
    pub fn undelivered_for(error: PortError) -> Self {
        tracing::warn!(cause = chain(&error), "somebody could not be told");
        Self::undelivered()
    }
}

/// The name of a kind, as the state machine's definition spells it.
const fn name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "NotFound",
        ErrorKind::Conflict => "Conflict",
        ErrorKind::Invalid => "Invalid",
        ErrorKind::Rejected => "Rejected",
        ErrorKind::Denied => "Denied",
        ErrorKind::Throttled => "Throttled",
        ErrorKind::Unavailable => "Unavailable",
        ErrorKind::Exhausted => "Exhausted",
        ErrorKind::Data => "Data",
        ErrorKind::Internal => "Internal",
    }
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        let name = name(error.kind());
        tracing::error!(error = name, cause = chain(&error), "the event was not handled");
        Self { name, message: error.to_string() }
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.name.to_owned(), error_message: failure.message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use tintype_core::domain::limits;

    fn states() -> Value {
        let definition = include_str!("../../../statemachine/generate-image.asl.json");
        serde_json::from_str::<Value>(definition).unwrap()["States"].take()
    }

    /// What the state machine tries again, read from its definition.
    fn retried() -> Vec<String> {
        let names = &states()["GenerateImage"]["Retry"][0]["ErrorEquals"];
        serde_json::from_value(names.clone()).unwrap()
    }

    #[test]
    fn the_state_machine_tries_as_often_as_a_job_is_begun_and_waits_as_the_core_does() {
        for retry in states()["GenerateImage"]["Retry"].as_array().unwrap() {
            assert_eq!(retry["MaxAttempts"], limits::ATTEMPTS_MAX - 1);
            assert_eq!(retry["IntervalSeconds"], limits::BACKOFF_BASE.as_secs());
            assert_eq!(retry["MaxDelaySeconds"], limits::BACKOFF_MAX.as_secs());
            assert_eq!((&retry["BackoffRate"], &retry["JitterStrategy"]), (&2.into(), &"FULL".into()));
        }
    }

    #[test]
    fn after_an_end_that_was_not_told_the_state_machine_delivers_and_gives_nothing_up() {
        let catches = &states()["GenerateImage"]["Catch"];
        assert_eq!(catches[0]["ErrorEquals"][0], Failure::undelivered().name);
        assert_eq!(catches[0]["Next"], "Deliver");
        assert!(!retried().contains(&Failure::undelivered().name.to_owned()));
    }

    #[test]
    fn the_state_machine_tries_again_what_may_pass_and_nothing_else() {
        for kind in ErrorKind::ALL {
            assert_eq!(retried().contains(&name(kind).to_owned()), kind.is_retryable(), "{kind:?}");
        }
    }

    #[test]
    fn a_job_that_waits_for_another_attempt_fails_under_a_name_that_is_tried_again() {
        let error = |code: &str| JobError { code: code.into(), message: "m".into(), retryable: true };
        assert_eq!(Failure::requeued(Some(&error("throttled"))).name, "Throttled");
        for failure in [Failure::requeued(Some(&error("data"))), Failure::requeued(None)] {
            assert!(retried().contains(&failure.name.to_owned()));
        }
    }
}
