//! `POST /save`: keeping a picture.

use crate::{
    access::Owner,
    api::Api,
    body::Upload,
    content, images,
    problem::{Answer, Problem},
    query::NoQuery,
};
use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
};
use serde::Deserialize;
use std::sync::Arc;
use tintype_core::{
    domain::{
        CollectionId, FieldError, GenerationRequest, ImageEdit, InvalidInput, JobId, Labels, Parent, Prompt,
        Seed, Timestamp,
    },
    imaging,
    use_cases::{Origin, Save, SaveFrom, find_picture, save_image},
};

/// What a client sends to `/save`: where the picture is, and what to note of it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SaveInput {
    job_id: Option<String>,
    index: Option<i64>,
    image: Option<String>,
    prompt: Option<String>,
    title: Option<String>,
    note: Option<String>,
    tags: Option<Vec<String>>,
    favorite: Option<bool>,
    rating: Option<i64>,
    labels: Option<Labels>,
    collections: Option<Vec<CollectionId>>,
    parent: Option<Parent>,
    request: Option<Box<GenerationRequest>>,
    seed: Option<Seed>,
    saved_at: Option<Timestamp>,
    merge: bool,
}

/// `POST /save`
pub(crate) async fn save(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    _: NoQuery,
    upload: Upload,
) -> Answer {
    let (mut input, room) = upload.parse::<SaveInput>(&api).await?;
    let from = source(&api, &mut input).await?;
    // First the turn, then the bytes: those who wait hold none.
    let turn = api.gates.turn().await?;
    let limits = api.image_limits;
    let draft = find_picture(&api.ports, &owner, from, api.now()).await?;
    let draft = turn.work(move || Ok(draft.looked_at(&limits))).await?.result;
    let draft = if input.merge { draft.merging() } else { draft };
    let save = Save { owner, draft, edit: input.edit() };
    let saved = save_image(&api.ports, save, api.now(), &api.entropy()).await?;
    drop(room);
    let status = if saved.created { StatusCode::CREATED } else { StatusCode::OK };
    if saved.created {
        api.metrics.images_saved.inc();
        let size = (saved.image.width, saved.image.height);
        content::prepare_thumbnail(&api, images::stored(&saved.image), size);
    }
    let location = HeaderValue::try_from(format!("{}/images/{}", api.public_url, saved.image.id));
    let mut response = images::answer(&api, status, saved.image).await?;
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn source(api: &Api, input: &mut SaveInput) -> Answer<SaveFrom> {
    match (input.job_id.take(), input.image.take()) {
        (Some(id), None) => of_job(input, &id),
        (None, Some(image)) => of_upload(api, input, image).await,
        (Some(_), Some(_)) => {
            Err(Problem::field("/image", "conflicts", "give either `job_id` and `index`, or `image`"))
        }
        (None, None) => Err(Problem::field("/job_id", "required", "is required, or else `image`")),
    }
}

fn of_job(input: &SaveInput, id: &str) -> Answer<SaveFrom> {
    let id: JobId = id.parse().map_err(|_| Problem::field("/job_id", "bad_id", "is not the id of a job"))?;
    let known = [
        ("/prompt", input.prompt.is_some()),
        ("/parent", input.parent.is_some()),
        ("/request", input.request.is_some()),
        ("/seed", input.seed.is_some()),
        ("/saved_at", input.saved_at.is_some()),
    ];
    if let Some((pointer, _)) = known.into_iter().find(|(_, is_given)| *is_given) {
        return Err(Problem::field(pointer, "conflicts", "is known from the job; leave it out"));
    }
    let index = u32::try_from(input.index.unwrap_or_default());
    let index =
        index.map_err(|_| Problem::field("/index", "out_of_range", "counts the job's images from 0"))?;
    Ok(SaveFrom::Job { id, index })
}

async fn of_upload(api: &Api, input: &mut SaveInput, image: String) -> Answer<SaveFrom> {
    if input.index.is_some() {
        return Err(Problem::field("/index", "conflicts", "has a meaning only beside `job_id`"));
    }
    let origin = Origin {
        prompt: input.prompt.take().map(Prompt::try_from).transpose()?,
        request: input.request.take().map(|request| *request),
        seed: input.seed,
        parent: input.parent,
        saved_at: input.saved_at,
    };
    let limits = api.image_limits;
    let decode = move || imaging::parse_upload("/image", image, &limits).map_err(named);
    let picture = api.gates.picture(decode).await?;
    Ok(SaveFrom::Upload { picture: Box::new(picture), origin: Box::new(origin) })
}

fn named(error: FieldError) -> Problem {
    InvalidInput::field(error.pointer, error.code, error.detail).into()
}

impl SaveInput {
    fn edit(self) -> ImageEdit {
        ImageEdit {
            title: self.title.map(Some),
            note: self.note.map(Some),
            tags: self.tags,
            favorite: self.favorite,
            rating: self.rating.map(Some),
            labels: self.labels,
            collections: self.collections,
        }
    }
}
