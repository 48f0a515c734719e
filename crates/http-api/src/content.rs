//! Pictures' bytes: whole, in part, without metadata, or made anew in another size or encoding. They never change under their address,
//! so a client may keep them for ever; and nothing in them is ever run by a browser.

use crate::{
    api::Api,
    conditional::{has_already, range_holds},
    problem::{Answer, Code, Problem, chain},
    query::Query,
    range::{Wanted, wanted},
};
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use std::ops::Range;
use tintype_core::{
    PortResult,
    domain::{Blob, BlobId, ContentType, FieldError, OutputFormat},
    imaging,
    ports::LinkTarget,
    provenance,
};

/// A stored picture.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// Its address.
    pub(crate) id: BlobId,
    /// What its bytes are.
    pub(crate) content_type: ContentType,
    /// How many.
    pub(crate) bytes: u64,
    /// What a client that keeps it should call it, without an ending.
    pub(crate) name: String,
    /// What its link leads to.
    pub(crate) target: LinkTarget,
}

/// Reads whether a picture is wanted without its metadata.
pub(crate) fn stripped(query: &mut Query) -> bool {
    query.map("strip", "must be metadata", |text| (text == "metadata").then_some(true)).unwrap_or_default()
}

/// The form a client wants a picture in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Form {
    /// No wider than this.
    pub(crate) max_width: Option<u32>,
    /// In this encoding; its own if not given.
    pub(crate) format: Option<OutputFormat>,
    /// Without metadata. A picture made anew never has any.
    pub(crate) stripped: bool,
}

/// Serves a picture that is `width` pixels wide in the form that is wanted.
pub(crate) async fn serve(
    api: &Api,
    stored: &Stored,
    width: u32,
    form: &Form,
    headers: &HeaderMap,
) -> Answer {
    let smaller = form.max_width.filter(|max| *max < width);
    let format = form.format.unwrap_or_else(|| suited(stored.content_type, smaller.is_some()));
    if smaller.is_none() && format.content_type() == stored.content_type {
        return as_it_is(api, stored, form.stripped, headers).await;
    }
    converted(api, stored, smaller, format, headers).await
}

/// The encoding of a picture for which none was asked: a lossless one is no smaller as a JPEG of its thumbnail, and
/// WebP keeps what is transparent.
const fn suited(own: ContentType, smaller: bool) -> OutputFormat {
    match (own, smaller) {
        (ContentType::Jpeg, _) => OutputFormat::Jpeg,
        (ContentType::Png, false) => OutputFormat::Png,
        (ContentType::Png | ContentType::Webp, _) => OutputFormat::Webp,
    }
}

/// Serves a picture as it is stored, or that without its metadata.
pub(crate) async fn as_it_is(api: &Api, stored: &Stored, stripped: bool, headers: &HeaderMap) -> Answer {
    if !stripped {
        return original(api, stored, headers).await;
    }
    let own = stored.content_type;
    let about = About::new(format!("\"{}-stripped\"", stored.id), own, &stored.name);
    let strip = move |bytes: Bytes| provenance::without_metadata(&bytes, own);
    made(api, stored, &about, headers, strip).await
}

async fn original(api: &Api, stored: &Stored, headers: &HeaderMap) -> Answer {
    let about = About::new(format!("\"{}\"", stored.id), stored.content_type, &stored.name);
    if has_already(headers, &about.tag) {
        return Ok(about.response(StatusCode::NOT_MODIFIED, Bytes::new()));
    }
    match range_of(headers, &about, stored.bytes) {
        Wanted::All if exceeded(api, stored.bytes).is_some() => elsewhere(api, stored).await,
        Wanted::All => Ok(about.response(StatusCode::OK, api.ports.images.get(&stored.id).await?)),
        Wanted::Nothing => Err(out_of_range(stored.bytes)),
        Wanted::Part(range) if exceeded(api, range.end.saturating_sub(range.start)).is_some() => {
            elsewhere(api, stored).await
        }
        Wanted::Part(range) => {
            let bytes = api.ports.images.get_range(&stored.id, range.clone()).await?;
            Ok(about.part(bytes, &range, stored.bytes))
        }
    }
}

/// The most bytes of one answer, where `bytes` is more.
fn exceeded(api: &Api, bytes: u64) -> Option<u64> {
    api.redirect_over.filter(|most| bytes > *most)
}

