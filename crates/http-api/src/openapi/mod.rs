//! The OpenAPI 3.1 document: its paths from the table of routes, its limits from the domain and the models' cards.

pub(crate) mod operation;
mod parameters;
mod schemas;

use crate::{
    access::Access,
    api::Api,
    memory::Accounted,
    problem::Code,
    routes::{Route, routes},
};
use axum::{
    Extension,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// `GET /openapi.json`
pub(crate) async fn document(State(api): State<Arc<Api>>) -> Response {
    // Written once, and shared by all who ask for it: it needs no key, and would be memory for each.
    let text = api.document.get_or_init(|| build(&api).to_string().into()).clone();
    ([(header::CONTENT_TYPE, "application/json")], Extension(Accounted), text).into_response()
}

/// The document of this server.
pub(crate) fn build(api: &Api) -> Value {
    let codes: Vec<_> = Code::ALL.iter().map(|code| format!("`{}`", code.name())).collect();
    // The root of the document's own host, unless it is known to be elsewhere.
    let root = if api.public_url.is_empty() { "/" } else { &api.public_url };
    json!({
        "openapi": "3.1.0",
        "servers": [{ "url": root }],
        "info": {
            "title": "Tintype",
            "version": env!("CARGO_PKG_VERSION"),
            "description": format!(
                "Asynchronous image generation and management. Every failure is `application/problem+json`; \
                 its `code` is one of: {}.", codes.join(", ")),
        },
        "paths": paths(api),
        "components": {
            "schemas": schemas::schemas(api),
            "parameters": parameters::all(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "apiKey": { "type": "apiKey", "in": "header", "name": "X-Api-Key" },
            },
            "responses": { "Problem": {
                "description": "What went wrong, and what to do next",
                "content": { "application/problem+json": { "schema": operation::schema_ref("Problem") } },
            } },
        },
    })
}

fn paths(api: &Api) -> Value {
    let with_keys = match api.access {
        Access::Open => false,
        Access::Keys(_) | Access::Trusted => true,
    };
    let mut paths: Map<String, Value> = Map::new();
    for Route { method, path, operation, .. } in routes(api) {
        let item = paths.entry(path.replace("{*", "{")).or_insert_with(|| json!({}));
        item[method.as_str().to_ascii_lowercase()] = operation.to_json(path, with_keys);
    }
    Value::Object(paths)
}
