//! API Gateway's management API as it answers, and as the emulators don't.

use crate::replay::{answering, playing, refusal, silent};
use aws_sdk_apigatewaymanagement::Client;
use aws_smithy_mocks::mock;
use serde_json::json;
use tintype_aws::ApiGatewayNotifier;
use tintype_core::ErrorKind;
use tintype_core::PortResult;
use tintype_core::ports::{Delivery, Notifier};
use tintype_core::views::Message;
use tintype_testkit::samples::{START, job_id};

fn message(text: &str) -> Message {
    Message::transient("image.chunk", Some(job_id(1, 0)), START, json!({ "data": text }))
}

async fn send(client: Client, message: &Message) -> PortResult<Delivery> {
    let connection = "L0SM9cOFvHcCIhw=".parse().expect("a good id");
    ApiGatewayNotifier::new(client).send(&connection, message).await
}

#[tokio::test]
async fn the_message_is_posted_as_clients_read_it() {
    let posted = mock!(Client::post_to_connection)
        .match_requests(|request| {
            let expected = serde_json::to_vec(&message("x")).expect("JSON");
            request.connection_id() == Some("L0SM9cOFvHcCIhw=")
                && request.data().is_some_and(|data| data.as_ref() == expected)
        })
        .sequence()
        .http_status(200, None)
        .build();
    let delivery = send(playing!(aws_sdk_apigatewaymanagement, posted), &message("x")).await;
    assert_eq!(delivery.unwrap(), Delivery::Sent);
}

#[tokio::test]
async fn a_connection_that_is_not_there_is_gone() {
    let never = json!({ "__type": "BadRequestException", "message": "Invalid connectionId: nobody" });
    for (status, body) in [(410, refusal("GoneException")), (410, None), (400, Some(never.to_string()))] {
        let gone = answering!(Client::post_to_connection, (status, body.clone()));
        let delivery = send(playing!(aws_sdk_apigatewaymanagement, gone), &message("x")).await;
        assert_eq!(delivery.unwrap(), Delivery::Gone, "{status} {body:?}");
    }
}

#[tokio::test]
async fn the_codes_of_a_refused_post_have_the_kind_their_caller_acts_on() {
    for (status, code, kind) in [
        (429, "LimitExceededException", ErrorKind::Throttled),
        (429, "NobodyMappedThis", ErrorKind::Throttled),
        (403, "ForbiddenException", ErrorKind::Denied),
        (403, "AccessDeniedException", ErrorKind::Denied),
        (413, "PayloadTooLargeException", ErrorKind::Invalid),
        (500, "InternalServerError", ErrorKind::Unavailable),
        (400, "BadRequestException", ErrorKind::Internal),
        (400, "NobodyMappedThis", ErrorKind::Internal),
    ] {
        let refused = answering!(Client::post_to_connection, (status, refusal(code)));
        let error = send(playing!(aws_sdk_apigatewaymanagement, refused), &message("x")).await;
        assert_eq!(error.expect_err("must fail").kind(), kind, "{status} {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_unavailable() {
    let error = send(silent!(aws_sdk_apigatewaymanagement), &message("x")).await;
    assert_eq!(error.expect_err("must fail").kind(), ErrorKind::Unavailable);
}

/// The client is silent: had the message been sent, the error would be another.
#[tokio::test(start_paused = true)]
async fn a_message_that_is_too_large_is_refused_before_it_is_sent() {
    let large = message(&"A".repeat(128 * 1024));
    let error = send(silent!(aws_sdk_apigatewaymanagement), &large).await.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("131072"), "{error}");
}
