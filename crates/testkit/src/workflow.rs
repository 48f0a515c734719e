//! The contract of [`Workflow`](tintype_core::ports::Workflow), case by case.

use crate::samples::{failure, job_of, owner, request_with};
use crate::stub_model::{Act, StubModel};
use crate::suites::cases;
use async_trait::async_trait;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tintype_core::{
    ErrorKind,
    domain::{Job, JobId, JobStatus, NewJob, Outcome, OwnerId, Timestamp, limits},
    ports::{InsertedJob, Place, Ports, QueueCounts},
};

/// A workflow whose work is done step by step, under a clock that a case moves.
#[async_trait]
pub trait WorkflowFixture: Send + Sync + 'static {
    /// Every port, with the workflow under test, the jobs it works on and the models the factory was given.
    fn ports(&self) -> Ports;

    /// The time as the workflow sees it. It only moves with [`pass`](Self::pass).
    fn now(&self) -> Timestamp;

    /// Lets time pass.
    fn pass(&self, time: Duration);

    /// Claims the job that is next now and runs one attempt at it to its end, or until the job is canceled. `None`
    /// if there is no job that may run now.
    async fn run_next(&self) -> Option<JobId>;

    /// Claims the job that is next now, begins it, and dies without another write: no heartbeat, no end. Returns the
    /// job as it was begun; `None` if there is no job that may run now.
    async fn die_after_begin(&self) -> Option<Job>;

    /// After how long a job whose worker is silent is given to another.
    fn lease(&self) -> Duration;

    /// Ends the process and opens everything again over what it had stored. Does nothing where the process is the
    /// store.
    async fn restart(&self);
}

/// What a case of the workflow gets.
pub(crate) struct Stage {
    pub(crate) fixture: Arc<dyn WorkflowFixture>,
    pub(crate) model: Arc<StubModel>,
}

cases! { CASES of Stage:
    // to an end
    a_started_job_is_run_to_its_end,
    a_job_is_run_once,
    without_a_job_nothing_is_run,
    a_job_that_fails_for_good_ends_failed,
    a_job_past_its_deadline_ends_expired,
    a_started_job_is_run_after_a_restart,
    many_workers_run_every_job_once,
    // again
    a_job_is_not_run_again_before_its_time,
    a_job_is_run_again_at_its_time,
    a_job_that_waits_for_its_time_holds_up_no_other,
    a_job_that_keeps_failing_is_given_up,
    a_job_is_run_again_after_a_restart,
    // starting again
    starting_a_waiting_job_again_changes_nothing,
    starting_a_running_job_again_changes_nothing,
    starting_an_ended_job_again_changes_nothing,
    // the line
    owners_take_turns,
    an_owner_who_comes_late_gets_a_turn_soon,
    an_owners_highest_priority_goes_first,
    an_owners_oldest_goes_first,
    priority_does_not_take_another_owners_turn,
    // crashes
    a_job_whose_worker_lives_is_not_given_to_another,
    a_job_whose_worker_died_is_not_given_away_within_its_lease,
    a_job_whose_worker_died_is_run_by_another,
    a_job_whose_worker_died_is_run_after_a_restart,
    a_worker_that_was_given_up_can_not_write,
    a_job_whose_workers_keep_dying_is_given_up,
    // cancel
    a_canceled_job_is_not_run,
    cancel_frees_the_worker,
    cancel_of_a_missing_job_succeeds,
    cancel_twice_succeeds,
    cancel_leaves_other_jobs,
    // place
    place_is_1_for_the_owners_next,
    place_counts_the_owners_own_jobs_before_it,
    place_counts_no_other_owners_jobs,
    place_of_a_running_job_is_none,
    place_of_an_ended_job_is_none,
    place_of_a_canceled_job_is_none,
    place_has_no_estimate_before_any_job_was_done,
    place_has_an_estimate_once_a_job_was_done,
    // queue
    queue_is_empty_without_jobs,
    queue_counts_the_jobs_that_wait_and_run_over_all_owners,
    queue_counts_a_job_that_waits_for_its_next_attempt,
    queue_tells_when_the_oldest_waiting_job_was_accepted,
}

