//! Who may call: decides for API Gateway, before a REST request and before a WebSocket opens. A caller brings an API
//! key or an OIDC token as `Authorization: Bearer ...`; a WebSocket may open with `?ticket=...` instead, because
//! browsers set no header there.

mod fetch;
mod key_set;
mod policy;
mod signature;
mod token;

pub use fetch::{Fetch, FetchError, HttpsFetch};
pub use token::{BadTokenSettings, TokenSettings, TokenVerifier};

use crate::logging::chain;
use aws_lambda_events::apigw::ApiGatewayCustomAuthorizerRequestTypeRequest as Request;
use policy::MethodArn;
use serde_json::Value;
use std::sync::Arc;
use thiserror::Error;
use tintype_core::{
    domain::{OwnerId, Timestamp},
    ports::CredentialRepo,
    use_cases::{find_key_owner, redeem_ticket},
};

/// Why nobody was let in. API Gateway reads the text: exactly `Unauthorized` becomes a 401, anything else a 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No credential, or one that opens nothing.
    #[error("Unauthorized")]
    Unauthorized,
    /// It could not be found out; the log has the cause.
    #[error("the credentials can't be looked up just now")]
    Failed,
}

/// Knows whom a credential stands for.
#[derive(Debug)]
pub struct Authorizer {
    credentials: Arc<dyn CredentialRepo>,
    tokens: Option<TokenVerifier>,
}

impl Authorizer {
    /// An authorizer that takes the keys and tickets of `credentials`, and tokens where it has a verifier of them.
    pub const fn new(credentials: Arc<dyn CredentialRepo>, tokens: Option<TokenVerifier>) -> Self {
        Self { credentials, tokens }
    }

    /// The policy that lets the caller of `request` use all of this API's stage, with the owner as its context: API
    /// Gateway keeps the answer and uses it for the caller's next requests, which go to other routes.
    ///
    /// # Errors
    /// [`Refusal::Unauthorized`] for a missing, unknown, expired or used credential; [`Refusal::Failed`] if a store or
    /// the issuer of tokens can't be asked.
    pub async fn decide(&self, request: &Request, now: Timestamp) -> Result<Value, Refusal> {
        let arn = MethodArn::parse(request.method_arn.as_deref().unwrap_or_default());
        let arn = arn.ok_or(Refusal::Unauthorized)?;
        let owner = match bearer(request) {
            Some(credential) => self.of_bearer(credential, now).await?,
            None if arn.opens_a_socket() => self.of_ticket(request, now).await?,
            None => None,
        };
        owner.map(|owner| arn.allow(&owner)).ok_or(Refusal::Unauthorized)
    }

    /// A key has no dots, a token always has two.
    async fn of_bearer(&self, credential: &str, now: Timestamp) -> Result<Option<OwnerId>, Refusal> {
        match &self.tokens {
            Some(tokens) if credential.contains('.') => tokens.owner(credential, now).await,
            _ => find_key_owner(&*self.credentials, credential, now).await.map_err(failed),
        }
    }

    async fn of_ticket(&self, request: &Request, now: Timestamp) -> Result<Option<OwnerId>, Refusal> {
        match request.query_string_parameters.first("ticket") {
            Some(ticket) => {
                let ticket = redeem_ticket(&*self.credentials, ticket, now).await.map_err(failed)?;
                Ok(ticket.map(|ticket| ticket.owner))
            }
            None => Ok(None),
        }
    }
}

fn bearer(request: &Request) -> Option<&str> {
    let (scheme, credential) = request.headers.get("authorization")?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credential.trim())
}

/// Logs the cause, once.
#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn failed(error: tintype_core::Error) -> Refusal {
    tracing::error!(cause = chain(&error), "a credential can't be looked up");
    Refusal::Failed
}
