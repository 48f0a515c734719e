//! What an operator or an orchestrator asks: does it live, can it serve, what is it.

use crate::{
    api::Api,
    problem::{Answer, Code, Problem},
    space::Space,
};
use axum::{Json, extract::State, response::IntoResponse};
use futures_util::TryFutureExt;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tintype_core::{
    PortResult,
    domain::{BlobId, Entropy, ImageId, JobId, OwnerId, Timestamp},
};
use tokio::time::timeout;

/// How long a part may take to answer before the server counts as not ready.
const READY_TIME: Duration = Duration::from_secs(2);

/// `GET /livez`: the process answers.
pub(crate) async fn livez() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

/// `GET /readyz`: what it needs answers, and it is not shutting down. A server without space for further data is ready, and
/// tells that it is read-only: whoever takes it out of a balancer would stop the reads, and the deletes that make room.
pub(crate) async fn readyz(State(api): State<Arc<Api>>) -> Answer {
    if api.shutdown.is_cancelled() {
        return Err(Problem::new(Code::Unavailable, "the server is shutting down"));
    }
    if let Some(damage) = api.ports.integrity.damage().await.first() {
        tracing::warn!(damage, "not ready");
        let detail = "the database is damaged: nothing is deleted, and what can't be read is an error; \
                      `tintype check` tells more";
        return Err(Problem::new(Code::Unavailable, detail));
    }
    match timeout(READY_TIME, ask(&api)).await {
        Ok(Ok(space)) => Ok(Json(ready(space)).into_response()),
        Ok(Err(part)) => Err(not_ready(part)),
        Err(_) => Err(not_ready("one of the stores, in time")),
    }
}

fn not_ready(part: &str) -> Problem {
    Problem::new(Code::Unavailable, format!("the server can't reach {part}; its log says why"))
}

fn ready(space: Option<Space>) -> Value {
    let reason = space.and_then(|space| space.read_only);
    let mut status = json!({ "status": "ready", "read_only": reason.is_some() });
    if let Some(reason) = reason {
        status["reason"] = reason.into();
    }
    status
}

/// Looks up something that is not there in each store, and measures the room.
async fn ask(api: &Api) -> Result<Option<Space>, &'static str> {
    let (owner, now) = (OwnerId::local(), api.now());
    let (start, nothing) = (Timestamp::from_millis(0), Entropy([0; 32]));
    let (job, image) = (JobId::new(start, &nothing), ImageId::new(start, &nothing));
    let noted = |part: &'static str, result: PortResult<()>| {
        result.map_err(|error| {
            tracing::warn!(part, cause = crate::problem::chain(&error), "not ready");
            part
        })
    };
    noted("the job store", api.ports.jobs.find(&owner, &job, now).map_ok(drop).await)?;
    noted("the image records", api.ports.metadata.find(&owner, &image, now).map_ok(drop).await)?;
    noted("the image store", api.ports.images.find(&BlobId::of(b"")).map_ok(drop).await)?;
    Ok(api.measured_space().await)
}

/// `GET /version`
pub(crate) async fn version(State(api): State<Arc<Api>>) -> Json<Value> {
    Json(json!({ "name": "tintype", "version": env!("CARGO_PKG_VERSION"), "commit": api.commit }))
}
