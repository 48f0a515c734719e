//! A job's attempts: failing, repeating, dying, being stopped.

use crate::world::{World, alice, input, mallory};
use std::time::Duration;
use tintype_core::{
    Error, ErrorKind,
    domain::{GenerateInput, Job, JobError, JobStatus, OutputFormat, limits},
    imaging,
    ports::DrawnImage,
    use_cases::{Begun, Ran, Sources, Submit, Told, begin_job, cancel, give_up, retry, settle_job, submit},
};
use tintype_memory::{LEASE, Script, Signal, Step};

const AWAY: &str = "no answer";

#[tokio::test]
async fn a_queued_job_that_is_canceled_is_never_drawn() {
    let world = World::new();
    let job = world.accepted(input("red heart")).await;
    cancel(&world.memory.ports(), &alice(), &job.id, world.now()).await.unwrap();
    world.memory.run_all().await.unwrap();
    assert!(world.memory.model.requests().is_empty());
    assert_eq!(world.job(&job.id).await.status, JobStatus::Canceled);
}

#[tokio::test]
async fn canceling_a_running_job_frees_its_worker() {
    let world = World::new();
    let never = Signal::new();
    world.memory.model.follow(Script::new(vec![Step::Wait(never)]));
    let job = world.accepted(input("red heart")).await;
    let ports = world.memory.ports();
    let stop = async {
        while world.memory.model.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        cancel(&ports, &alice(), &job.id, world.now()).await.unwrap();
    };
    let (ran, ()) = tokio::join!(world.memory.run_next(), stop);
    assert_eq!(ran.unwrap(), Some(job.id));
    assert_eq!(world.job(&job.id).await.status, JobStatus::Canceled);
}

#[tokio::test]
async fn canceling_an_ended_job_changes_nothing() {
    let world = World::new();
    let job = world.drawn(input("red heart")).await;
    let canceled = cancel(&world.memory.ports(), &alice(), &job.id, world.now()).await.unwrap();
    assert_eq!(canceled, job);
}

#[tokio::test]
async fn another_owners_job_can_not_be_canceled() {
    let world = World::new();
    let job = world.accepted(input("red heart")).await;
    let refused = cancel(&world.memory.ports(), &mallory(), &job.id, world.now()).await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    assert_eq!(world.job(&job.id).await.status, JobStatus::Queued);
}

#[tokio::test]
async fn an_attempt_that_fails_for_now_is_made_again_after_a_wait() {
    let world = World::new();
    world.memory.model.follow(Script::failing(ErrorKind::Unavailable, AWAY));
    let job = world.accepted(input("red heart")).await;
    assert_eq!(world.memory.run_all().await.unwrap(), 1);
    let waiting = world.job(&job.id).await;
    assert_eq!((waiting.status, waiting.attempts), (JobStatus::Queued, 1));
    world.memory.clock.pass_until(waiting.not_before);
    world.memory.run_all().await.unwrap();
    assert_eq!(world.job(&job.id).await.status, JobStatus::Succeeded);
}

#[tokio::test]
async fn a_job_whose_every_attempt_fails_is_given_up() {
    let world = World::new();
    let job = world.accepted(input("red heart")).await;
    for _ in 0..limits::ATTEMPTS_MAX {
        world.memory.model.follow(Script::failing(ErrorKind::Unavailable, AWAY));
        world.memory.run_all().await.unwrap();
        world.pass(Duration::from_secs(3_600));
    }
    let job = world.job(&job.id).await;
    assert_eq!((job.status, job.attempts), (JobStatus::Failed, limits::ATTEMPTS_MAX));
    assert!(job.error.unwrap().retryable);
}

#[tokio::test]
async fn a_prompt_the_model_refuses_fails_at_the_first_attempt_with_its_reason() {
    let world = World::new();
    world.memory.model.follow(Script::failing(ErrorKind::Rejected, "not that"));
    let job = world.accepted(input("red heart")).await;
    world.memory.run_all().await.unwrap();
    let job = world.job(&job.id).await;
    assert_eq!((job.status, job.attempts), (JobStatus::Failed, 1));
    assert_eq!(job.error.unwrap().message, "not that");
}

#[tokio::test]
async fn a_job_whose_worker_died_is_finished_by_another() {
    let world = World::new();
    let job = world.accepted(input("red heart")).await;
    let ports = world.memory.ports();
    world.memory.workflow.die_after_begin(&ports, &world.memory.clock).await.unwrap().unwrap();
    assert_eq!(world.memory.run_all().await.unwrap(), 0, "its lease has not run out");
    world.pass(LEASE);
    world.memory.run_all().await.unwrap();
    let job = world.job(&job.id).await;
    assert_eq!((job.status, job.attempts), (JobStatus::Succeeded, 2));
}

#[tokio::test]
async fn a_job_that_brings_every_worker_down_is_given_up() {
    let world = World::new();
    let job = world.accepted(input("red heart")).await;
    let ports = world.memory.ports();
    for _ in 0..limits::ATTEMPTS_MAX {
        world.memory.workflow.die_after_begin(&ports, &world.memory.clock).await.unwrap().unwrap();
        world.pass(LEASE);
    }
    world.memory.run_all().await.unwrap();
    let job = world.job(&job.id).await;
    assert_eq!(job.status, JobStatus::Failed);
    assert_eq!(job.error.unwrap().code, "attempts_exhausted");
}

