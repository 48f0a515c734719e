//! The gallery's files. They are handed in as data, so that this crate does not know where they come from.

use crate::{
    api::Api,
    conditional::has_already,
    memory::Accounted,
    path::PathParts,
    problem::{Answer, Code, Problem},
};
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use bytes::Bytes;
use std::sync::Arc;
use tintype_core::domain::BlobId;

/// One file of the gallery.
#[derive(Clone, Debug)]
pub struct PageFile {
    path: String,
    content_type: &'static str,
    bytes: Bytes,
    tag: String,
}

impl PageFile {
    /// The file at `path`: `index.html`, or one below `assets/`.
    pub fn new(path: impl Into<String>, content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { path: path.into(), content_type, tag: format!("\"{}\"", BlobId::of(&bytes)), bytes }
    }
}

/// `GET /`
pub(crate) async fn index(State(api): State<Arc<Api>>, headers: HeaderMap) -> Answer {
    serve(&api, "index.html", &headers)
}

/// `GET /assets/{*path}`
pub(crate) async fn asset(State(api): State<Arc<Api>>, path: PathParts, headers: HeaderMap) -> Answer {
    serve(&api, &format!("assets/{}", path.rest()), &headers)
}

/// `GET /config.json`: where the page finds the API, nothing of it means here, what this one has that others have not, and
/// the most bytes of an image.
pub(crate) async fn config(State(api): State<Arc<Api>>) -> axum::Json<serde_json::Value> {
    axum::Json(serde_json::json!({
        "similar": api.alike.is_some(),
        "by_meaning": api.meaning.is_some(),
        "max_image_bytes": api.image_limits.max_bytes,
    }))
}

/// Only the files that were handed in have names here; there is no folder to climb out of.
fn serve(api: &Api, path: &str, headers: &HeaderMap) -> Answer {
    let file = api.page.iter().find(|file| file.path == path);
    let file = file.ok_or_else(|| Problem::new(Code::NotFound, "the gallery has no such file"))?;
    let tag = HeaderValue::try_from(&file.tag).unwrap_or(HeaderValue::from_static("\"\""));
    let status = if has_already(headers, &tag) { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let bytes = if status == StatusCode::OK { file.bytes.clone() } else { Bytes::new() };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(file.content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::ETAG, tag),
    ];
    // All who ask for it share the bytes.
    Ok((status, headers, Extension(Accounted), bytes).into_response())
}
