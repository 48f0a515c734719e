//! `/collections`: named sets of saved images.

use crate::{
    access::Owner,
    api::Api,
    body::Json,
    conditional::{expected_versions, record_headers, unchanged},
    path::PathParts,
    problem::Answer,
    query::NoQuery,
};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use std::sync::Arc;
use tintype_core::{
    domain::{Collection, CollectionEdit},
    use_cases::{delete_collection, edit_collection, find_collection, list_collections, make_collection},
    views::CollectionView,
};

/// `GET /collections`
pub(crate) async fn list(State(api): State<Arc<Api>>, Owner(owner): Owner, _: NoQuery) -> Answer {
    let _turn = api.gates.list().await?;
    let collections = list_collections(&api.ports, &owner).await?;
    let items: Vec<_> = collections.into_iter().map(CollectionView::from).collect();
    Ok(axum::Json(json!({ "items": items })).into_response())
}

/// `POST /collections`
pub(crate) async fn make(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    _: NoQuery,
    Json(edit): Json<CollectionEdit>,
) -> Answer {
    let collection = make_collection(&api.ports, owner, &edit, api.now(), &api.entropy()).await?;
    let location = HeaderValue::try_from(format!("{}/collections/{}", api.public_url, collection.id));
    let mut response = answer(StatusCode::CREATED, collection);
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// `GET /collections/{id}`
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    path: PathParts,
    _: NoQuery,
    headers: HeaderMap,
) -> Answer {
    let collection = find_collection(&api.ports, &owner, &path.collection()?).await?;
    let unchanged = unchanged(&headers, collection.version);
    Ok(unchanged.unwrap_or_else(|| answer(StatusCode::OK, collection)))
}

/// `PATCH /collections/{id}`
pub(crate) async fn edit(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    path: PathParts,
    _: NoQuery,
    headers: HeaderMap,
    Json(edit): Json<CollectionEdit>,
) -> Answer {
    let (id, expected) = (path.collection()?, expected_versions(&headers)?);
    let edited = edit_collection(&api.ports, &owner, &id, &edit, expected.as_deref(), api.now()).await?;
    Ok(answer(StatusCode::OK, edited))
}

/// `DELETE /collections/{id}`
pub(crate) async fn delete(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    path: PathParts,
    _: NoQuery,
    headers: HeaderMap,
) -> Answer {
    let (id, expected) = (path.collection()?, expected_versions(&headers)?);
    delete_collection(&api.ports, &owner, &id, expected.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A collection with its tag.
fn answer(status: StatusCode, collection: Collection) -> Response {
    (status, record_headers(collection.version), axum::Json(CollectionView::from(collection))).into_response()
}
