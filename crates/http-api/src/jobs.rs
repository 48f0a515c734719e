//! `/jobs`: finding, stopping and repeating jobs, and the bytes of their results.

use crate::{
    access::Owner,
    api::Api,
    content::{self, Stored},
    generate,
    images::page,
    path::PathParts,
    problem::{Answer, Code, Problem},
    query::{NoQuery, Query},
};
use axum::{Json, extract::State, http::HeaderMap, response::IntoResponse};
use std::sync::Arc;
use tintype_core::{
    domain::{Job, JobStatus},
    ports::{LinkTarget, Place},
    use_cases::{self, JobListing, find_job, list_jobs},
    views::JobView,
};

/// The parameters of `GET /jobs`.
pub(crate) const LIST_PARAMETERS: &[&str] = &["limit", "cursor", "status"];

/// The parameters of `GET /jobs/{id}/images/{n}`.
pub(crate) const IMAGE_PARAMETERS: &[&str] = &["strip"];

/// `GET /jobs`
pub(crate) async fn list(State(api): State<Arc<Api>>, Owner(owner): Owner, mut query: Query) -> Answer {
    let given = query.given();
    let names = JobStatus::ALL.map(JobStatus::name).join(", ");
    let status = query.value::<JobStatus>("status", &format!("must be one of: {names}"));
    let listing = JobListing { status, cursor: query.text("cursor"), limit: query.limit() };
    query.finish(LIST_PARAMETERS)?;
    let _turn = api.gates.list().await?;
    let listed = list_jobs(&api.ports, &api.cursors, &owner, &listing, api.now()).await;
    let listed = listed.map_err(Problem::of_list)?;
    let mut items = Vec::with_capacity(listed.items.len());
    for job in listed.items {
        // Without places in line: each would be counted by itself. Ask for one job to learn its place.
        items.push(shown(&api, job, None).await?);
    }
    Ok(page(&items, listed.next_cursor.as_deref(), &given))
}

/// `GET /jobs/{id}`
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    path: PathParts,
    _: NoQuery,
) -> Answer {
    let (job, place) = find_job(&api.ports, &owner, &path.job()?, api.now()).await?;
    Ok(Json(shown(&api, job, place).await?).into_response())
}

/// `POST /jobs/{id}/cancel`
pub(crate) async fn cancel(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    path: PathParts,
    _: NoQuery,
) -> Answer {
    let job = use_cases::cancel(&api.ports, &owner, &path.job()?, api.now()).await?;
    Ok(Json(view(&api, job).await?).into_response())
}

/// `POST /jobs/{id}/retry`
pub(crate) async fn retry(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    path: PathParts,
    _: NoQuery,
) -> Answer {
    let submitted = use_cases::retry(&api.ports, &owner, &path.job()?, api.now(), &api.entropy()).await?;
    generate::accepted(&api, submitted).await
}

/// `GET /jobs/{id}/images/{n}`
pub(crate) async fn image(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    path: PathParts,
    mut query: Query,
    headers: HeaderMap,
) -> Answer {
    let stripped = content::stripped(&mut query);
    query.finish(IMAGE_PARAMETERS)?;
    let (id, place) = (path.job()?, path.place()?);
    let (job, _) = find_job(&api.ports, &owner, &id, api.now()).await?;
    let image = job.images.iter().find(|image| image.index == place).ok_or_else(|| {
        let status = job.status.name();
        let detail = format!("no such image in this job: it is {status} and has {} images", job.images.len());
        Problem::new(Code::NotFound, detail)
    })?;
    let stored = Stored {
        id: image.sha256,
        content_type: image.content_type,
        bytes: image.bytes,
        name: format!("{id}-{place}"),
        target: LinkTarget::JobImage {
            owner,
            job_id: id,
            index: place,
            sha256: image.sha256,
            content_type: image.content_type,
        },
    };
    content::as_it_is(&api, &stored, stripped, &headers).await
}

/// What a client sees of `job`, with its place in line while it waits.
pub(crate) async fn view(api: &Api, job: Job) -> Answer<JobView> {
    let place = match job.status {
        // Its place is good to know, and no reason to fail.
        JobStatus::Queued => api.ports.workflow.place(&job, api.now()).await.unwrap_or_default(),
        JobStatus::Running
        | JobStatus::Succeeded
        | JobStatus::Failed
        | JobStatus::Canceled
        | JobStatus::Expired => None,
    };
    shown(api, job, place).await
}

/// What a client sees of `job`, with this place in line.
pub(crate) async fn shown(api: &Api, job: Job, place: Option<Place>) -> Answer<JobView> {
    let view = JobView::of(job, place, &*api.ports.links, api.now()).await?;
    Ok(view.below(&api.public_url))
}
