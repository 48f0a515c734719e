//! `async-result`: an asynchronous endpoint's notice becomes the end of its attempt.

use crate::{
    failure::{Failure, Outcome},
    generate_image::{Ended, ended},
};
use serde::Deserialize;
use tintype_aws::{Answered, AsyncInference, Collected};
use tintype_core::{
    domain::{Clock, Job, JobError, JobStatus},
    ports::{DrawnImage, Ports},
    use_cases::{Ran, settle_job},
};

/// What SNS delivers.
#[derive(Clone, Debug, Deserialize)]
pub struct Notices {
    /// One record per notice; SNS sends one at a time.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// One notice in its envelope.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// What was published.
    #[serde(rename = "Sns")]
    pub sns: Published,
}

/// What was published.
#[derive(Clone, Debug, Deserialize)]
pub struct Published {
    /// The notice's text, as the endpoint wrote it.
    #[serde(rename = "Message")]
    pub message: String,
}

/// Takes every notice. A notice that comes again changes nothing.
///
/// # Errors
/// The first one: SNS delivers again, and after that the dead letters have it.
pub async fn handle(
    ports: &Ports,
    later: &AsyncInference,
    notices: &Notices,
    clock: &dyn Clock,
    jitter: f64,
) -> Outcome<()> {
    for record in &notices.records {
        match later.collect(&record.sns.message).await? {
            Collected::Answered(answered) => settle(ports, later, *answered, clock, jitter).await?,
            Collected::Nothing => tracing::info!("a notice of nothing that is waited for"),
        }
    }
    Ok(())
}

async fn settle(
    ports: &Ports,
    later: &AsyncInference,
    Answered { task, drawn }: Answered,
    clock: &dyn Clock,
    jitter: f64,
) -> Outcome<()> {
    match decide(ports, &task.job, drawn, clock, jitter).await? {
        Wait::Ends(ended) => later.finish_task(&task, &serde_json::json!(ended).to_string()).await?,
        Wait::Fails(failure) => later.fail_task(&task, failure.name, &failure.message).await?,
        Wait::IsNotOurs => {}
    }
    Ok(())
}

/// What becomes of the state machine that waits for an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wait {
    /// It goes on: the job has ended.
    Ends(Ended),
    /// It goes on as after this error.
    Fails(Failure),
    /// A later attempt runs, and has a wait of its own.
    IsNotOurs,
}

/// Settles the attempt of `job`, which is as it was begun. Where that is done already, or can't be done any more, the
/// job as it is now decides: the notice may come again because the state machine was not told the first time.
async fn decide(
    ports: &Ports,
    job: &Job,
    drawn: Result<Vec<DrawnImage>, JobError>,
    clock: &dyn Clock,
    jitter: f64,
) -> Outcome<Wait> {
    let ran = settle_job(ports, job, drawn, clock, jitter).await?;
    if ran == Ran::Superseded {
        let now = ports.jobs.find(&job.owner, &job.id, clock.now()).await?;
        match now.as_ref().map(|now| now.status) {
            Some(JobStatus::Queued) => {
                return Ok(Wait::Fails(Failure::requeued(now.and_then(|now| now.error).as_ref())));
            }
            Some(JobStatus::Running) => return Ok(Wait::IsNotOurs),
            Some(JobStatus::Succeeded | JobStatus::Failed | JobStatus::Canceled | JobStatus::Expired)
            | None => {}
        }
    }
    Ok(ended(ports, job.id, ran, clock.now()).await.map_or_else(Wait::Fails, Wait::Ends))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{JITTER, World, away, heard, refusal};

    async fn decided(world: &World, job: &Job, error: JobError) -> Wait {
        decide(&world.ports(), job, Err(error), &world.memory.clock, JITTER).await.unwrap()
    }

    fn named(wait: Wait) -> &'static str {
        match wait {
            Wait::Fails(failure) => failure.name,
            other @ (Wait::Ends(_) | Wait::IsNotOurs) => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_notice_ends_the_wait_and_so_does_its_repetition() {
        let world = World::new().await;
        let job = world.begun().await;
        for _ in 0..2 {
            let wait = decided(&world, &job, refusal()).await;
            assert_eq!(wait, Wait::Ends(Ended { job_id: job.id, status: Some(JobStatus::Failed) }));
        }
    }

    #[tokio::test]
    async fn a_notice_that_comes_again_while_the_job_waits_has_it_tried_again() {
        let world = World::new().await;
        let job = world.begun().await;
        for _ in 0..2 {
            assert_eq!(named(decided(&world, &job, away()).await), "Unavailable");
            assert_eq!(world.status().await, JobStatus::Queued);
        }
    }

    #[tokio::test]
    async fn a_notice_that_comes_again_while_a_later_attempt_runs_does_nothing() {
        let world = World::new().await;
        let job = world.begun().await;
        decided(&world, &job, away()).await;
        world.begun().await;
        assert_eq!(decided(&world, &job, away()).await, Wait::IsNotOurs);
    }

    #[tokio::test]
    async fn a_notice_of_a_job_that_was_canceled_ends_the_wait() {
        let world = World::new().await;
        let job = world.begun().await;
        world.ports().jobs.cancel(&job.owner, &job.id, world.memory.clock.now()).await.unwrap();
        let wait = decided(&world, &job, refusal()).await;
        assert_eq!(wait, Wait::Ends(Ended { job_id: job.id, status: None }));
    }

    #[tokio::test]
    async fn a_notice_whose_end_can_not_be_told_leaves_that_to_the_state_machine() {
        let world = World::new().await;
        let mut inbox = world.listener().await;
        let job = world.begun().await;
        heard(&mut inbox);
        let wait = decide(&world.mute(), &job, Err(refusal()), &world.memory.clock, JITTER).await.unwrap();
        assert_eq!(named(wait), "Undelivered");
    }

    #[test]
    fn a_notice_comes_in_the_envelope_of_sns() {
        let event =
            r#"{"Records": [{"EventSource": "aws:sns", "Sns": {"Type": "Notification", "Message": "{}"}}]}"#;
        let notices: Notices = serde_json::from_str(event).unwrap();
        assert_eq!(notices.records[0].sns.message, "{}");
    }
}
