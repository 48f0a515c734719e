//! Bodies of requests: their declared type, their size, their speed, and then their JSON.

use crate::{
    api::Api,
    json,
    problem::{Answer, Code, Problem, chain},
};
use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderValue, header},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tintype_core::domain::FieldError;
use tokio::sync::OwnedSemaphorePermit;

/// The most bytes of a body that holds no picture.
pub(crate) const SMALL_BODY: usize = 64 * 1024;
/// The most bytes of a body with pictures beside their base64: the other fields.
const OTHER_FIELDS: u64 = 256 * 1024;

/// A small JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<Api>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<Api>) -> Answer<Self> {
        let (request, _) = admitted(request, SMALL_BODY)?;
        let bytes = collect(request.into_body(), 0, SMALL_BODY).await?;
        Ok(Self(json::parse(&bytes)?))
    }
}

/// The most bytes of a body with pictures: the largest image in base64, and room for the other fields.
fn upload_body(api: &Api) -> usize {
    let base64 = api.image_limits.max_bytes.div_ceil(3).saturating_mul(4);
    usize::try_from(base64.saturating_add(OTHER_FIELDS)).unwrap_or(usize::MAX)
}

/// A JSON body that may hold pictures. While it is kept, its share of the memory for large bodies is taken.
pub(crate) struct Upload {
    bytes: Bytes,
    room: Option<OwnedSemaphorePermit>,
}

impl FromRequest<Arc<Api>> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Arc<Api>) -> Answer<Self> {
        let most = upload_body(api);
        let (request, length) = admitted(request, most)?;
        // Without a declared length it may become as large as is allowed.
        let room = match length {
            Some(length) if length <= SMALL_BODY => None,
            length => Some(api.gates.body(length.unwrap_or(most)).await?),
        };
        let limit = length.unwrap_or(most);
        let bytes = collect(request.into_body(), length.unwrap_or_default(), limit).await?;
        Ok(Self { bytes, room })
    }
}

impl Upload {
    /// Reads the JSON as [`json::parse`] does. The room it took stays taken while the permit is kept.
    pub(crate) async fn parse<T>(self, api: &Api) -> Answer<(T, Option<OwnedSemaphorePermit>)>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.read(api, json::parse).await
    }

    /// Reads the JSON field by field, as [`json::parse_each`] does.
    pub(crate) async fn parse_each<T>(
        self,
        api: &Api,
    ) -> Answer<((T, Vec<FieldError>), Option<OwnedSemaphorePermit>)>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.read(api, json::parse_each).await
    }

    /// A large body is read on a thread of its own.
    async fn read<T: Send + 'static>(
        self,
        api: &Api,
        read: fn(&[u8]) -> Answer<T>,
    ) -> Answer<(T, Option<OwnedSemaphorePermit>)> {
        let Self { bytes, room } = self;
        let value = if bytes.len() <= SMALL_BODY {
            read(&bytes)?
        } else {
            api.gates.picture(move || read(&bytes)).await?
        };
        Ok((value, room))
    }
}

/// A request whose body may be read, and the body's declared length. What is refused is taken to its end by the
/// connection, so that the client sees the answer.
fn admitted(request: Request, limit: usize) -> Answer<(Request, Option<usize>)> {
    let headers = request.headers();
    check_type(headers)?;
    check_coding(headers)?;
    let length = check_length(headers, limit)?;
    Ok((request, length))
}

/// A body is taken as it is: to unpack one, its size would have to be bounded twice.
fn check_coding(headers: &HeaderMap) -> Answer<()> {
    let codings = headers.get_all(header::CONTENT_ENCODING).into_iter();
    if codings.map(HeaderValue::as_bytes).all(|coding| coding.eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    let detail = "send the body as it is, without `Content-Encoding`";
    let identity = HeaderValue::from_static("identity");
    Err(Problem::new(Code::UnsupportedMediaType, detail).with_header(header::ACCEPT_ENCODING, identity))
}

fn check_type(headers: &HeaderMap) -> Answer<()> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(
        Code::UnsupportedMediaType,
        "send the body as JSON with `Content-Type: application/json`",
    ))
}

fn check_length(headers: &HeaderMap, limit: usize) -> Answer<Option<usize>> {
    let Some(value) = headers.get(header::CONTENT_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.parse::<usize>().ok());
    let length = length.ok_or_else(|| Problem::new(Code::BadHeader, "Content-Length is not a number"))?;
    if length > limit { Err(too_large(limit)) } else { Ok(Some(length)) }
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Code::BodyTooLarge, format!("at most {limit} bytes are taken here"))
}

/// Reads a body that is likely to have `expected` bytes: growing on the way would take twice the memory.
async fn collect(body: Body, expected: usize, limit: usize) -> Answer<Bytes> {
    let mut stream = body.into_data_stream();
    let mut collected = BytesMut::with_capacity(expected);
    while let Some(part) = stream.next().await {
        let part = part.map_err(|error| broken(&error))?;
        if collected.len() + part.len() > limit {
            return Err(too_large(limit));
        }
        collected.extend_from_slice(&part);
    }
    Ok(collected.freeze())
}

fn broken(error: &axum::Error) -> Problem {
    let cause = chain(error);
    if cause.contains(TOO_SLOW) {
        return Problem::new(Code::BodyTimeout, "the body came too slowly; send it at once");
    }
    Problem::new(Code::BadBody, "the body ended before its declared length, or was not well framed")
}

/// What the error of a body that came too slowly says.
pub(crate) const TOO_SLOW: &str = "the body came too slowly";