impl Stage {
    fn ports(&self) -> Ports {
        self.fixture.ports()
    }

    async fn insert(&self, new: &NewJob) -> Job {
        let inserted = self.ports().jobs.insert(new, None).await.expect("insert");
        let InsertedJob::Created(job) = inserted else { unreachable!("must be a new job: {inserted:?}") };
        *job
    }

    async fn start_job(&self, new: &NewJob) -> Job {
        let job = self.insert(new).await;
        self.start_again(&job).await;
        job
    }

    async fn start_again(&self, job: &Job) {
        self.ports().workflow.start(job).await.expect("start");
    }

    /// The owner's job number `n`, accepted `millis` after the fixture's clock.
    fn job_of(&self, owner: &OwnerId, n: u64, millis: u64) -> NewJob {
        NewJob { now: self.fixture.now().after(Duration::from_millis(millis)), ..job_of(owner, n, n as i64) }
    }

    /// Starts job number `n` of ann's.
    async fn start(&self, n: u64) -> Job {
        self.start_job(&self.job_of(&ann(), n, 0)).await
    }

    async fn start_of(&self, owner: &OwnerId, n: u64) -> Job {
        self.start_job(&self.job_of(owner, n, 0)).await
    }

    async fn start_with_priority(&self, n: u64, priority: i64) -> Job {
        let request = request_with(|input| input.priority = Some(priority));
        self.start_job(&NewJob { request, ..self.job_of(&ann(), n, 0) }).await
    }

    async fn run_next(&self) -> Option<JobId> {
        self.fixture.run_next().await
    }

    /// Runs jobs until none may run now.
    async fn run_all(&self) -> Vec<JobId> {
        let mut ran = Vec::new();
        while let Some(id) = self.run_next().await {
            ran.push(id);
        }
        ran
    }

    /// Starts to run the next job, at which the model then hangs.
    async fn hang(&self) -> tokio::task::JoinHandle<Option<JobId>> {
        self.model.next(Act::Hang);
        let fixture = self.fixture.clone();
        let worker = tokio::spawn(async move { fixture.run_next().await });
        self.model.asked().await;
        worker
    }

    async fn stored(&self, job: &Job) -> Job {
        let now = self.fixture.now();
        self.ports().jobs.find(&job.owner, &job.id, now).await.expect("find").expect("the job is there")
    }

    async fn status(&self, job: &Job) -> JobStatus {
        self.stored(job).await.status
    }

    async fn cancel(&self, job: &Job) {
        let now = self.fixture.now();
        self.ports().jobs.cancel(&job.owner, &job.id, now).await.expect("cancel").expect("the job is there");
        self.ports().workflow.cancel(&job.id).await.expect("cancel");
    }

    async fn place(&self, job: &Job) -> Option<Place> {
        let stored = self.stored(job).await;
        self.ports().workflow.place(&stored, self.fixture.now()).await.expect("place")
    }

    async fn position(&self, job: &Job) -> Option<u32> {
        self.place(job).await.map(|place| place.position)
    }

    async fn queue(&self) -> QueueCounts {
        let counts = self.ports().workflow.queue(self.fixture.now()).await.expect("queue");
        counts.expect("there is a queue")
    }

    async fn die(&self) -> Job {
        self.fixture.die_after_begin().await.expect("there is a job")
    }

    /// Makes one attempt fail, so that the job waits for its next.
    async fn fail_once(&self) {
        self.model.next(Act::Fail(ErrorKind::Unavailable));
        self.run_next().await.expect("there is a job");
    }

    /// Lets time pass until the job may be begun again.
    async fn pass_until_due(&self, job: &Job) {
        let wait = self.stored(job).await.not_before.since(self.fixture.now());
        self.fixture.pass(wait);
    }
}

fn ann() -> OwnerId {
    owner("ann")
}

fn bob() -> OwnerId {
    owner("bob")
}

// to an end

async fn a_started_job_is_run_to_its_end(stage: Stage) {
    let job = stage.start(1).await;
    assert_eq!(stage.run_next().await, Some(job.id));
    assert_eq!(stage.status(&job).await, JobStatus::Succeeded);
}

