//! `generate-image`: one attempt at a job.

use crate::failure::{Failure, Outcome};
use serde::{Deserialize, Serialize};
use tintype_aws::AsyncInference;
use tintype_core::{
    PortResult,
    domain::{Clock, Job, JobError, JobId, JobStatus},
    ports::{Ports, SourceBytes},
    use_cases::{Begun, Ran, begin_job, run_job, settle_job},
};

/// What the state machine asks for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Task {
    /// The job.
    pub job_id: JobId,
    /// Where the model answers later: what ends the state machine's wait.
    pub task_token: Option<String>,
}

/// What the state machine gets back: a reference and an outcome, never a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// The job.
    pub job_id: JobId,
    /// How it ended; `None` if another attempt took over.
    pub status: Option<JobStatus>,
}

/// Makes one attempt.
///
/// # Errors
/// `Throttled` or `Unavailable` if the job waits for another; another name if the outcome could not be recorded.
pub async fn attempt(ports: &Ports, job_id: JobId, clock: &dyn Clock, jitter: f64) -> Outcome<Ended> {
    ended(job_id, run_job(ports, &job_id, clock, jitter).await?)
}

/// What [`begin_later`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Later {
    /// The endpoint was asked: its notice ends the state machine's wait.
    Asked,
    /// The job ended at once: nothing comes any more, so the caller ends the wait.
    Over(Ended),
}

/// Begins an attempt with an endpoint that answers later.
///
/// # Errors
/// As [`attempt`].
pub async fn begin_later(
    ports: &Ports,
    later: &AsyncInference,
    (job_id, task_token): (JobId, &str),
    clock: &dyn Clock,
    jitter: f64,
) -> Outcome<Later> {
    let job = match begin_job(ports, &job_id, clock, jitter).await? {
        Begun::Attempt(job) => job,
        Begun::Over(ran) => return ended(job_id, ran).map(Later::Over),
    };
    let Err(error) = ask(ports, later, &job, task_token).await else { return Ok(Later::Asked) };
    let ran = settle_job(ports, &job, Err(JobError::of(&error)), clock, jitter).await?;
    ended(job_id, ran).map(Later::Over)
}

async fn ask(ports: &Ports, later: &AsyncInference, job: &Job, task_token: &str) -> PortResult<()> {
    later.invoke(job, source(ports, job).await?, task_token).await
}

async fn source(ports: &Ports, job: &Job) -> PortResult<Option<SourceBytes>> {
    let Some(source) = &job.request.source else { return Ok(None) };
    let image = ports.images.get(&source.image).await?;
    let mask = match &source.mask {
        Some(mask) => Some(ports.images.get(mask).await?),
        None => None,
    };
    Ok(Some(SourceBytes { image, mask }))
}

/// What an attempt means to the state machine.
///
/// # Errors
/// If the job waits for another.
pub fn ended(job_id: JobId, ran: Ran) -> Outcome<Ended> {
    match ran {
        Ran::Ended(job) => {
            tracing::info!(%job_id, status = job.status.name(), attempts = job.attempts, "the job ended");
            Ok(Ended { job_id, status: Some(job.status) })
        }
        Ran::Requeued(job) => {
            let code = job.error.as_ref().map(|error| error.code.as_str());
            tracing::warn!(%job_id, attempts = job.attempts, code, "the attempt failed; another follows");
            Err(Failure::requeued(job.error.as_ref()))
        }
        Ran::Superseded => {
            tracing::info!(%job_id, "another attempt took over, or the job had ended");
            Ok(Ended { job_id, status: None })
        }
    }
}
