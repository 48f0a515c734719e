//! `deliver`: sends the listeners of a job what they have not been sent, or gives a job up.

use crate::{failure::Outcome, generate_image::ended};
use serde::{Deserialize, Serialize};
use tintype_core::{
    domain::{Clock, JobError, JobId},
    ports::Ports,
    use_cases::{deliver, give_up},
};

/// What the state machine asks for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Task {
    /// The job.
    pub job_id: JobId,
    /// The name of the error for which the job is given up; without one there is just something to deliver.
    pub error: Option<String>,
    /// What the error said; for the log, not for the job's owner.
    pub cause: Option<String>,
}

/// What the state machine gets back: a reference, never more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// The job.
    pub job_id: JobId,
}

/// Does what `task` says. It can be done again.
///
/// # Errors
/// If what happened could not be recorded, or somebody not told.
pub async fn handle(ports: &Ports, task: Task, clock: &dyn Clock) -> Outcome<Delivered> {
    let Task { job_id, error, cause } = task;
    match error {
        None => deliver(ports, &job_id, clock.now()).await?,
        Some(error) => {
            tracing::error!(%job_id, error, cause, "the job is given up");
            let ran = give_up(ports, &job_id, given_up(&error), clock).await?;
            ended(ports, job_id, ran, clock.now()).await?;
        }
    }
    Ok(Delivered { job_id })
}

/// What the job's owner reads: an error of a function may name what is none of their business.
fn given_up(error: &str) -> JobError {
    let timed_out = error == "States.Timeout" || error == "Sandbox.Timedout";
    let (code, message) = if timed_out {
        ("timeout", "given up: the model did not answer in time")
    } else {
        ("internal", "given up: the job could not be carried through; its operator can see why")
    };
    JobError { code: code.to_owned(), message: message.to_owned(), retryable: true }
}
