//! CloudFormation's answer: a small document, put at a URL that it signed.

use super::Event;
use crate::{
    failure::{Failure, Outcome},
    logging::chain,
};
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{http::HttpConnector, orchestrator::HttpRequest};
use aws_smithy_types::body::SdkBody;
use serde_json::json;

/// The longest reason that CloudFormation shows.
const REASON_CHARS: usize = 1_000;

/// What sends the answer.
pub fn responder() -> Connector {
    Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
}

/// Tells CloudFormation how `event` ended: well, or not for this reason.
///
/// # Errors
/// If it can't be told: CloudFormation then waits until its patience ends.
pub async fn answer(connector: &impl HttpConnector, event: &Event, failed: Option<&str>) -> Outcome<()> {
    let mut request = HttpRequest::new(SdkBody::from(document(event, failed)));
    let untold = |cause: String| Failure {
        name: "Unavailable",
        message: format!("CloudFormation was not told: {cause}"),
    };
    request.set_method("PUT").map_err(|error| untold(chain(&error)))?;
    request.set_uri(event.response_url.as_str()).map_err(|error| untold(chain(&error)))?;
    // The URL was signed without a content type.
    request.headers_mut().insert("content-type", "");
    let response = connector.call(request).await.map_err(|error| untold(chain(&error)))?;
    if response.status().is_success() {
        return Ok(());
    }
    Err(untold(format!("it answered with {}", response.status().as_u16())))
}

fn document(event: &Event, failed: Option<&str>) -> String {
    let reason: String = failed.unwrap_or_default().chars().take(REASON_CHARS).collect();
    json!({
        "Status": if failed.is_some() { "FAILED" } else { "SUCCESS" },
        "Reason": reason,
        "PhysicalResourceId": "page",
        "StackId": event.stack_id,
        "RequestId": event.request_id,
        "LogicalResourceId": event.logical_resource_id,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        let event = json!({
            "RequestType": "Create", "ResponseURL": "https://answers/", "StackId": "s", "RequestId": "r",
            "LogicalResourceId": "Page", "ResourceType": "AWS::CloudFormation::CustomResource",
            "ResourceProperties": { "ServiceToken": "t", "Api": "https://a", "WebSocket": "wss://w" },
        });
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn a_failure_is_told_with_its_reason() {
        let text = document(&event(), Some(&"x".repeat(5_000)));
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&document["Status"], &document["RequestId"]), (&json!("FAILED"), &json!("r")));
        assert!(text.len() < 4_096, "CloudFormation takes no more");
    }
}
