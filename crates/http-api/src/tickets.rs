//! `POST /tickets`: a ticket opens one WebSocket for those who can't send their key with the handshake.

use crate::{
    access::Caller,
    api::Api,
    problem::{Answer, Problem},
    query::NoQuery,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use serde_json::json;
use std::sync::Arc;
use tintype_core::{domain::limits, ports::CredentialRepo, use_cases::make_ticket};

/// `POST /tickets`
pub(crate) async fn create(State(api): State<Arc<Api>>, caller: Caller, _: NoQuery) -> Answer {
    let key = caller.key();
    let made = make_ticket(credentials(&api)?, caller.owner, key, api.now(), &api.entropy()).await;
    let (secret, ticket) = made?;
    let body = json!({
        "ticket": secret.as_str(),
        "expires_at": ticket.expires_at,
        "expires_in_s": limits::TICKET_LIFE.as_secs(),
    });
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, no_store, Json(body)).into_response())
}

/// Whom a ticket stands for; nobody afterwards.
///
/// # Errors
/// `unauthorized` if it is unknown, used or too old, or its key was revoked.
#[cfg(feature = "socket")]
pub(crate) async fn redeem(api: &Api, ticket: &str, peer: Option<&crate::peer::Peer>) -> Answer<Caller> {
    let ticket = tintype_core::use_cases::redeem_ticket(credentials(api)?, ticket, api.now()).await?;
    let Some(caller) = ticket.and_then(|ticket| Caller::of_ticket(&api.access, ticket)) else {
        let detail = "the ticket is unknown, used or too old; POST /tickets gives another";
        let refusal = Problem::new(crate::problem::Code::Unauthorized, detail);
        return Err(api.wrong_keys.answer(peer, refusal).await);
    };
    peer.inspect(|peer| peer.authenticated());
    Ok(caller)
}

/// Routes that need it are not in the table where it was not given.
fn credentials(api: &Api) -> Answer<&dyn CredentialRepo> {
    api.credentials.as_deref().ok_or_else(|| Problem::internal("tickets without a store of credentials"))
}
