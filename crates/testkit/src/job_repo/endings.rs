//! The ends of a job, of which each has one.

use super::{
    NOW, accept, begin, begun, cancel, canceled, deadline, fence_of, find, finish, kind, log, stored,
    succeeded, success,
};
use crate::samples::{alice, at, failure, job_id, job_image, just_before, mallory, new_job, no_space};
use crate::suites::cases;
use std::sync::Arc;
use tintype_core::{
    ErrorKind,
    domain::{Job, JobId, JobStatus, Outcome, Timestamp, limits},
    ports::JobRepo,
};

cases! { CASES of Arc<dyn JobRepo>:
    // finish
    finish_with_images_is_a_success,
    finish_with_an_error_is_a_failure,
    finish_keeps_the_job_for_its_retention,
    finish_missing_is_not_found,
    finish_twice_is_once,
    finish_of_an_overtaken_attempt_is_a_conflict,
    finish_after_cancel_is_a_conflict,
    a_failed_job_can_not_succeed,
    a_succeeded_job_can_not_fail,
    many_finishing_at_once_end_it_once,
    finish_and_cancel_at_once_end_it_once,
    // cancel
    cancel_stops_a_waiting_job,
    cancel_stops_a_running_job,
    cancel_missing_is_none,
    cancel_of_another_owners_job_is_none,
    cancel_of_an_expired_job_is_none,
    cancel_leaves_an_ended_job_as_it_is,
    // expire
    expire_ends_an_overdue_job,
    expire_leaves_a_job_before_its_deadline,
    expire_leaves_a_job_that_was_begun,
    expire_ends_a_job_that_waits_for_space_at_its_deadline,
    expire_missing_is_none,
    expire_leaves_an_ended_job_as_it_is,
}

// finish

async fn finish_with_images_is_a_success(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    assert_eq!(job.status, JobStatus::Succeeded);
    assert_eq!(job.images, [job_image(0, 100), job_image(1, 101)]);
    assert_eq!(stored(&*repo, &job.id).await, job);
}

async fn finish_with_an_error_is_a_failure(repo: Arc<dyn JobRepo>) {
    let fence = begun(&*repo, &new_job(1, 0)).await.fence();
    let job = finish(&*repo, &fence, Outcome::Failed(failure())).await;
    assert_eq!((job.status, &job.error), (JobStatus::Failed, &Some(failure())));
    assert_eq!(stored(&*repo, &job.id).await, job);
}

async fn finish_keeps_the_job_for_its_retention(repo: Arc<dyn JobRepo>) {
    let fence = begun(&*repo, &new_job(1, 0)).await.fence();
    let job = repo.finish(&fence, success(), at(50)).await.expect("finish");
    assert_eq!(job.finished_at, Some(at(50)));
    assert_eq!(job.expires_at, at(50).after(limits::RESULT_RETENTION));
}

async fn finish_missing_is_not_found(repo: Arc<dyn JobRepo>) {
    let fence = fence_of(job_id(1, 0), 1);
    assert_eq!(kind(repo.finish(&fence, success(), NOW).await), ErrorKind::NotFound);
}

async fn finish_twice_is_once(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    let again = repo.finish(&job.fence(), success(), at(9)).await.expect("the same again is success");
    assert_eq!(again, job);
    assert_eq!(log(&*repo, &job.id).await.len(), 3);
}

async fn finish_of_an_overtaken_attempt_is_a_conflict(repo: Arc<dyn JobRepo>) {
    let overtaken = begun(&*repo, &new_job(1, 0)).await.fence();
    begin(&*repo, &overtaken.job_id).await;
    assert_eq!(kind(repo.finish(&overtaken, success(), NOW).await), ErrorKind::Conflict);
}

async fn finish_after_cancel_is_a_conflict(repo: Arc<dyn JobRepo>) {
    let fence = begun(&*repo, &new_job(1, 0)).await.fence();
    cancel(&*repo, &alice(), &fence.job_id).await;
    assert_eq!(kind(repo.finish(&fence, success(), NOW).await), ErrorKind::Conflict);
}

async fn a_failed_job_can_not_succeed(repo: Arc<dyn JobRepo>) {
    let fence = begun(&*repo, &new_job(1, 0)).await.fence();
    finish(&*repo, &fence, Outcome::Failed(failure())).await;
    assert_eq!(kind(repo.finish(&fence, success(), NOW).await), ErrorKind::Conflict);
}

async fn a_succeeded_job_can_not_fail(repo: Arc<dyn JobRepo>) {
    let fence = succeeded(&*repo, &new_job(1, 0)).await.fence();
    assert_eq!(kind(repo.finish(&fence, Outcome::Failed(failure()), NOW).await), ErrorKind::Conflict);
}

async fn count_ends(repo: &dyn JobRepo, id: &JobId) -> usize {
    log(repo, id).await.iter().filter(|event| event.body.is_terminal()).count()
}

