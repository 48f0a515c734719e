//! [`Notifier`] on API Gateway's management API: a POST per message to the connection's own address.

use crate::error::{SdkError, port_error};
use async_trait::async_trait;
use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::operation::post_to_connection::PostToConnectionError;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tintype_core::domain::ConnectionId;
use tintype_core::ports::{Delivery, Notifier};
use tintype_core::views::Message;
use tintype_core::{ErrorKind, PortError, PortResult};

const SEND: &str = "Notifier::send";
/// The most bytes API Gateway passes on in one WebSocket message.
const MESSAGE_BYTES: usize = 128 * 1024;
/// What API Gateway answers with when it closed the connection.
const GONE: u16 = 410;

/// Sends to the connections of one stage of a WebSocket API. The client's endpoint is the stage's own address, such as
/// `https://<api>.execute-api.<region>.amazonaws.com/<stage>`.
#[derive(Clone, Debug)]
pub struct ApiGatewayNotifier {
    client: Client,
}

impl ApiGatewayNotifier {
    /// A notifier for the stage at the client's endpoint.
    pub const fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Notifier for ApiGatewayNotifier {
    async fn send(&self, connection: &ConnectionId, message: &Message) -> PortResult<Delivery> {
        let data = Blob::new(written(message)?);
        let posted =
            self.client.post_to_connection().connection_id(connection.as_str()).data(data).send().await;
        match posted {
            Ok(_) => Ok(Delivery::Sent),
            Err(error) if is_gone(&error) => Ok(Delivery::Gone),
            Err(error) => Err(port_error(SEND, error, own)),
        }
    }
}

/// The message as clients read it. One that is too large is refused here: API Gateway would close the connection.
fn written(message: &Message) -> PortResult<Vec<u8>> {
    let bytes = serde_json::to_vec(message).map_err(|error| {
        PortError::new(ErrorKind::Internal, SEND, "the message can't be written as JSON").with_source(error)
    })?;
    if bytes.len() <= MESSAGE_BYTES {
        return Ok(bytes);
    }
    let message = format!(
        "a {} message has {} bytes; API Gateway passes on {MESSAGE_BYTES} at the most: send it in parts",
        message.kind,
        bytes.len()
    );
    Err(PortError::new(ErrorKind::Invalid, SEND, message))
}

fn is_gone(error: &SdkError<PostToConnectionError>) -> bool {
    let SdkError::ServiceError(answer) = error else { return false };
    let says = |words: &str| answer.err().message().is_some_and(|message| message.contains(words));
    answer.err().is_gone_exception()
        || answer.raw().status().as_u16() == GONE
        // An id that this API never gave out is a bad request to it, not a missing connection.
        || answer.err().code() == Some("BadRequestException") && says("Invalid connectionId")
}

/// API Gateway's codes, beside those that every service has.
fn own(code: &str) -> Option<ErrorKind> {
    match code {
        "ForbiddenException" => Some(ErrorKind::Denied),
        "PayloadTooLargeException" => Some(ErrorKind::Invalid),
        _ => None,
    }
}