async fn a_job_is_run_once(stage: Stage) {
    let job = stage.start(1).await;
    assert_eq!(stage.run_all().await, [job.id]);
    assert_eq!(stage.stored(&job).await.attempts, 1);
}

async fn without_a_job_nothing_is_run(stage: Stage) {
    assert_eq!(stage.run_next().await, None);
}

async fn a_job_that_fails_for_good_ends_failed(stage: Stage) {
    let job = stage.start(1).await;
    stage.model.next(Act::Fail(ErrorKind::Rejected));
    assert_eq!(stage.run_all().await, [job.id]);
    assert_eq!(stage.status(&job).await, JobStatus::Failed);
}

async fn a_job_past_its_deadline_ends_expired(stage: Stage) {
    let job = stage.start(1).await;
    stage.fixture.pass(job.deadline.since(stage.fixture.now()));
    stage.run_all().await;
    assert_eq!(stage.status(&job).await, JobStatus::Expired);
}

async fn a_started_job_is_run_after_a_restart(stage: Stage) {
    let job = stage.start(1).await;
    stage.fixture.restart().await;
    stage.run_all().await;
    assert_eq!(stage.status(&job).await, JobStatus::Succeeded);
}

async fn many_workers_run_every_job_once(stage: Stage) {
    let mut jobs = Vec::new();
    for n in 0..8 {
        jobs.push(stage.start(n).await);
    }
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let fixture = stage.fixture.clone();
            tokio::spawn(async move { fixture.run_next().await })
        })
        .collect();
    let mut ran = BTreeSet::new();
    for worker in workers {
        ran.extend(worker.await.expect("the worker returns"));
    }
    assert_eq!(ran, jobs.iter().map(|job| job.id).collect());
    for job in &jobs {
        assert_eq!(stage.stored(job).await.attempts, 1);
    }
}

// again

async fn a_job_is_not_run_again_before_its_time(stage: Stage) {
    stage.start(1).await;
    stage.fail_once().await;
    assert_eq!(stage.run_next().await, None);
}

async fn a_job_is_run_again_at_its_time(stage: Stage) {
    let job = stage.start(1).await;
    stage.fail_once().await;
    stage.pass_until_due(&job).await;
    assert_eq!(stage.run_next().await, Some(job.id));
    assert_eq!(stage.status(&job).await, JobStatus::Succeeded);
}

async fn a_job_that_waits_for_its_time_holds_up_no_other(stage: Stage) {
    stage.start(1).await;
    stage.fail_once().await;
    let other = stage.start(2).await;
    assert_eq!(stage.run_next().await, Some(other.id));
}

async fn a_job_that_keeps_failing_is_given_up(stage: Stage) {
    let job = stage.start(1).await;
    for _ in 0..limits::ATTEMPTS_MAX {
        stage.fail_once().await;
        stage.pass_until_due(&job).await;
    }
    assert_eq!(stage.run_next().await, None);
    assert_eq!(stage.status(&job).await, JobStatus::Failed);
}

async fn a_job_is_run_again_after_a_restart(stage: Stage) {
    let job = stage.start(1).await;
    stage.fail_once().await;
    stage.fixture.restart().await;
    stage.pass_until_due(&job).await;
    stage.run_all().await;
    assert_eq!(stage.status(&job).await, JobStatus::Succeeded);
}

// starting again

async fn starting_a_waiting_job_again_changes_nothing(stage: Stage) {
    let job = stage.start(1).await;
    stage.start_again(&job).await;
    assert_eq!(stage.run_all().await, [job.id]);
}

async fn starting_a_running_job_again_changes_nothing(stage: Stage) {
    let job = stage.start(1).await;
    let worker = stage.hang().await;
    stage.start_again(&job).await;
    assert_eq!(stage.run_next().await, None);
    worker.abort();
}

async fn starting_an_ended_job_again_changes_nothing(stage: Stage) {
    let job = stage.start(1).await;
    stage.run_all().await;
    stage.start_again(&job).await;
    assert_eq!(stage.run_next().await, None);
}

// the line

