//! What a worker writes while it is at a job.

use super::{NOW, accept, begin, begun, deadline, fence_of, find, kind, step, stored, succeeded};
use crate::samples::{at, failure, job_id, just_before, new_job, no_space};
use crate::suites::cases;
use std::sync::Arc;
use tintype_core::{ErrorKind, domain::JobStatus, ports::JobRepo};

cases! { CASES of Arc<dyn JobRepo>:
    // begin
    begin_makes_the_job_run,
    begin_missing_is_not_found,
    begin_counts_attempts,
    begin_ends_an_overdue_job_as_expired,
    begin_takes_a_job_until_its_deadline,
    begin_takes_a_job_that_was_begun_in_time,
    begin_after_the_end_is_a_conflict,
    // advance
    advance_notes_the_step,
    advance_missing_is_not_found,
    advance_of_an_overtaken_attempt_is_a_conflict,
    advance_after_the_end_is_a_conflict,
    advance_of_a_requeued_attempt_is_a_conflict,
    // requeue
    requeue_puts_the_job_back_in_line,
    requeue_missing_is_not_found,
    requeue_of_an_overtaken_attempt_is_a_conflict,
    requeue_after_the_end_is_a_conflict,
    requeue_for_want_of_space_does_not_count,
}

// begin

async fn begin_makes_the_job_run(repo: Arc<dyn JobRepo>) {
    accept(&*repo, &new_job(1, 0)).await;
    let job = repo.begin(&new_job(1, 0).id, at(5)).await.expect("begin");
    assert_eq!((job.status, job.started_at), (JobStatus::Running, Some(at(5))));
    assert_eq!(stored(&*repo, &job.id).await, job);
}

async fn begin_missing_is_not_found(repo: Arc<dyn JobRepo>) {
    assert_eq!(kind(repo.begin(&job_id(1, 0), NOW).await), ErrorKind::NotFound);
}

async fn begin_counts_attempts(repo: Arc<dyn JobRepo>) {
    let job = begun(&*repo, &new_job(1, 0)).await;
    assert_eq!(job.fence(), fence_of(job.id, 1));
    assert_eq!(begin(&*repo, &job.id).await.fence(), fence_of(job.id, 2));
}

async fn begin_ends_an_overdue_job_as_expired(repo: Arc<dyn JobRepo>) {
    let new = new_job(1, 0);
    accept(&*repo, &new).await;
    let job = repo.begin(&new.id, deadline(&new)).await.expect("begin");
    assert_eq!((job.status, job.attempts), (JobStatus::Expired, 0));
    assert_eq!(find(&*repo, &new.id, deadline(&new)).await, Some(job));
}

async fn begin_takes_a_job_until_its_deadline(repo: Arc<dyn JobRepo>) {
    let new = new_job(1, 0);
    accept(&*repo, &new).await;
    let job = repo.begin(&new.id, just_before(deadline(&new))).await.expect("begin");
    assert_eq!(job.status, JobStatus::Running);
}

async fn begin_takes_a_job_that_was_begun_in_time(repo: Arc<dyn JobRepo>) {
    let new = new_job(1, 0);
    let fence = begun(&*repo, &new).await.fence();
    repo.requeue(&fence, failure(), NOW, NOW).await.expect("requeue");
    let job = repo.begin(&new.id, deadline(&new)).await.expect("begin");
    assert_eq!(job.status, JobStatus::Running);
}

async fn begin_after_the_end_is_a_conflict(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    assert_eq!(kind(repo.begin(&job.id, NOW).await), ErrorKind::Conflict);
}

// advance

async fn advance_notes_the_step(repo: Arc<dyn JobRepo>) {
    let job = begun(&*repo, &new_job(1, 0)).await;
    repo.advance(&job.fence(), step(3), NOW).await.expect("advance");
    assert_eq!(stored(&*repo, &job.id).await.progress, Some(step(3)));
}

async fn advance_missing_is_not_found(repo: Arc<dyn JobRepo>) {
    let fence = fence_of(job_id(1, 0), 1);
    assert_eq!(kind(repo.advance(&fence, step(1), NOW).await), ErrorKind::NotFound);
}

async fn advance_of_an_overtaken_attempt_is_a_conflict(repo: Arc<dyn JobRepo>) {
    let overtaken = begun(&*repo, &new_job(1, 0)).await.fence();
    begin(&*repo, &overtaken.job_id).await;
    assert_eq!(kind(repo.advance(&overtaken, step(1), NOW).await), ErrorKind::Conflict);
}

async fn advance_after_the_end_is_a_conflict(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    assert_eq!(kind(repo.advance(&job.fence(), step(1), NOW).await), ErrorKind::Conflict);
}

async fn advance_of_a_requeued_attempt_is_a_conflict(repo: Arc<dyn JobRepo>) {
    let fence = begun(&*repo, &new_job(1, 0)).await.fence();
    repo.requeue(&fence, failure(), NOW, NOW).await.expect("requeue");
    assert_eq!(kind(repo.advance(&fence, step(1), NOW).await), ErrorKind::Conflict);
}

// requeue

async fn requeue_puts_the_job_back_in_line(repo: Arc<dyn JobRepo>) {
    let fence = begun(&*repo, &new_job(1, 0)).await.fence();
    let job = repo.requeue(&fence, failure(), at(9), NOW).await.expect("requeue");
    assert_eq!((job.status, job.not_before), (JobStatus::Queued, at(9)));
    assert_eq!(job.error, Some(failure()));
    assert_eq!(stored(&*repo, &job.id).await, job);
}

async fn requeue_missing_is_not_found(repo: Arc<dyn JobRepo>) {
    let fence = fence_of(job_id(1, 0), 1);
    assert_eq!(kind(repo.requeue(&fence, failure(), NOW, NOW).await), ErrorKind::NotFound);
}

async fn requeue_of_an_overtaken_attempt_is_a_conflict(repo: Arc<dyn JobRepo>) {
    let overtaken = begun(&*repo, &new_job(1, 0)).await.fence();
    begin(&*repo, &overtaken.job_id).await;
    assert_eq!(kind(repo.requeue(&overtaken, failure(), NOW, NOW).await), ErrorKind::Conflict);
}

async fn requeue_after_the_end_is_a_conflict(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    assert_eq!(kind(repo.requeue(&job.fence(), failure(), NOW, NOW).await), ErrorKind::Conflict);
}

async fn requeue_for_want_of_space_does_not_count(repo: Arc<dyn JobRepo>) {
    let fence = begun(&*repo, &new_job(1, 0)).await.fence();
    repo.requeue(&fence, no_space(), NOW, NOW).await.expect("requeue");
    let job = begin(&*repo, &fence.job_id).await;
    assert_eq!((job.attempts, job.counted_attempts()), (2, 1));
    assert_eq!(stored(&*repo, &job.id).await, job);
}
