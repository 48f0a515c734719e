//! `generate-image`: one attempt at a job.

use crate::failure::{Failure, Outcome};
use serde::{Deserialize, Serialize};
use tintype_core::{
    domain::{Clock, JobId, JobStatus},
    ports::Ports,
    use_cases::{Ran, run_job},
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
