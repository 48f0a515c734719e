//! `rest-api`: the same router as the server's, behind API Gateway. Its authorizer has found the owner already.

use axum::{Router, body::Body, response::Response};
use lambda_http::{
    Request, RequestExt,
    http::{HeaderValue, header::HeaderName},
    request::RequestContext,
};
use tintype_http::AuthorizedOwner;
use tower::ServiceExt;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The largest picture that is answered with its bytes: base64 in a function's answer of at most 6 MB. A larger one is
/// answered with its link, and one made anew is refused.
pub const ANSWER_BYTES: u64 = 4 * 1024 * 1024;

/// Answers `request`, whatever goes wrong with it.
pub async fn handle(router: Router, request: Request) -> Response {
    let Ok(response) = router.oneshot(prepared(request)).await;
    response
}

/// The request as the router takes it: with its owner, and the id under which API Gateway logs it.
fn prepared(request: Request) -> axum::http::Request<Body> {
    let context = request.request_context_ref().cloned();
    let mut request = request.map(|body| Body::from(body.to_vec()));
    if let Some(RequestContext::ApiGatewayV1(context)) = context {
        let owner = context.authorizer.fields.get("owner").and_then(|owner| owner.as_str());
        if let Some(owner) = owner.and_then(|owner| owner.parse().ok()) {
            request.extensions_mut().insert(AuthorizedOwner(owner));
        }
        let id = context.request_id.and_then(|id| HeaderValue::try_from(id).ok());
        if let Some(id) = id {
            request.headers_mut().entry(X_REQUEST_ID).or_insert(id);
        }
    }
    request
}
