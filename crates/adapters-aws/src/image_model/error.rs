//! What went wrong at a model: one map for SageMaker and Bedrock. Messages reach the owners of jobs, so they name what
//! to do and no resource; the vendor's own words go to the log.

use super::GENERATE;
use crate::error::{SdkError, port_error};
use aws_sdk_bedrockruntime::operation::invoke_model::InvokeModelError;
use aws_sdk_sagemakerruntime::operation::invoke_endpoint::InvokeEndpointError;
use aws_sdk_sagemakerruntime::operation::invoke_endpoint_async::InvokeEndpointAsyncError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error as StdError;
use tintype_core::{ErrorKind, PortError};

/// Why a model gave no picture.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It did not understand the form of the request: another form may do.
    Form(PortError),
    /// Any other reason.
    Otherwise(PortError),
}

impl Failed {
    pub(crate) fn into_error(self) -> PortError {
        match self {
            Self::Form(error) | Self::Otherwise(error) => error,
        }
    }
}

impl From<PortError> for Failed {
    fn from(error: PortError) -> Self {
        Self::Otherwise(error)
    }
}

/// An error that may hold what the model itself answered.
pub(crate) trait ModelFailure: ProvideErrorMetadata + StdError + Send + Sync + 'static {
    /// The model's own status and words, where it was the model that failed.
    fn of_model(&self) -> Option<(u16, &str)>;
}

impl ModelFailure for InvokeEndpointError {
    fn of_model(&self) -> Option<(u16, &str)> {
        let Self::ModelError(error) = self else { return None };
        let words = error.original_message().or(error.message()).unwrap_or_default();
        Some((status(error.original_status_code()), words))
    }
}

impl ModelFailure for InvokeModelError {
    fn of_model(&self) -> Option<(u16, &str)> {
        let Self::ModelErrorException(error) = self else { return None };
        Some((status(error.original_status_code()), error.message().unwrap_or_default()))
    }
}

impl ModelFailure for InvokeEndpointAsyncError {
    /// The model is not asked yet.
    fn of_model(&self) -> Option<(u16, &str)> {
        None
    }
}

/// A model that fails without a status has failed.
fn status(code: Option<i32>) -> u16 {
    code.and_then(|code| u16::try_from(code).ok()).unwrap_or(500)
}

/// The error of a call to a model.
pub(crate) fn failed<E: ModelFailure>(error: SdkError<E>) -> Failed {
    let Some((kind, message, form)) = meaning(&error) else {
        return Failed::Otherwise(port_error(GENERATE, error, |_| None));
    };
    let error = PortError::new(kind, GENERATE, message).with_source(error);
    if form { Failed::Form(error) } else { Failed::Otherwise(error) }
}

/// The kind, what a person reads, and whether the request's form was at fault. `None` leaves the error to what all
/// services share.
fn meaning<E: ModelFailure>(error: &SdkError<E>) -> Option<(ErrorKind, &'static str, bool)> {
    let known = |(kind, message)| (kind, message, false);
    match error {
        SdkError::TimeoutError(_) => Some(known(SILENT)),
        SdkError::ServiceError(answer) => match answer.err().of_model() {
            Some((_, words)) if is_refusal(words) => Some(known(REFUSED)),
            Some((status, words)) => {
                let (kind, message) = of_status(status);
                Some((kind, message, is_about_form(status, words)))
            }
            None => of_code(answer.err().code()?, answer.err().message().unwrap_or_default()).map(known),
        },
        // Whether the call came through at all; and what the SDK's open enum adds.
        SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) | _ => {
            None
        }
    }
}