#[tokio::test]
async fn a_job_that_is_given_up_fails_with_the_reason_and_its_worker_may_not_write() {
    let world = World::new();
    let job = begun(&world).await;
    let (ports, clock) = (world.memory.ports(), &world.memory.clock);
    give_up(&ports, &job.id, refusal(), clock).await.unwrap();
    assert_eq!(world.job(&job.id).await.error, Some(refusal()));
    let late = settle_job(&ports, &job, Ok(Vec::<DrawnImage>::new()), clock, 0.5).await.unwrap();
    assert_eq!(late, Ran::Superseded);
}

#[tokio::test]
async fn giving_up_a_job_that_has_ended_changes_nothing() {
    let world = World::new();
    let job = world.drawn(input("red heart")).await;
    let ran = give_up(&world.memory.ports(), &job.id, refusal(), &world.memory.clock).await.unwrap();
    assert_eq!(ran, Ran::Superseded);
    assert_eq!(world.job(&job.id).await, job);
}

#[tokio::test]
async fn an_attempt_may_be_settled_elsewhere_and_later() {
    let world = World::new();
    let job = begun(&world).await;
    let (ports, clock) = (world.memory.ports(), &world.memory.clock);
    let settled = settle_job(&ports, &job, Err(refusal()), clock, 0.5).await.unwrap();
    assert!(matches!(settled, Ran::Ended(ended, Told::All) if ended.error == Some(refusal())));
    assert_eq!(
        settle_job(&ports, &job, Err(refusal()), clock, 0.5).await.unwrap(),
        settled_again(&world, &job).await
    );
}

/// What settling an ended job the same way once more gives: the job as it is.
async fn settled_again(world: &World, job: &Job) -> Ran {
    Ran::Ended(Box::new(world.job(&job.id).await), Told::All)
}

fn refusal() -> JobError {
    JobError { code: "rejected".into(), message: "not this".into(), retryable: false }
}

/// Alice's job, begun and not settled.
async fn begun(world: &World) -> Job {
    let job = world.accepted(input("red heart")).await;
    match begin_job(&world.memory.ports(), &job.id, &world.memory.clock, 0.5).await.unwrap() {
        Begun::Attempt(job) => *job,
        Begun::Over(ran) => panic!("not begun: {ran:?}"),
    }
}

#[tokio::test]
async fn a_failed_job_is_repeated_as_a_new_one_that_names_it() {
    let world = World::new();
    world.memory.model.follow(Script::failing(ErrorKind::Rejected, "not that"));
    let failed = world.accepted(input("red heart")).await;
    world.memory.run_all().await.unwrap();
    let ports = world.memory.ports();
    let again = retry(&ports, &alice(), &failed.id, world.now(), &world.memory.entropy()).await.unwrap().job;
    world.memory.run_all().await.unwrap();
    let again = world.job(&again.id).await;
    assert_eq!((again.status, again.retry_of), (JobStatus::Succeeded, Some(failed.id)));
    assert_eq!(world.job(&failed.id).await.status, JobStatus::Failed);
}

#[tokio::test]
async fn repeating_a_job_twice_is_repeating_it_once() {
    let world = World::new();
    let job = world.accepted(input("red heart")).await;
    let ports = world.memory.ports();
    cancel(&ports, &alice(), &job.id, world.now()).await.unwrap();
    let first = retry(&ports, &alice(), &job.id, world.now(), &world.memory.entropy()).await.unwrap();
    let second = retry(&ports, &alice(), &job.id, world.now(), &world.memory.entropy()).await.unwrap();
    assert_eq!(first.job.id, second.job.id);
}

#[tokio::test]
async fn repeating_a_job_renews_the_time_of_the_pictures_it_starts_from() {
    let world = World::new();
    let ports = world.memory.ports();
    let draw = |side| imaging::encode_rgb(side, 8, vec![200; side as usize * 24], OutputFormat::Png).unwrap();
    let sources = Sources { image: Some(draw(8)), mask: Some(draw(16)) };
    let given = || Some("as decoded".to_owned());
    let input = GenerateInput { init_image: given(), mask_image: given(), ..input("red heart") };
    let wish = Submit { owner: alice(), input, sources: sources.clone(), key: None };
    let job = submit(&ports, wish, world.now(), &world.memory.entropy()).await.unwrap().job;
    cancel(&ports, &alice(), &job.id, world.now()).await.unwrap();
    world.pass(limits::BLOB_GRACE * 2);
    retry(&ports, &alice(), &job.id, world.now(), &world.memory.entropy()).await.unwrap();
    for picture in [sources.image.unwrap(), sources.mask.unwrap()] {
        let stored = ports.images.find(picture.blob.id()).await.unwrap().unwrap();
        assert_eq!(stored.put_at, world.now());
    }
}

#[tokio::test]
async fn a_job_that_succeeded_is_not_repeated() {
    let world = World::new();
    let job = world.drawn(input("red heart")).await;
    let refused = retry(&world.memory.ports(), &alice(), &job.id, world.now(), &world.memory.entropy()).await;
    assert!(matches!(refused, Err(Error::NotReady(_))), "{refused:?}");
}

#[tokio::test]
async fn a_job_whose_deadline_passed_before_it_began_expires_and_is_never_drawn() {
    let world = World::new();
    let job = world.accepted(GenerateInput { deadline_s: Some(5), ..input("red heart") }).await;
    world.pass(Duration::from_secs(5));
    world.memory.run_all().await.unwrap();
    assert_eq!(world.job(&job.id).await.status, JobStatus::Expired);
    assert!(world.memory.model.requests().is_empty());
}