async fn owners_take_turns(stage: Stage) {
    let mut owner_of = std::collections::BTreeMap::new();
    for (n, owner) in [ann(), ann(), ann(), bob(), bob()].into_iter().enumerate() {
        owner_of.insert(stage.start_of(&owner, n as u64).await.id, owner);
    }
    let served: Vec<_> = stage.run_all().await.iter().map(|id| owner_of[id].clone()).collect();
    assert!(served[..4].windows(2).all(|pair| pair[0] != pair[1]), "{served:?}");
}

async fn an_owner_who_comes_late_gets_a_turn_soon(stage: Stage) {
    for n in 0..6 {
        stage.start(n).await;
    }
    stage.run_next().await;
    let late = stage.start_of(&bob(), 9).await;
    let next_two = [stage.run_next().await, stage.run_next().await];
    assert!(next_two.contains(&Some(late.id)));
}

async fn an_owners_highest_priority_goes_first(stage: Stage) {
    let low = stage.start_with_priority(1, 0).await;
    let high = stage.start_with_priority(2, 9).await;
    let middle = stage.start_with_priority(3, 5).await;
    assert_eq!(stage.run_all().await, [high.id, middle.id, low.id]);
}

async fn an_owners_oldest_goes_first(stage: Stage) {
    let mut jobs = Vec::new();
    for n in [3, 1, 2] {
        jobs.push(stage.insert(&stage.job_of(&ann(), n, n)).await);
    }
    stage.fixture.pass(Duration::from_secs(1));
    for job in &jobs {
        stage.start_again(job).await;
    }
    assert_eq!(stage.run_all().await, [jobs[1].id, jobs[2].id, jobs[0].id]);
}

async fn priority_does_not_take_another_owners_turn(stage: Stage) {
    for n in 0..4 {
        stage.start_with_priority(n, 9).await;
    }
    let request = request_with(|input| input.priority = Some(0));
    let patient = stage.start_job(&NewJob { request, ..stage.job_of(&bob(), 9, 0) }).await;
    let first_two = [stage.run_next().await, stage.run_next().await];
    assert!(first_two.contains(&Some(patient.id)));
}

// crashes

async fn a_job_whose_worker_lives_is_not_given_to_another(stage: Stage) {
    stage.start(1).await;
    let worker = stage.hang().await;
    assert_eq!(stage.run_next().await, None);
    worker.abort();
}

async fn a_job_whose_worker_died_is_not_given_away_within_its_lease(stage: Stage) {
    stage.start(1).await;
    stage.die().await;
    stage.fixture.pass(stage.fixture.lease() / 2);
    assert_eq!(stage.run_next().await, None);
}

async fn a_job_whose_worker_died_is_run_by_another(stage: Stage) {
    let job = stage.start(1).await;
    stage.die().await;
    stage.fixture.pass(stage.fixture.lease());
    assert_eq!(stage.run_next().await, Some(job.id));
    assert_eq!(stage.status(&job).await, JobStatus::Succeeded);
}

async fn a_job_whose_worker_died_is_run_after_a_restart(stage: Stage) {
    let job = stage.start(1).await;
    stage.die().await;
    stage.fixture.restart().await;
    stage.fixture.pass(stage.fixture.lease());
    stage.run_all().await;
    assert_eq!(stage.status(&job).await, JobStatus::Succeeded);
}

async fn a_worker_that_was_given_up_can_not_write(stage: Stage) {
    stage.start(1).await;
    let begun = stage.die().await;
    stage.fixture.pass(stage.fixture.lease());
    let worker = stage.hang().await;
    let late =
        stage.ports().jobs.finish(&begun.fence(), Outcome::Failed(failure()), stage.fixture.now()).await;
    assert_eq!(late.expect_err("must fail").kind(), ErrorKind::Conflict);
    worker.abort();
}

async fn a_job_whose_workers_keep_dying_is_given_up(stage: Stage) {
    let job = stage.start(1).await;
    for _ in 0..limits::ATTEMPTS_MAX {
        stage.die().await;
        stage.fixture.pass(stage.fixture.lease());
    }
    stage.run_next().await;
    assert_eq!(stage.status(&job).await, JobStatus::Failed);
}

// cancel

async fn a_canceled_job_is_not_run(stage: Stage) {
    let job = stage.start(1).await;
    stage.cancel(&job).await;
    stage.run_all().await;
    assert_eq!((stage.status(&job).await, stage.stored(&job).await.attempts), (JobStatus::Canceled, 0));
}

