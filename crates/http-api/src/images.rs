//! `/images`: the library of saved images.

use crate::{
    access::Owner,
    api::Api,
    body::Json,
    conditional::{expected_versions, record_headers, unchanged},
    content::{self, Form, Stored},
    path::PathParts,
    problem::{Answer, Problem},
    query::{NoQuery, Query, flag},
};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use tintype_core::{
    domain::{Encoding, ImageEdit, ImageFilter, SavedImage, Seed, TextQuery, Timestamp, limits},
    ports::LinkTarget,
    use_cases::{
        self, ImageListing, ImageOrder, ImagesEdit, edit_images, find_image, image_timeline, list_images,
    },
    views::ImageView,
};

/// The parameters of `GET /images`. The cursor comes first, for those of the timeline are the rest.
pub(crate) const LIST_PARAMETERS: &[&str] = &[
    "cursor",
    "limit",
    "sort",
    "trashed",
    "q",
    "tag",
    "collection",
    "has_parent",
    "parent",
    "favorite",
    "rating",
    "model",
    "width",
    "height",
    "seed",
    "from",
    "to",
];
/// The parameters of `GET /images/timeline`: those of the list, but for its cursor.
pub(crate) const TIMELINE_PARAMETERS: &[&str] = LIST_PARAMETERS.split_at(1).1;
/// The parameters of `GET /images/{id}/content`.
pub(crate) const CONTENT_PARAMETERS: &[&str] = &["variant", "w", "format", "strip"];

/// `GET /images`
pub(crate) async fn list(State(api): State<Arc<Api>>, Owner(owner): Owner, mut query: Query) -> Answer {
    let given = query.given();
    let listing = ImageListing { cursor: query.text("cursor"), ..listing(&mut query) };
    query.finish(LIST_PARAMETERS)?;
    let _turn = api.gates.list().await?;
    let listed = list_images(&api.ports, &api.cursors, &owner, &listing, api.now()).await;
    let listed = listed.map_err(Problem::of_list)?;
    let mut items = Vec::with_capacity(listed.items.len());
    for image in listed.items {
        items.push(ImageView::of(image, &*api.ports.links, api.now()).await?);
    }
    Ok(page(&items, listed.next_cursor.as_deref(), &given))
}

/// `GET /images/timeline`
pub(crate) async fn timeline(State(api): State<Arc<Api>>, Owner(owner): Owner, mut query: Query) -> Answer {
    let listing = listing(&mut query);
    query.finish(TIMELINE_PARAMETERS)?;
    let _turn = api.gates.list().await?;
    let timeline = image_timeline(&api.ports, &api.cursors, &owner, &listing, api.now()).await;
    let timeline = timeline.map_err(Problem::of_list)?;
    Ok(axum::Json(timeline).into_response())
}

/// The first page of the list that is asked for.
fn listing(query: &mut Query) -> ImageListing {
    let order = query.map("sort", "must be newest, oldest or best", |name| {
        ImageOrder::ALL.into_iter().find(|order| order.name() == name)
    });
    let trashed = query.map("trashed", "must be true or false", flag);
    ImageListing {
        trashed: trashed.unwrap_or_default(),
        filter: filter(query),
        order: order.unwrap_or_default(),
        cursor: None,
        limit: query.limit(),
    }
}

fn filter(query: &mut Query) -> ImageFilter {
    let pixels = "must be a whole number of pixels, 1 or more";
    let time = "must be a time as in 2026-11-24T12:00:00Z, or a day as in 2026-11-24";
    let rating = format!("must be from 1 to {}: this rating or a better one", limits::RATING_MAX);
    ImageFilter {
        text: query.checked("q", TextQuery::parse).unwrap_or_default(),
        tags: query.all("tag", ImageFilter::parse_tags),
        collections: query.all("collection", ImageFilter::parse_collections),
        has_parent: query.map("has_parent", "must be true or false", flag),
        parent: query.value("parent", "must be the id of an image"),
        favorite: query.map("favorite", "must be true or false", flag),
        rating: query.map("rating", &rating, |text| {
            text.parse().ok().filter(|rating| (1..=limits::RATING_MAX).contains(rating))
        }),
        model: query.value("model", "must be a model's name"),
        width: query.map("width", pixels, side),
        height: query.map("height", pixels, side),
        seed: query.map("seed", "must be a whole number below 2^32", |text| text.parse().ok().map(Seed)),
        from: query.map("from", time, Timestamp::parse),
        to: query.map("to", time, Timestamp::parse),
    }
}

fn side(text: &str) -> Option<u32> {
    text.parse().ok().filter(|pixels| *pixels > 0)
}

#[derive(Serialize)]
struct Page<'a, T> {
    items: &'a [T],
    next_cursor: Option<&'a str>,
}

