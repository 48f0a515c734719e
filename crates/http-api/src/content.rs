//! Pictures' bytes: whole, in part, without metadata, or made anew in another size or encoding. They never change under their address,
//! so a client may keep them for ever; and nothing in them is ever run by a browser.

use crate::{
    accept::{for_browsers, suited},
    api::Api,
    conditional::{has_already, range_holds},
    memory::Accounted,
    problem::{Answer, Code, Problem, chain},
    query::Query,
    range::{Wanted, wanted},
};
use axum::{
    Extension,
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use std::{ops::Range, sync::Arc};
use tintype_core::{
    ErrorKind, PortError,
    domain::{BlobId, ContentType, Encoding, FieldError, Variant},
    imaging::{self, ImageError},
    ports::LinkTarget,
    provenance,
};

/// The width of a thumbnail in pixels.
pub(crate) const THUMBNAIL_WIDTH: u32 = 320;

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
    pub(crate) format: Option<Encoding>,
    /// Without metadata. A picture made anew never has any.
    pub(crate) stripped: bool,
}

/// Serves a picture of `size` (width and height, in pixels) in the form that is wanted. What is made anew, and for which no encoding was
/// named, is in the one that the client likes best; a picture as it is stored is never.
pub(crate) async fn serve(
    api: &Api,
    stored: &Stored,
    size: (u32, u32),
    form: &Form,
    headers: &HeaderMap,
) -> Answer {
    let is_too_long = form.format.is_some_and(|format| size.0.max(size.1) > format.most_side());
    let smaller = form.max_width.filter(|max| *max < size.0 || is_too_long);
    let (width, height) = Variant::size(smaller, size.0, size.1);
    let pixels = u64::from(width) * u64::from(height);
    let variant = |format| Variant { source: stored.id, max_width: smaller, format };
    match form.format {
        None if smaller.is_none() => as_it_is(api, stored, form.stripped, headers).await,
        Some(format) if smaller.is_none() && format == stored.content_type.into() => {
            as_it_is(api, stored, form.stripped, headers).await
        }
        Some(format) if pixels > format.most_pixels() => Err(too_many_pixels(format, pixels)),
        Some(format) => converted(api, stored, variant(format), size, form.stripped, headers).await,
        None => {
            let variant = variant(suited(stored.content_type, pixels, headers));
            let answer = converted(api, stored, variant, size, form.stripped, headers).await;
            answer.map(|mut response| {
                response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
                response
            })
        }
    }
}

/// Makes the thumbnail of a picture that was just saved, as a browser will ask for it, so that nobody waits for it then.
/// Without a cache to keep it in nothing is made.
pub(crate) fn prepare_thumbnail(api: &Arc<Api>, stored: Stored, size: (u32, u32)) {
    let Some(max_width) = Some(THUMBNAIL_WIDTH).filter(|max| *max < size.0 && api.variants.is_some()) else {
        return;
    };
    let (width, height) = Variant::size(Some(max_width), size.0, size.1);
    let format = for_browsers(stored.content_type, u64::from(width) * u64::from(height));
    let variant = Variant { source: stored.id, max_width: Some(max_width), format };
    let api = Arc::clone(api);
    api.tasks.clone().spawn(async move {
        // One that can't be made now is made when it is asked for.
        if made_once(&api, &stored, variant).await.is_err() {
            tracing::debug!(blob = %stored.id, "a thumbnail was not made ahead");
        }
    });
}

fn too_many_pixels(format: Encoding, pixels: u64) -> Problem {
    let most = format.most_pixels();
    let rule = format!("makes at most {most} pixels, and these are {pixels}; name a smaller width with `w`");
    Problem::fields(Code::BadQuery, vec![FieldError::new("/format", "too_large", rule)])
}

