//! `generate-image`: one attempt at a job.

use crate::failure::{Failure, Outcome};
use crate::logging::chain;
use serde::{Deserialize, Serialize};
use tintype_aws::AsyncInference;
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{Clock, Job, JobError, JobId, JobStatus, Timestamp},
    ports::Ports,
    use_cases::{Begun, Ran, Told, begin_job, deliver, load_source, run_job_until, settle_job},
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
/// `Throttled` or `Unavailable` if the job waits for another, `Undelivered` if it has ended and somebody could not be
/// told; another name if the outcome could not be recorded.
pub async fn attempt(ports: &Ports, job_id: JobId, clock: &dyn Clock, jitter: f64) -> Outcome<Ended> {
    let failed = |error: &PortError| note_failure(job_id, error);
    let ran = run_job_until(ports, &job_id, clock, jitter, std::future::pending(), &failed).await?;
    ended(ports, job_id, ran, clock.now()).await
}

/// Logs why an attempt failed, with every cause, once. A refusal may quote the prompt, which stays out of the log.
fn note_failure(job_id: JobId, error: &PortError) {
    if error.kind() != ErrorKind::Rejected {
        tracing::warn!(%job_id, cause = chain(error), "an attempt failed");
    }
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
        Begun::Over(ran) => return ended(ports, job_id, ran, clock.now()).await.map(Later::Over),
    };
    let Err(error) = ask(ports, later, &job, task_token).await else { return Ok(Later::Asked) };
    note_failure(job_id, &error);
    let ran = settle_job(ports, &job, Err(JobError::of(&error)), clock, jitter).await?;
    ended(ports, job_id, ran, clock.now()).await.map(Later::Over)
}

async fn ask(ports: &Ports, later: &AsyncInference, job: &Job, task_token: &str) -> PortResult<()> {
    later.invoke(job, load_source(ports, &job.request).await?, task_token).await
}

/// What an attempt means to the state machine. One that finds the job ended may be the repetition of one that died
/// before it told anybody, so it delivers what was missed.
///
/// # Errors
/// If the job waits for another, or somebody could not be told of its end.
pub async fn ended(ports: &Ports, job_id: JobId, ran: Ran, now: Timestamp) -> Outcome<Ended> {
    match ran {
        Ran::Ended(job, told) => {
            tracing::info!(%job_id, status = job.status.name(), attempts = job.attempts, "the job ended");
            match told {
                Told::All => Ok(Ended { job_id, status: Some(job.status) }),
                Told::NotAll => Err(Failure::undelivered()),
            }
        }
        Ran::Requeued(job) => {
            let code = job.error.as_ref().map(|error| error.code.as_str());
            tracing::warn!(%job_id, attempts = job.attempts, code, "the attempt failed; another follows");
            Err(Failure::requeued(job.error.as_ref()))
        }
        Ran::Superseded => {
            tracing::info!(%job_id, "another attempt took over, or the job had ended");
            deliver(ports, &job_id, now).await.map_err(Failure::undelivered_for)?;
            Ok(Ended { job_id, status: None })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{JITTER, World, heard};
    use tintype_core::{domain::Outcome as End, use_cases::give_up};

    async fn attempted(world: &World, ports: &Ports) -> Outcome<Ended> {
        attempt(ports, world.new.id, &world.memory.clock, JITTER).await
    }

    #[tokio::test]
    async fn a_job_whose_end_can_not_be_told_has_ended_all_the_same() {
        let world = World::new().await;
        let _inbox = world.listener().await;
        assert_eq!(attempted(&world, &world.mute()).await.unwrap_err().name, "Undelivered");
        assert_eq!(world.status().await, JobStatus::Succeeded);
    }

    #[tokio::test]
    async fn somebody_who_is_gone_is_not_somebody_who_could_not_be_told() {
        let world = World::new().await;
        drop(world.listener().await);
        let ended = attempted(&world, &world.ports()).await.unwrap();
        assert_eq!(ended.status, Some(JobStatus::Succeeded));
    }

    /// An attempt that recorded the end and died before it told anybody.
    async fn ended_in_silence(world: &World) {
        let fence = world.begun().await.fence();
        let ended = world
            .ports()
            .jobs
            .finish(&fence, End::Succeeded { images: vec![], warnings: vec![] }, world.memory.clock.now())
            .await;
        ended.unwrap();
    }

    #[tokio::test]
    async fn an_attempt_that_finds_the_job_ended_tells_what_was_not_told() {
        let world = World::new().await;
        let mut inbox = world.listener().await;
        ended_in_silence(&world).await;
        assert_eq!(heard(&mut inbox), ["job.queued", "job.running"]);
        assert_eq!(attempted(&world, &world.ports()).await.unwrap().status, None);
        assert_eq!(heard(&mut inbox), ["job.succeeded"]);
    }

    #[tokio::test]
    async fn an_attempt_that_finds_the_job_ended_and_can_not_tell_it_says_so() {
        let world = World::new().await;
        let _inbox = world.listener().await;
        ended_in_silence(&world).await;
        assert_eq!(attempted(&world, &world.mute()).await.unwrap_err().name, "Undelivered");
    }

    #[tokio::test]
    async fn giving_up_a_job_again_tells_what_was_not_told() {
        let world = World::new().await;
        let mut inbox = world.listener().await;
        let error = crate::world::refusal();
        let (clock, id) = (&world.memory.clock, world.new.id);
        let ran = give_up(&world.mute(), &id, error.clone(), clock).await.unwrap();
        assert_eq!(ended(&world.mute(), id, ran, clock.now()).await.unwrap_err().name, "Undelivered");
        heard(&mut inbox);
        let again = give_up(&world.ports(), &id, error, clock).await.unwrap();
        ended(&world.ports(), id, again, clock.now()).await.unwrap();
        assert_eq!(heard(&mut inbox).last(), Some(&"job.failed"));
    }
}
