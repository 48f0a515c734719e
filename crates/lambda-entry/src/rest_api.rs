//! `rest-api`: the same router as the server's, behind API Gateway. Its authorizer has found the owner already.

use axum::{Router, body::Body, response::Response};
use lambda_http::{
    Request, RequestExt,
    aws_lambda_events::apigw::ApiGatewayProxyRequestContext,
    http::{HeaderValue, header::HeaderName},
    request::RequestContext,
};
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Mutex, PoisonError},
};
use tintype_http::{Api, AuthorizedOwner, router};
use tower::ServiceExt;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The largest picture that is answered with its bytes: base64 in a function's answer of at most 6 MB. A larger one is
/// answered with its link, and one made anew is refused.
pub const ANSWER_BYTES: u64 = 4 * 1024 * 1024;

/// Of how many URLs the routers are kept.
const ROUTERS_MAX: usize = 8;

/// The API, at each URL under which it is asked: what it names must be found from there.
#[derive(Debug)]
pub struct PublicApi {
    api: Api,
    /// Where clients find it, if the operator said so.
    url: Option<String>,
    /// By URL. API Gateway knows few: its own, and those of custom domains.
    routers: Mutex<HashMap<String, Router>>,
}

impl PublicApi {
    /// `api` at `url`; without one at whatever URL API Gateway is asked under.
    pub fn new(api: Api, url: Option<String>) -> Self {
        Self { api, url, routers: Mutex::default() }
    }

    /// Answers `request`.
    ///
    /// # Errors
    /// None: the router answers every failure.
    pub async fn handle(&self, request: Request) -> Result<Response, Infallible> {
        let context = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV1(context)) => Some(context.clone()),
            _ => None,
        };
        let router = self.router(context.as_ref());
        router.oneshot(prepared(request, context)).await
    }

    fn router(&self, context: Option<&ApiGatewayProxyRequestContext>) -> Router {
        let url = self.url.clone().or_else(|| context.and_then(asked_at)).unwrap_or_default();
        let mut routers = self.routers.lock().unwrap_or_else(PoisonError::into_inner);
        if routers.len() >= ROUTERS_MAX && !routers.contains_key(&url) {
            // Of a domain with a wildcard there is no end.
            routers.clear();
        }
        let make = |url: &String| router(self.api.clone().with_public_url(url));
        routers.entry(url).or_insert_with_key(make).clone()
    }
}

/// The URL of the API that a request was sent to. On a domain of API Gateway's own it has the stage in its path, on a
/// custom domain, mapped to its root, it has not.
fn asked_at(context: &ApiGatewayProxyRequestContext) -> Option<String> {
    let domain = context.domain_name.as_ref()?;
    let own = context.apiid.is_some() && context.domain_prefix == context.apiid;
    let stage = context.stage.as_ref().filter(|_| own);
    Some(stage.map_or_else(|| format!("https://{domain}"), |stage| format!("https://{domain}/{stage}")))
}

/// The request as the router takes it: with its owner, and the id under which API Gateway logs it.
fn prepared(request: Request, context: Option<ApiGatewayProxyRequestContext>) -> axum::http::Request<Body> {
    let mut request = request.map(|body| Body::from(body.to_vec()));
    if let Some(context) = context {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// The URL that API Gateway's request context tells, with these changes.
    fn url(changes: &Value) -> Option<String> {
        let mut context = json!({
            "apiId": "abc123",
            "domainName": "abc123.execute-api.eu-west-1.amazonaws.com",
            "domainPrefix": "abc123",
            "httpMethod": "GET",
            "path": "/v1/jobs",
            "requestTimeEpoch": 1_769_860_800_000_i64,
            "resourcePath": "/{proxy+}",
            "stage": "v1",
        });
        context.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        asked_at(&serde_json::from_value(context).unwrap())
    }

    #[test]
    fn on_its_own_domain_the_api_is_below_its_stage() {
        let own = "https://abc123.execute-api.eu-west-1.amazonaws.com/v1";
        assert_eq!(url(&json!({})).as_deref(), Some(own));
    }

    #[test]
    fn on_a_custom_domain_it_is_at_the_root() {
        let custom =
            json!({ "domainName": "pictures.example.com", "domainPrefix": "pictures", "path": "/jobs" });
        assert_eq!(url(&custom).as_deref(), Some("https://pictures.example.com"));
    }

    #[test]
    fn where_no_domain_is_told_there_is_no_url() {
        assert_eq!(url(&json!({ "domainName": null })), None);
    }
}
