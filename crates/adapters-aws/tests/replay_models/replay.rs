//! Answers of a service, and clients that give them.

use aws_smithy_types::retry::RetryConfig;
use serde_json::{Value, json};

/// The body of an error answer with this code, as JSON services write it.
pub(crate) fn refusal(code: &str) -> Option<String> {
    Some(json!({ "__type": code, "message": "as the test wants it" }).to_string())
}

/// The body of an answer.
pub(crate) fn body(value: &Value) -> Option<String> {
    Some(value.to_string())
}

/// One attempt only: the test plays one answer.
pub(crate) fn once() -> RetryConfig {
    RetryConfig::disabled()
}

/// A client that gives these answers in this order and never repeats a call.
macro_rules! playing {
    ($service:ident, $($rule:expr),+) => {
        aws_smithy_mocks::mock_client!(
            $service,
            aws_smithy_mocks::RuleMode::Sequential,
            &[$(&$rule),+],
            |config| config.retry_config(crate::replay::once())
        )
    };
}
pub(crate) use playing;

/// A rule that answers a call with these statuses and bodies, one after the other.
macro_rules! answering {
    ($call:expr, $(($status:expr, $body:expr)),+) => {
        aws_smithy_mocks::mock!($call).sequence()$(.http_status($status, $body))+.build()
    };
}
pub(crate) use answering;

/// A client whose service never answers.
macro_rules! silent {
    ($service:ident) => {
        $service::Client::from_conf(
            $service::Config::builder()
                .with_test_defaults_v2()
                .http_client(aws_smithy_http_client::test_util::NeverClient::new())
                .retry_config(crate::replay::once())
                .timeout_config(
                    aws_smithy_types::timeout::TimeoutConfig::builder()
                        .operation_attempt_timeout(std::time::Duration::from_secs(5))
                        .build(),
                )
                .build(),
        )
    };
}
pub(crate) use silent;