type Meaning = (ErrorKind, &'static str);

const REFUSED: Meaning = (ErrorKind::Rejected, "the model's filter refused the prompt; change it");
const SILENT: Meaning = (
    ErrorKind::Unavailable,
    "the model did not answer in time; ask for fewer steps or a smaller picture, or use an asynchronous endpoint",
);

/// What the model's own status means.
const fn of_status(status: u16) -> Meaning {
    match status {
        401 | 403 => (ErrorKind::Denied, "the model's server wants credentials that it was not given"),
        408 | 504 => SILENT,
        413 => (ErrorKind::Invalid, "the request is too large for the model; shorten the prompt"),
        429 => (ErrorKind::Throttled, "the model asks for a slower pace"),
        400..=499 => (
            ErrorKind::Invalid,
            "the model does not take this request; ask for another size or fewer steps, or look at its configured shape",
        ),
        _ => (ErrorKind::Unavailable, "the model failed; its own log says why"),
    }
}

/// What a code of SageMaker's or Bedrock's own means.
fn of_code(code: &str, words: &str) -> Option<Meaning> {
    match code {
        "ModelNotReadyException" => Some((ErrorKind::Unavailable, "the model is still being loaded")),
        "ModelTimeoutException" => Some(SILENT),
        "ServiceQuotaExceededException" => Some((
            ErrorKind::Throttled,
            "the account's quota for this model is used up; wait, or have it raised",
        )),
        "InternalDependencyException" => {
            Some((ErrorKind::Unavailable, "a service that the endpoint needs has trouble of its own"))
        }
        // SageMaker's: the endpoint's name. Bedrock's: the model's, or that this account may not use it.
        "ValidationError" | "ResourceNotFoundException" => Some((
            ErrorKind::Denied,
            "there is no such model in service; look at the configured endpoint or model",
        )),
        "ValidationException" if is_refusal(words) => Some(REFUSED),
        "ValidationException" => {
            Some((ErrorKind::Invalid, "the model does not take this request; ask for another size or prompt"))
        }
        _ => None,
    }
}

/// The error of an asynchronous call, of which no more is told than a sentence with the model's status in it, such as
/// `ClientError: Received client error (400) from model.`
pub(crate) fn of_sentence(words: &str) -> PortError {
    let status = words.split_once("error (").and_then(|(_, rest)| rest.get(..3)?.parse().ok());
    let (kind, message) = if is_refusal(words) { REFUSED } else { of_status(status.unwrap_or(500)) };
    PortError::new(kind, GENERATE, message).with_source(words.to_owned())
}

/// Whether a model says in `words` that it will not draw this prompt.
fn is_refusal(words: &str) -> bool {
    const SIGNS: [&str; 11] = [
        "content_moderation",
        "content moderation",
        "content_filter",
        "content filter",
        "content policy",
        "filter reason",
        "invalid_prompts",
        "nsfw",
        "responsible ai",
        "safety filter",
        "safety system",
    ];
    let words = words.to_ascii_lowercase();
    SIGNS.iter().any(|sign| words.contains(sign))
}

/// Whether a model says that it did not understand the request: by its status, or as Python programs do that found no
/// such field.
fn is_about_form(status: u16, words: &str) -> bool {
    const SIGNS: [&str; 4] = ["keyerror", "jsondecodeerror", "unsupportedformat", "unsupported content type"];
    let words = words.to_ascii_lowercase();
    matches!(status, 400 | 415 | 422) || SIGNS.iter().any(|sign| words.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_known_by_its_words() {
        for words in [
            "{\"name\": \"content_moderation\", \"message\": \"Your request was flagged\"}",
            "This request has been blocked by our content filters. Our filters automatically flagged this prompt",
            "... may conflict our AUP or AWS Responsible AI Policy.",
            "Potential NSFW content was detected",
        ] {
            assert!(is_refusal(words), "{words}");
        }
        for words in ["KeyError: 'prompt'", "unexpected keyword argument 'safety_checker'", ""] {
            assert!(!is_refusal(words), "{words}");
        }
    }

    #[test]
    fn a_sentence_about_an_asynchronous_call_has_the_kind_its_caller_acts_on() {
        for (words, kind) in [
            ("ClientError: Received client error (400) from model.", ErrorKind::Invalid),
            ("ClientError: Received client error (429) from model.", ErrorKind::Throttled),
            ("ServerError: Received server error (503) from model.", ErrorKind::Unavailable),
            ("ClientError: Received client error (400) from model. content_moderation", ErrorKind::Rejected),
            ("The request timed out", ErrorKind::Unavailable),
            ("", ErrorKind::Unavailable),
        ] {
            assert_eq!(of_sentence(words).kind(), kind, "{words}");
        }
    }

    #[test]
    fn a_form_that_was_not_understood_is_known_by_status_or_words() {
        assert!(is_about_form(400, "") && is_about_form(415, "") && is_about_form(422, ""));
        assert!(is_about_form(500, "KeyError: 'text_prompts'"));
        assert!(!is_about_form(500, "CUDA out of memory") && !is_about_form(404, ""));
    }
}