/// A picture made anew is stored nowhere: there is no link to it.
fn check_length(api: &Api, bytes: u64) -> Answer<()> {
    let Some(most) = exceeded(api, bytes) else { return Ok(()) };
    let rule =
        format!("must be less: the picture has {bytes} bytes in this form, and an answer holds {most}");
    Err(Problem::fields(Code::BadQuery, vec![FieldError::new("/w", "too_large", rule)]))
}

/// Sends the client to where the bytes are: they are too many for one answer of this server.
async fn elsewhere(api: &Api, stored: &Stored) -> Answer {
    let link = api.ports.links.sign(&stored.target, api.now()).await?;
    let link = HeaderValue::try_from(link).map_err(|error| Problem::internal(chain(&error)))?;
    Ok((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, link)]).into_response())
}

async fn converted(
    api: &Api,
    stored: &Stored,
    max_width: Option<u32>,
    format: OutputFormat,
    headers: &HeaderMap,
) -> Answer {
    let width = max_width.map_or_else(String::new, |width| format!("-w{width}"));
    let tag = format!("\"{}{width}-{}\"", stored.id, format.name());
    let about = About::new(tag, format.content_type(), &format!("{}{width}", stored.name));
    let own = stored.content_type;
    let convert = move |bytes| imaging::convert(bytes, own, max_width, format).map(|picture| picture.blob);
    made(api, stored, &about, headers, convert).await
}

/// Serves what `make` makes of the stored bytes.
async fn made(
    api: &Api,
    stored: &Stored,
    about: &About,
    headers: &HeaderMap,
    make: impl FnOnce(Bytes) -> PortResult<Blob> + Send + 'static,
) -> Answer {
    if has_already(headers, &about.tag) {
        return Ok(about.response(StatusCode::NOT_MODIFIED, Bytes::new()));
    }
    let bytes = api.ports.images.get(&stored.id).await?;
    let make = move || make(bytes).map_err(|error| Problem::internal(chain(&error)));
    let bytes = api.gates.picture(make).await?.bytes().clone();
    let length = bytes.len() as u64;
    match range_of(headers, about, length) {
        Wanted::All => {
            check_length(api, length)?;
            Ok(about.response(StatusCode::OK, bytes))
        }
        Wanted::Nothing => Err(out_of_range(length)),
        Wanted::Part(range) => {
            check_length(api, range.end.saturating_sub(range.start))?;
            let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
            Ok(about.part(bytes.slice(start..end), &range, length))
        }
    }
}

fn range_of(headers: &HeaderMap, about: &About, length: u64) -> Wanted {
    let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    wanted(range.filter(|_| range_holds(headers, &about.tag)), length)
}

fn out_of_range(length: u64) -> Problem {
    let problem = Problem::new(Code::RangeNotSatisfiable, format!("there are {length} bytes"));
    match HeaderValue::try_from(format!("bytes */{length}")) {
        Ok(value) => problem.with_header(header::CONTENT_RANGE, value),
        Err(_) => problem,
    }
}

/// What the headers say of a picture.
struct About {
    tag: HeaderValue,
    content_type: ContentType,
    disposition: HeaderValue,
}

impl About {
    fn new(tag: String, content_type: ContentType, name: &str) -> Self {
        let disposition = format!("inline; filename=\"{name}.{}\"", content_type.extension());
        Self {
            tag: HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\"")),
            content_type,
            disposition: HeaderValue::try_from(disposition).unwrap_or(HeaderValue::from_static("inline")),
        }
    }

    fn response(&self, status: StatusCode, bytes: Bytes) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(self.content_type.as_str())),
            (header::ETAG, self.tag.clone()),
            (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
            (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable")),
            (header::CONTENT_DISPOSITION, self.disposition.clone()),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'")),
        ];
        (status, headers, bytes).into_response()
    }

    fn part(&self, bytes: Bytes, range: &Range<u64>, length: u64) -> Response {
        let mut response = self.response(StatusCode::PARTIAL_CONTENT, bytes);
        let text = format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1));
        if let Ok(value) = HeaderValue::try_from(text) {
            response.headers_mut().insert(header::CONTENT_RANGE, value);
        }
        response
    }
}
