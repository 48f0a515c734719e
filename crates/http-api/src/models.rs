//! `GET /models`: what the models can do, as they say of themselves.

use crate::{access::Owner, api::Api, problem::Answer, query::NoQuery};
use axum::{Json, extract::State, response::IntoResponse};
use serde_json::json;
use std::sync::Arc;

/// `GET /models`
pub(crate) async fn models(State(api): State<Arc<Api>>, _: Owner, _: NoQuery) -> Answer {
    let models = &api.ports.models;
    let cards: Vec<_> = models.cards().collect();
    Ok(Json(json!({ "default": models.default_name(), "models": cards })).into_response())
}