/// A page of a list, and a `Link` to the next one, with the parameters that were given. The link is relative, so it holds
/// behind any prefix.
pub(crate) fn page<T: Serialize>(
    items: &[T],
    next_cursor: Option<&str>,
    given: &[(String, String)],
) -> Response {
    let link = next_cursor.and_then(|cursor| {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(given)
            .append_pair("cursor", cursor)
            .finish();
        HeaderValue::try_from(format!("<?{query}>; rel=\"next\"")).ok()
    });
    let body = axum::Json(Page { items, next_cursor });
    let mut response = body.into_response();
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

/// `GET /images/{id}`
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    path: PathParts,
    _: NoQuery,
    headers: HeaderMap,
) -> Answer {
    let image = find_image(&api.ports, &owner, &path.image()?, api.now()).await?;
    match unchanged(&headers, image.version) {
        Some(unchanged) => Ok(unchanged),
        None => answer(&api, StatusCode::OK, image).await,
    }
}

/// `POST /images/edit`
pub(crate) async fn edit_many(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    _: NoQuery,
    Json(edit): Json<ImagesEdit>,
) -> Answer {
    let edited = edit_images(&api.ports, &owner, &edit, api.now()).await?;
    let _turn = api.gates.list().await?;
    let mut items = Vec::with_capacity(edited.images.len());
    for image in edited.images {
        items.push(ImageView::of(image, &*api.ports.links, api.now()).await?);
    }
    let refused = edited.refused.iter().map(|(id, invalid)| json!({ "id": id, "errors": invalid.errors() }));
    let refused: Vec<_> = refused.collect();
    let body = json!({ "items": items, "missing": edited.missing, "refused": refused });
    Ok(axum::Json(body).into_response())
}

/// `PATCH /images/{id}`
pub(crate) async fn edit(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    path: PathParts,
    _: NoQuery,
    headers: HeaderMap,
    Json(edit): Json<ImageEdit>,
) -> Answer {
    let (id, expected) = (path.image()?, expected_versions(&headers)?);
    let image = use_cases::edit_image(&api.ports, &owner, &id, &edit, expected.as_deref(), api.now()).await?;
    answer(&api, StatusCode::OK, image).await
}

/// `DELETE /images/{id}`
pub(crate) async fn delete(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    path: PathParts,
    mut query: Query,
    headers: HeaderMap,
) -> Answer {
    let permanent = query.map("permanent", "must be true or false", flag).unwrap_or_default();
    query.finish(&["permanent"])?;
    let (id, expected) = (path.image()?, expected_versions(&headers)?);
    if permanent {
        use_cases::erase_image(&api.ports, &owner, &id, expected.as_deref(), api.now()).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let image = use_cases::trash_image(&api.ports, &owner, &id, expected.as_deref(), api.now()).await?;
    answer(&api, StatusCode::OK, image).await
}

/// `POST /images/{id}/restore`
pub(crate) async fn restore(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    path: PathParts,
    _: NoQuery,
) -> Answer {
    let image = use_cases::restore_image(&api.ports, &owner, &path.image()?, api.now()).await?;
    answer(&api, StatusCode::OK, image).await
}

/// `GET /images/{id}/content`
pub(crate) async fn content(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    path: PathParts,
    mut query: Query,
    headers: HeaderMap,
) -> Answer {
    let form = form(&mut query)?;
    let image = find_image(&api.ports, &owner, &path.image()?, api.now()).await?;
    content::serve(&api, &stored(&image), (image.width, image.height), &form, &headers).await
}

/// Where the image's bytes are.
pub(crate) fn stored(image: &SavedImage) -> Stored {
    Stored {
        id: image.sha256,
        content_type: image.content_type,
        bytes: image.bytes,
        name: image.id.to_string(),
        target: LinkTarget::Original {
            owner: image.owner.clone(),
            image_id: image.id,
            sha256: image.sha256,
            content_type: image.content_type,
        },
    }
}

fn form(query: &mut Query) -> Answer<Form> {
    let variant = query.map("variant", "must be original or thumbnail", |text| {
        [("original", None), ("thumbnail", Some(content::THUMBNAIL_WIDTH))]
            .into_iter()
            .find(|(name, _)| *name == text)
    });
    let rule = format!("must be a whole number from 1 to {}", limits::SIDE_MAX);
    let width = query
        .map("w", &rule, |text| text.parse().ok().filter(|width| (1..=limits::SIDE_MAX).contains(width)));
    let names: Vec<_> = Encoding::ALL.iter().map(|encoding| encoding.name()).collect();
    let format = query.map("format", &format!("must be one of: {}", names.join(", ")), |text| {
        Encoding::ALL.iter().copied().find(|encoding| encoding.name() == text)
    });
    let stripped = content::stripped(query);
    std::mem::take(query).finish(CONTENT_PARAMETERS)?;
    Ok(Form { max_width: width.or(variant.and_then(|(_, width)| width)), format, stripped })
}

/// An image with its tag.
pub(crate) async fn answer(api: &Api, status: StatusCode, image: SavedImage) -> Answer {
    let headers = record_headers(image.version);
    let view = ImageView::of(image, &*api.ports.links, api.now()).await?;
    Ok((status, headers, axum::Json(view)).into_response())
}