async fn many_finishing_at_once_end_it_once(repo: Arc<dyn JobRepo>) {
    let fence = begun(&*repo, &new_job(1, 0)).await.fence();
    let finishing: Vec<_> = (0..16)
        .map(|_| {
            let repo = repo.clone();
            tokio::spawn(async move { finish(&*repo, &fence, success()).await })
        })
        .collect();
    for finish in finishing {
        finish.await.expect("the same again is success");
    }
    assert_eq!(count_ends(&*repo, &fence.job_id).await, 1);
}

async fn finish_and_cancel_at_once_end_it_once(repo: Arc<dyn JobRepo>) {
    for n in 0..20 {
        let fence = begun(&*repo, &new_job(n, 0)).await.fence();
        let (finishing, canceling) = (repo.clone(), repo.clone());
        let finish = tokio::spawn(async move { finishing.finish(&fence, success(), NOW).await.is_ok() });
        let cancel = tokio::spawn(async move { cancel(&*canceling, &alice(), &fence.job_id).await });
        let finished = finish.await.expect("finish returns");
        let status = cancel.await.expect("cancel returns").expect("was there").status;
        let expected = if finished { JobStatus::Succeeded } else { JobStatus::Canceled };
        assert_eq!(status, expected, "both callers were told the same end");
        assert_eq!(count_ends(&*repo, &fence.job_id).await, 1);
    }
}

// cancel

async fn cancel_stops_a_waiting_job(repo: Arc<dyn JobRepo>) {
    let job = canceled(&*repo, &new_job(1, 0)).await;
    assert_eq!(job.status, JobStatus::Canceled);
    assert_eq!(stored(&*repo, &job.id).await, job);
}

async fn cancel_stops_a_running_job(repo: Arc<dyn JobRepo>) {
    let running = begun(&*repo, &new_job(1, 0)).await;
    let job = cancel(&*repo, &alice(), &running.id).await.expect("was there");
    assert_eq!(job.status, JobStatus::Canceled);
}

async fn cancel_missing_is_none(repo: Arc<dyn JobRepo>) {
    assert_eq!(cancel(&*repo, &alice(), &job_id(1, 0)).await, None);
}

async fn cancel_of_another_owners_job_is_none(repo: Arc<dyn JobRepo>) {
    let job = accept(&*repo, &new_job(1, 0)).await;
    assert_eq!(cancel(&*repo, &mallory(), &job.id).await, None);
    assert_eq!(stored(&*repo, &job.id).await, job, "nothing changed");
}

async fn cancel_of_an_expired_job_is_none(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    assert_eq!(repo.cancel(&alice(), &job.id, job.expires_at).await.expect("cancel"), None);
}

async fn cancel_leaves_an_ended_job_as_it_is(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    assert_eq!(cancel(&*repo, &alice(), &job.id).await.as_ref(), Some(&job));
    assert_eq!(stored(&*repo, &job.id).await, job);
}

// expire

async fn expire(repo: &dyn JobRepo, id: &JobId, now: Timestamp) -> Option<Job> {
    repo.expire(id, now).await.expect("expire")
}

async fn expire_ends_an_overdue_job(repo: Arc<dyn JobRepo>) {
    let new = new_job(1, 0);
    accept(&*repo, &new).await;
    let job = expire(&*repo, &new.id, deadline(&new)).await.expect("was overdue");
    assert_eq!(job.status, JobStatus::Expired);
    assert_eq!(find(&*repo, &new.id, deadline(&new)).await, Some(job));
}

async fn expire_leaves_a_job_before_its_deadline(repo: Arc<dyn JobRepo>) {
    let new = new_job(1, 0);
    accept(&*repo, &new).await;
    assert_eq!(expire(&*repo, &new.id, just_before(deadline(&new))).await, None);
    assert_eq!(stored(&*repo, &new.id).await.status, JobStatus::Queued);
}

async fn expire_leaves_a_job_that_was_begun(repo: Arc<dyn JobRepo>) {
    let new = new_job(1, 0);
    let job = begun(&*repo, &new).await;
    assert_eq!(expire(&*repo, &new.id, deadline(&new)).await, None);
    assert_eq!(stored(&*repo, &new.id).await, job);
}

async fn expire_ends_a_job_that_waits_for_space_at_its_deadline(repo: Arc<dyn JobRepo>) {
    let new = new_job(1, 0);
    let fence = begun(&*repo, &new).await.fence();
    repo.requeue(&fence, no_space(), NOW, NOW).await.expect("requeue");
    assert_eq!(expire(&*repo, &new.id, just_before(deadline(&new))).await, None);
    let job = expire(&*repo, &new.id, deadline(&new)).await.expect("was overdue");
    assert_eq!(job.status, JobStatus::Expired);
    assert_eq!(find(&*repo, &new.id, deadline(&new)).await, Some(job));
}

async fn expire_missing_is_none(repo: Arc<dyn JobRepo>) {
    assert_eq!(expire(&*repo, &job_id(1, 0), NOW).await, None);
}

async fn expire_leaves_an_ended_job_as_it_is(repo: Arc<dyn JobRepo>) {
    let new = new_job(1, 0);
    let job = canceled(&*repo, &new).await;
    assert_eq!(expire(&*repo, &new.id, deadline(&new)).await, None);
    assert_eq!(stored(&*repo, &new.id).await, job);
}