/// Serves a picture as it is stored, or that without its metadata.
pub(crate) async fn as_it_is(api: &Api, stored: &Stored, stripped: bool, headers: &HeaderMap) -> Answer {
    if !stripped {
        return original(api, stored, headers).await;
    }
    let own = stored.content_type;
    let about = About::new(format!("\"{}-stripped\"", stored.id), own.into(), &stored.name);
    if has_already(headers, &about.tag) {
        return Ok(about.response(StatusCode::NOT_MODIFIED, Bytes::new()));
    }
    // Room for the answer comes first: what waits for it holds no bytes.
    let room = api.memory.room(stored.target.owner(), stored.bytes).await?;
    let turn = api.gates.turn().await?;
    let bytes = api.ports.images.get(&stored.id).await?;
    let limits = api.image_limits;
    let strip =
        move || provenance::without_metadata(&bytes, own, &limits).map_err(|error| not_stripped(&error));
    let stripped = turn.work(strip).await?.result.bytes().clone();
    about.answer(api, &room.hold(stripped)?, headers)
}

async fn original(api: &Api, stored: &Stored, headers: &HeaderMap) -> Answer {
    let about = About::new(format!("\"{}\"", stored.id), stored.content_type.into(), &stored.name);
    if has_already(headers, &about.tag) {
        return Ok(about.response(StatusCode::NOT_MODIFIED, Bytes::new()));
    }
    match range_of(headers, &about, stored.bytes) {
        Wanted::All if exceeded(api, stored.bytes).is_some() => elsewhere(api, stored).await,
        Wanted::All => {
            let body = streamed(api, stored, 0..stored.bytes).await?;
            Ok(about.of_length(StatusCode::OK, body, stored.bytes))
        }
        Wanted::Nothing => Err(out_of_range(stored.bytes)),
        Wanted::Part(range) if exceeded(api, range.end.saturating_sub(range.start)).is_some() => {
            elsewhere(api, stored).await
        }
        Wanted::Part(range) => {
            let body = streamed(api, stored, range.clone()).await?;
            Ok(about.part(body, &range, stored.bytes))
        }
    }
}

/// A body that is read from the store as its client takes it.
async fn streamed(api: &Api, stored: &Stored, range: Range<u64>) -> Answer<Body> {
    let reader = api.ports.images.open(&stored.id).await?;
    if reader.bytes() != stored.bytes {
        let (id, has, said) = (stored.id, reader.bytes(), stored.bytes);
        return Err(Problem::internal(format!("the blob {id} has {has} bytes, and its record says {said}")));
    }
    Ok(api.memory.streamed(reader, range).await?)
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
    variant: Variant,
    size: (u32, u32),
    stripped: bool,
    headers: &HeaderMap,
) -> Answer {
    let tag = format!("\"{}-{}\"", stored.id, variant.form());
    let width = variant.max_width.map_or_else(String::new, |width| format!("-w{width}"));
    let about = About::new(tag, variant.format, &format!("{}{width}", stored.name));
    if has_already(headers, &about.tag) {
        return Ok(about.response(StatusCode::NOT_MODIFIED, Bytes::new()));
    }
    let room = api.memory.room(stored.target.owner(), expected_bytes(&variant, size)).await?;
    match made_once(api, stored, variant).await? {
        Made::Bytes(bytes) => about.answer(api, &room.hold(bytes)?, headers),
        Made::Not(error @ ImageError::SideTooLongFor { .. }) => Err(side_too_long(&error)),
        // An image that was saved under other limits is shown all the same, as it is.
        Made::Not(error) => {
            tracing::info!(blob = %stored.id, form = %variant.form(), %error, "a rendition can't be made; the original is served");
            drop(room);
            as_it_is(api, stored, stripped, headers).await
        }
    }
}

/// The most bytes that a rendition of an image of `size` is likely to have. Noise is not made smaller without loss.
fn expected_bytes(variant: &Variant, size: (u32, u32)) -> u64 {
    let (width, height) = Variant::size(variant.max_width, size.0, size.1);
    let per_pixel = match variant.format {
        Encoding::Png | Encoding::Webp => 4,
        Encoding::Jpeg => 1,
        #[cfg(feature = "avif")]
        Encoding::Avif => 1,
    };
    u64::from(width) * u64::from(height) * per_pixel
}

/// What came of making a rendition.
enum Made {
    /// Its bytes.
    Bytes(Bytes),
    /// None: of this image it can't be made.
    Not(ImageError),
}

