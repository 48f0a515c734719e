//! `POST /generate`: a request becomes a job.

use crate::{
    access::Owner,
    api::Api,
    body::Upload,
    jobs,
    problem::{Answer, Code, Problem, chain},
    query::NoQuery,
};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use std::{sync::Arc, time::Duration};
use tintype_core::{
    domain::{GenerateInput, IdempotencyKey, Job},
    use_cases::{Sources, Submit, Submitted, submit},
};
#[cfg(feature = "socket")]
use {crate::listener::until_end, tintype_core::use_cases::find_job, tokio::time::timeout};

/// The longest a request may wait for its job to end, in seconds: API Gateway answers within 29.
pub(crate) const WAIT_MAX_S: u64 = 25;
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const PREFER: HeaderName = HeaderName::from_static("prefer");
#[cfg(feature = "socket")]
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// When a client should ask for its job again, in seconds.
const POLL_AFTER: HeaderValue = HeaderValue::from_static("1");

/// `POST /generate`
pub(crate) async fn generate(
    State(api): State<Arc<Api>>,
    Owner(owner): Owner,
    _: NoQuery,
    headers: HeaderMap,
    upload: Upload,
) -> Answer {
    let key = idempotency_key(&headers)?;
    let ((input, unreadable), room) = upload.parse_each::<GenerateInput>(&api).await?;
    // The use case names them together with what else is wrong.
    let (input, sources) = decode(&api, GenerateInput { unreadable, ..input }).await?;
    let command = Submit { owner, input, sources, key };
    let submitted = submit(&api.ports, command, api.now(), &api.entropy()).await?;
    drop(room);
    match preferred_wait(&headers) {
        Some(wait) => finished(&api, submitted, wait).await,
        None => accepted(&api, submitted).await,
    }
}

fn idempotency_key(headers: &HeaderMap) -> Answer<Option<IdempotencyKey>> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = value.to_str().ok().and_then(|text| text.parse().ok());
    let rule = format!("Idempotency-Key must be 1 to {} visible ASCII characters", IdempotencyKey::MAX_BYTES);
    key.map(Some).ok_or_else(|| Problem::new(Code::BadHeader, rule))
}

async fn decode(api: &Api, mut input: GenerateInput) -> Answer<(GenerateInput, Sources)> {
    if input.init_image.is_none() && input.mask_image.is_none() {
        return Ok((input, Sources::default()));
    }
    let limits = api.image_limits;
    api.gates
        .picture(move || {
            let sources = Sources::decode(&mut input, &limits);
            Ok((input, sources))
        })
        .await
}

/// `wait=N` of the `Prefer` header (RFC 7240); what is not understood there is ignored.
fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(PREFER).into_iter().filter_map(|value| value.to_str().ok());
    let seconds = values
        .flat_map(|value| value.split([',', ';']))
        .find_map(|preference| preference.trim().strip_prefix("wait=")?.parse::<u64>().ok())?;
    Some(Duration::from_secs(seconds.min(WAIT_MAX_S)))
}

/// The answer for a job that was accepted: 202, and where to look.
pub(crate) async fn accepted(api: &Api, submitted: Submitted) -> Answer {
    let replayed = submitted.replayed;
    let job = note(api, submitted);
    let mut response = answer(api, StatusCode::ACCEPTED, job).await?;
    if replayed {
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn note(api: &Api, submitted: Submitted) -> Job {
    if let Some(error) = &submitted.start_error {
        let (job_id, cause) = (submitted.job.id, chain(error));
        tracing::warn!(%job_id, cause, "the job was accepted but not started; the sweep will start it");
    }
    if !submitted.replayed {
        api.metrics.jobs_accepted.inc();
    }
    submitted.job
}

async fn answer(api: &Api, status: StatusCode, job: Job) -> Answer {
    let location = HeaderValue::try_from(format!("{}/jobs/{}", api.public_url, job.id));
    // Without its place in line: that would be counted for every accept, and most are never looked at.
    let view = jobs::shown(api, job, None).await?;
    let mut response = (status, axum::Json(view)).into_response();
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if status == StatusCode::ACCEPTED {
        response.headers_mut().insert(header::RETRY_AFTER, POLL_AFTER);
    }
    Ok(response)
}

/// Waits for the job's end: 200 with it, or 202 if it takes longer.
#[cfg(feature = "socket")]
async fn finished(api: &Arc<Api>, submitted: Submitted, wait: Duration) -> Answer {
    // A preference may go unheard, as where too many wait already.
    let (Some(hub), Some(_waiter)) = (api.hub.clone(), api.gates.waiter()) else {
        return accepted(api, submitted).await;
    };
    let (id, owner) = (submitted.job.id, submitted.job.owner.clone());
    let mut response = accepted(api, submitted).await?;
    // The job was accepted: that it can't be waited for is no reason to say otherwise.
    if let Ok(Ok(())) = timeout(wait, until_end(api, &hub, owner.clone(), id)).await {
        let (job, _) = find_job(&api.ports, &owner, &id, api.now()).await?;
        // A server that drains waits no longer.
        if job.status.is_terminal() {
            let replayed = response.headers_mut().remove(IDEMPOTENCY_REPLAYED);
            response = answer(api, StatusCode::OK, job).await?;
            response.headers_mut().extend(replayed.map(|replayed| (IDEMPOTENCY_REPLAYED, replayed)));
        }
    }
    if let Ok(applied) = HeaderValue::try_from(format!("wait={}", wait.as_secs())) {
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    Ok(response)
}

/// Without a hub nobody can be told of the end; a preference may go unheard.
#[cfg(not(feature = "socket"))]
async fn finished(api: &Arc<Api>, submitted: Submitted, _: Duration) -> Answer {
    accepted(api, submitted).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(prefer: &'static str) -> Option<u64> {
        let headers = HeaderMap::from_iter([(PREFER, HeaderValue::from_static(prefer))]);
        preferred_wait(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_preferred_wait_is_bounded_and_what_is_not_understood_ignored() {
        assert_eq!(wait("wait=5"), Some(5));
        assert_eq!(wait("respond-async, wait=100"), Some(WAIT_MAX_S));
        for ignored in ["wait", "wait=x", "wait=-1", "return=minimal"] {
            assert_eq!(wait(ignored), None, "{ignored}");
        }
    }
}
