//! `/images/{id}/similar` and `/images/by-meaning`: saved images that look like one of them, or mean what a text means.

use crate::{
    access::Owner,
    api::Api,
    path::PathParts,
    problem::{Answer, Code, Problem},
    query::Query,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use tintype_core::{
    domain::TextQuery,
    use_cases::{Alike, Found, Meaning, images_by_meaning, similar_images},
    views::ImageView,
};

/// The parameters of `GET /images/{id}/similar`.
pub(crate) const PARAMETERS: &[&str] = &["limit"];

/// The parameters of `GET /images/by-meaning`.
pub(crate) const MEANING_PARAMETERS: &[&str] = &["q", "limit"];

/// An image, and how near to what was asked about it is.
#[derive(Serialize)]
struct FoundView {
    #[serde(flatten)]
    image: ImageView,
    /// From 1, the same, down.
    score: f32,
}

/// `GET /images/{id}/similar`
pub(crate) async fn similar(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    path: PathParts,
    mut query: Query,
    alike: Alike,
) -> Answer<Response> {
    let limit = query.limit();
    query.finish(PARAMETERS)?;
    let _turn = api.gates.list().await?;
    let found = similar_images(&api.ports, &alike, &owner, &path.image()?, limit, api.now()).await?;
    let items = views(&api, found).await?;
    Ok(axum::Json(json!({ "items": items })).into_response())
}

/// `GET /images/by-meaning`
pub(crate) async fn by_meaning(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    mut query: Query,
    meaning: Meaning,
) -> Answer<Response> {
    let limit = query.limit();
    let text = query.text("q").unwrap_or_default();
    // Not what a search by words makes of it, but its limits.
    query.check(TextQuery::parse(&text));
    query.finish(MEANING_PARAMETERS)?;
    let _turn = api.gates.list().await?;
    let answer = images_by_meaning(&api.ports, &meaning, &owner, &text, limit, api.now()).await?;
    let items = views(&api, answer.found).await?;
    Ok(axum::Json(json!({ "items": items, "unknown": answer.unknown })).into_response())
}

/// `GET /images/by-meaning` where there is no such search.
pub(crate) async fn no_meaning() -> Problem {
    Problem::new(
        Code::NoSuchRoute,
        "this server has no search by meaning; `q` of GET /images searches by words",
    )
}

async fn views(api: &Api, found: Vec<Found>) -> Answer<Vec<FoundView>> {
    let mut views = Vec::with_capacity(found.len());
    for found in found {
        let image = ImageView::of(found.image, &*api.ports.links, api.now()).await?;
        views.push(FoundView { image, score: found.score });
    }
    Ok(views)
}