/// The bytes of a variant, from the cache if they are there. Of those who want the same at the same time one makes it.
async fn made_once(api: &Api, stored: &Stored, variant: Variant) -> Answer<Made> {
    if let Some(bytes) = cached(api, &variant).await {
        return Ok(Made::Bytes(bytes));
    }
    let turn = api.gates.turn().await?;
    // Another may have made it while this one waited.
    if let Some(bytes) = cached(api, &variant).await {
        return Ok(Made::Bytes(bytes));
    }
    let (bytes, own) = (api.ports.images.get(&stored.id).await?, stored.content_type);
    let Variant { max_width, format, .. } = variant;
    let limits = api.image_limits;
    let convert = move || Ok(imaging::convert(bytes, own, max_width, format, &limits));
    let made = turn.work(convert).await?;
    let bytes = match made.result {
        Ok(made) => made.bytes,
        Err(error) => return Ok(Made::Not(error)),
    };
    if let Some(variants) = &api.variants
        && let Err(error) = variants.put(&variant, bytes.clone()).await
    {
        tracing::warn!(error = %chain(&error), "a variant was not kept");
    }
    drop(made.turn);
    Ok(Made::Bytes(bytes))
}

/// What the cache has; a cache that fails has nothing.
async fn cached(api: &Api, variant: &Variant) -> Option<Bytes> {
    let found = api.variants.as_ref()?.get(variant).await;
    found.unwrap_or_else(|error| {
        tracing::warn!(error = %chain(&error), "the cache of variants does not answer");
        None
    })
}

fn side_too_long(error: &ImageError) -> Problem {
    let rule = format!("can't be: the image {error}; name a width with `w`");
    Problem::fields(Code::BadQuery, vec![FieldError::new("/format", error.code(), rule)])
}

/// An image that is not whole can't be taken apart: it is there as it is.
fn not_stripped(error: &PortError) -> Problem {
    if error.kind() != ErrorKind::Data {
        return Problem::internal(chain(error));
    }
    let rule = format!("can't be done: {}; leave it out for the image as it is", error.message());
    Problem::fields(Code::BadQuery, vec![FieldError::new("/strip", "broken_image", rule)])
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
    encoding: Encoding,
    disposition: HeaderValue,
}

impl About {
    fn new(tag: String, encoding: Encoding, name: &str) -> Self {
        let disposition = format!("inline; filename=\"{name}.{}\"", encoding.extension());
        Self {
            tag: HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\"")),
            encoding,
            disposition: HeaderValue::try_from(disposition).unwrap_or(HeaderValue::from_static("inline")),
        }
    }

    /// An answer whose body says nothing of its length.
    fn of_length(&self, status: StatusCode, body: Body, length: u64) -> Response {
        let mut response = self.response(status, body);
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        response
    }

    fn response(&self, status: StatusCode, body: impl Into<Body>) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(self.encoding.media_type())),
            (header::ETAG, self.tag.clone()),
            (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
            (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable")),
            (header::CONTENT_DISPOSITION, self.disposition.clone()),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'")),
        ];
        (status, headers, Extension(Accounted), body.into()).into_response()
    }

    /// The bytes, or the part of them that is wanted.
    fn answer(&self, api: &Api, bytes: &Bytes, headers: &HeaderMap) -> Answer {
        let length = bytes.len() as u64;
        match range_of(headers, self, length) {
            Wanted::All => {
                check_length(api, length)?;
                Ok(self.response(StatusCode::OK, bytes.clone()))
            }
            Wanted::Nothing => Err(out_of_range(length)),
            Wanted::Part(range) => {
                check_length(api, range.end.saturating_sub(range.start))?;
                let [start, end] =
                    [range.start, range.end].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
                Ok(self.part(bytes.slice(start..end), &range, length))
            }
        }
    }

    fn part(&self, body: impl Into<Body>, range: &Range<u64>, length: u64) -> Response {
        let part = range.end.saturating_sub(range.start);
        let mut response = self.of_length(StatusCode::PARTIAL_CONTENT, body.into(), part);
        let text = format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1));
        if let Ok(value) = HeaderValue::try_from(text) {
            response.headers_mut().insert(header::CONTENT_RANGE, value);
        }
        response
    }
}