async fn cancel_frees_the_worker(stage: Stage) {
    let job = stage.start(1).await;
    let worker = stage.hang().await;
    stage.cancel(&job).await;
    worker.await.expect("the worker is free again");
}

async fn cancel_of_a_missing_job_succeeds(stage: Stage) {
    let nobody = stage.job_of(&ann(), 1, 0).id;
    stage.ports().workflow.cancel(&nobody).await.expect("cancel");
}

async fn cancel_twice_succeeds(stage: Stage) {
    let job = stage.start(1).await;
    stage.cancel(&job).await;
    stage.cancel(&job).await;
}

async fn cancel_leaves_other_jobs(stage: Stage) {
    let canceled = stage.start(1).await;
    let other = stage.start(2).await;
    stage.cancel(&canceled).await;
    stage.run_all().await;
    assert_eq!(stage.status(&other).await, JobStatus::Succeeded);
}

// place

async fn place_is_1_for_the_owners_next(stage: Stage) {
    let job = stage.start(1).await;
    assert_eq!(stage.position(&job).await, Some(1));
}

async fn place_counts_the_owners_own_jobs_before_it(stage: Stage) {
    let low = stage.start_with_priority(1, 0).await;
    stage.start_with_priority(2, 9).await;
    stage.start_with_priority(3, 5).await;
    assert_eq!(stage.position(&low).await, Some(3));
}

async fn place_counts_no_other_owners_jobs(stage: Stage) {
    stage.start_of(&bob(), 1).await;
    let job = stage.start(2).await;
    assert_eq!(stage.position(&job).await, Some(1));
}

async fn place_of_a_running_job_is_none(stage: Stage) {
    let job = stage.start(1).await;
    let worker = stage.hang().await;
    assert_eq!(stage.place(&job).await, None);
    worker.abort();
}

async fn place_of_an_ended_job_is_none(stage: Stage) {
    let job = stage.start(1).await;
    stage.run_all().await;
    assert_eq!(stage.place(&job).await, None);
}

async fn place_of_a_canceled_job_is_none(stage: Stage) {
    let job = stage.start(1).await;
    stage.cancel(&job).await;
    assert_eq!(stage.place(&job).await, None);
}

async fn place_has_no_estimate_before_any_job_was_done(stage: Stage) {
    let job = stage.start(1).await;
    assert_eq!(stage.place(&job).await.expect("is in line").eta_s, None);
}

async fn place_has_an_estimate_once_a_job_was_done(stage: Stage) {
    stage.start(1).await;
    stage.run_all().await;
    let job = stage.start(2).await;
    assert!(stage.place(&job).await.expect("is in line").eta_s.is_some());
}

// queue

async fn queue_is_empty_without_jobs(stage: Stage) {
    assert_eq!(stage.queue().await, QueueCounts::default());
    stage.start(1).await;
    stage.run_all().await;
    assert_eq!(stage.queue().await, QueueCounts::default());
}

async fn queue_counts_the_jobs_that_wait_and_run_over_all_owners(stage: Stage) {
    stage.start(1).await;
    let worker = stage.hang().await;
    stage.start(2).await;
    stage.start_of(&bob(), 3).await;
    let counts = stage.queue().await;
    assert_eq!((counts.queued, counts.running), (2, 1));
    worker.abort();
}

async fn queue_counts_a_job_that_waits_for_its_next_attempt(stage: Stage) {
    let job = stage.start(1).await;
    stage.fail_once().await;
    let counts = stage.queue().await;
    assert_eq!((counts.queued, counts.running, counts.oldest), (1, 0, Some(job.created_at)));
}

async fn queue_tells_when_the_oldest_waiting_job_was_accepted(stage: Stage) {
    let oldest = stage.start_job(&stage.job_of(&bob(), 1, 0)).await;
    let later = stage.start_job(&stage.job_of(&ann(), 2, 2_000)).await;
    assert_eq!(stage.queue().await.oldest, Some(oldest.created_at));
    stage.cancel(&oldest).await;
    assert_eq!(stage.queue().await.oldest, Some(later.created_at));
}
