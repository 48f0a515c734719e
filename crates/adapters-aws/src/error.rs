//! What went wrong, in the words of the ports. One function for what all services share; each adapter adds the codes
//! of its own service. A code that nobody has mapped is `Internal`: guessing that it may pass would retry for ever.

use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error as StdError;
use tintype_core::{ErrorKind, PortError};

/// The SDK's error of a call whose service answers over HTTP.
pub(crate) type SdkError<E> =
    aws_sdk_dynamodb::error::SdkError<E, aws_sdk_dynamodb::config::http::HttpResponse>;

/// `error` of `operation`, such as `"ImageStore::put"`. `own` knows the codes that mean something particular for this
/// service or call; `None` leaves a code to what all services share.
pub(crate) fn port_error<E>(
    operation: &'static str,
    error: SdkError<E>,
    own: impl FnOnce(&str) -> Option<ErrorKind>,
) -> PortError
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let (kind, message) = meaning(&error, own);
    PortError::new(kind, operation, message).with_source(error)
}

/// What the caller does next, and what a person reads. Messages reach the owners of jobs: they name no resource.
fn meaning<E: ProvideErrorMetadata>(
    error: &SdkError<E>,
    own: impl FnOnce(&str) -> Option<ErrorKind>,
) -> (ErrorKind, String) {
    match error {
        SdkError::ConstructionFailure(_) => (ErrorKind::Internal, "the request can't be built".to_owned()),
        SdkError::TimeoutError(_) => {
            (ErrorKind::Unavailable, "the service did not answer in time".to_owned())
        }
        SdkError::DispatchFailure(failure) if failure.is_user() => {
            (ErrorKind::Internal, "the request can't be sent".to_owned())
        }
        SdkError::DispatchFailure(_) => (ErrorKind::Unavailable, "the service can't be reached".to_owned()),
        SdkError::ResponseError(_) => {
            (ErrorKind::Unavailable, "the service's answer can't be read".to_owned())
        }
        SdkError::ServiceError(answer) => {
            let (code, status) = (answer.err().code().unwrap_or("none"), answer.raw().status().as_u16());
            let kind = own(code).or_else(|| shared(code)).unwrap_or_else(|| by_status(status));
            (kind, format!("{} ({code})", describe(kind)))
        }
        // The SDK's enum is open; what it adds is not known here.
        _ => (ErrorKind::Internal, "the call failed in a way that is not known here".to_owned()),
    }
}

/// The codes that mean the same in every service.
fn shared(code: &str) -> Option<ErrorKind> {
    match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "LimitExceededException"
        | "SlowDown" => Some(ErrorKind::Throttled),
        "AccessDenied"
        | "AccessDeniedException"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "MissingAuthenticationToken" => Some(ErrorKind::Denied),
        "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "InternalFailure"
        | "InternalError"
        | "InternalServerError"
        | "InternalServerException"
        | "RequestTimeout"
        | "RequestTimeoutException" => Some(ErrorKind::Unavailable),
        _ => None,
    }
}

fn by_status(status: u16) -> ErrorKind {
    match status {
        429 => ErrorKind::Throttled,
        500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    }
}

const fn describe(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "the service does not have it",
        ErrorKind::Conflict => "another writer came first",
        ErrorKind::Invalid => "the service does not take the request",
        ErrorKind::Rejected => "the model refused the prompt",
        ErrorKind::Denied => "this function may not make the call; look at its policy",
        ErrorKind::Throttled => "the service asks for a slower pace",
        ErrorKind::Unavailable => "the service has trouble of its own",
        ErrorKind::Exhausted => "the service has no space left",
        ErrorKind::Data => "what the service holds can't be read",
        ErrorKind::Internal => "the service refused the call in a way that is not known here",
    }
}
