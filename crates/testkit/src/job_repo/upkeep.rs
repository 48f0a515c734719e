//! What the sweep asks.

use super::{
    NOW, accept, accept_many, begun, cancel, canceled, created, ids, insert, kind, refers, stored, succeeded,
    unfinished,
};
use crate::samples::{alice, at, blob, failure, job_id, job_of, just_before, key, mallory, new_job};
use crate::suites::cases;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tintype_core::{
    ErrorKind,
    domain::{BlobId, Job, NewJob, SourceImage, Strength, Timestamp},
    ports::JobRepo,
};

cases! { CASES of Arc<dyn JobRepo>:
    // unfinished
    unfinished_shows_the_jobs_of_every_owner,
    unfinished_gives_the_jobs_as_they_are,
    unfinished_shows_a_running_job,
    unfinished_shows_no_ended_job,
    unfinished_shows_a_requeued_job,
    unfinished_leaves_out_what_was_accepted_at_the_cutoff,
    unfinished_is_in_order_of_ids,
    unfinished_starts_after_the_given_id,
    unfinished_gives_at_most_the_limit,
    // refers_to
    refers_to_a_result,
    refers_to_a_source_and_its_mask,
    refers_to_nothing_unknown,
    refers_to_nothing_that_was_purged,
    // released
    purge_records_results_and_sources_as_released,
    purge_records_no_release_while_another_job_refers_to_the_blob,
    a_blob_that_a_job_refers_to_is_not_released,
    released_is_in_order_of_addresses_and_starts_after_the_given_one,
    forget_release_removes_the_record,
    // purge
    purge_removes_an_ended_job_that_expired,
    purge_leaves_a_job_that_is_shown,
    purge_leaves_a_job_that_has_not_ended,
    purge_removes_at_most_the_limit,
    purge_tells_every_address,
    purge_frees_the_key,
}

// unfinished

async fn unfinished_shows_the_jobs_of_every_owner(repo: Arc<dyn JobRepo>) {
    accept(&*repo, &new_job(1, 0)).await;
    accept(&*repo, &job_of(&mallory(), 2, 1)).await;
    assert_eq!(unfinished(&*repo, at(100), None, 10).await, [job_id(1, 0), job_id(2, 1)]);
}

async fn unfinished_gives_the_jobs_as_they_are(repo: Arc<dyn JobRepo>) {
    let job = accept(&*repo, &new_job(1, 0)).await;
    let unfinished = repo.unfinished(at(100), None, 10).await.expect("unfinished");
    assert_eq!(unfinished, [job]);
}

async fn unfinished_shows_a_running_job(repo: Arc<dyn JobRepo>) {
    let id = begun(&*repo, &new_job(1, 0)).await.id;
    assert_eq!(unfinished(&*repo, at(100), None, 10).await, [id]);
}

async fn unfinished_shows_no_ended_job(repo: Arc<dyn JobRepo>) {
    canceled(&*repo, &new_job(1, 0)).await;
    assert!(unfinished(&*repo, at(100), None, 10).await.is_empty());
}

async fn unfinished_shows_a_requeued_job(repo: Arc<dyn JobRepo>) {
    let fence = begun(&*repo, &new_job(1, 0)).await.fence();
    repo.requeue(&fence, failure(), at(9), NOW).await.expect("requeue");
    assert_eq!(unfinished(&*repo, at(100), None, 10).await, [fence.job_id]);
}

async fn unfinished_leaves_out_what_was_accepted_at_the_cutoff(repo: Arc<dyn JobRepo>) {
    let jobs = accept_many(&*repo, 4).await;
    assert_eq!(unfinished(&*repo, at(2), None, 10).await, ids(&jobs[..2]));
}

async fn unfinished_is_in_order_of_ids(repo: Arc<dyn JobRepo>) {
    let mut jobs: Vec<_> = (0..9).map(|n| new_job(n, 0)).collect();
    for job in &jobs {
        accept(&*repo, job).await;
    }
    jobs.sort_by_key(|job| job.id);
    assert_eq!(unfinished(&*repo, at(100), None, 10).await, ids(&jobs));
}

async fn unfinished_starts_after_the_given_id(repo: Arc<dyn JobRepo>) {
    let jobs = accept_many(&*repo, 4).await;
    assert_eq!(unfinished(&*repo, at(100), Some(jobs[1].id), 10).await, ids(&jobs[2..]));
}

async fn unfinished_gives_at_most_the_limit(repo: Arc<dyn JobRepo>) {
    let jobs = accept_many(&*repo, 4).await;
    assert_eq!(unfinished(&*repo, at(100), None, 3).await, ids(&jobs[..3]));
}

// refers_to

async fn refers_to_a_result(repo: Arc<dyn JobRepo>) {
    succeeded(&*repo, &new_job(1, 0)).await;
    assert!(refers(&*repo, 101).await);
}

/// A job that starts from blob 7, with blob 8 as its mask.
fn with_source(mut job: NewJob) -> NewJob {
    job.request.source = Some(SourceImage {
        image: *blob(7).id(),
        mask: Some(*blob(8).id()),
        strength: Strength::try_from(0.5).expect("a good strength"),
    });
    job
}

async fn refers_to_a_source_and_its_mask(repo: Arc<dyn JobRepo>) {
    accept(&*repo, &with_source(new_job(1, 0))).await;
    assert!(refers(&*repo, 7).await, "the source");
    assert!(refers(&*repo, 8).await, "the mask");
}

async fn refers_to_nothing_unknown(repo: Arc<dyn JobRepo>) {
    succeeded(&*repo, &with_source(new_job(1, 0))).await;
    assert!(!refers(&*repo, 1).await);
}

async fn refers_to_nothing_that_was_purged(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &with_source(new_job(1, 0))).await;
    repo.purge(after_expiry(&job), 10).await.expect("purge");
    assert!(!refers(&*repo, 100).await, "the result");
    assert!(!refers(&*repo, 7).await, "the source");
}

// released

async fn released(repo: &dyn JobRepo, after: Option<BlobId>, limit: u32) -> Vec<BlobId> {
    repo.released(after, limit).await.expect("released")
}

/// The blobs of a job that succeeded and was purged, in order.
async fn purged(repo: &dyn JobRepo) -> Vec<BlobId> {
    let job = succeeded(repo, &with_source(new_job(1, 0))).await;
    repo.purge(after_expiry(&job), 10).await.expect("purge");
    let mut blobs = [7, 8, 100, 101].map(|n| *blob(n).id());
    blobs.sort();
    blobs.to_vec()
}

async fn purge_records_results_and_sources_as_released(repo: Arc<dyn JobRepo>) {
    let blobs = purged(&*repo).await;
    assert_eq!(released(&*repo, None, 10).await, blobs);
    assert!(repo.is_released(blob(7).id()).await.expect("is_released"));
    assert!(!repo.is_released(blob(6).id()).await.expect("is_released"), "no job referred to it");
}

async fn purge_records_no_release_while_another_job_refers_to_the_blob(repo: Arc<dyn JobRepo>) {
    let other = accept(&*repo, &with_source(new_job(2, 0))).await;
    purged(&*repo).await;
    // A record beside a reference proves nothing: the blob is still referred to.
    assert!(refers(&*repo, 7).await);
    let canceled = cancel(&*repo, &alice(), &other.id).await.expect("was there");
    repo.purge(after_expiry(&canceled), 10).await.expect("purge");
    assert!(repo.is_released(blob(7).id()).await.expect("is_released"));
    assert!(!refers(&*repo, 7).await);
}

async fn a_blob_that_a_job_refers_to_is_not_released(repo: Arc<dyn JobRepo>) {
    succeeded(&*repo, &with_source(new_job(1, 0))).await;
    assert!(released(&*repo, None, 10).await.is_empty());
    assert!(!repo.is_released(blob(7).id()).await.expect("is_released"));
}

async fn released_is_in_order_of_addresses_and_starts_after_the_given_one(repo: Arc<dyn JobRepo>) {
    let blobs = purged(&*repo).await;
    assert_eq!(released(&*repo, None, 3).await, blobs[..3]);
    assert_eq!(released(&*repo, Some(blobs[2]), 10).await, blobs[3..]);
}

async fn forget_release_removes_the_record(repo: Arc<dyn JobRepo>) {
    let blobs = purged(&*repo).await;
    repo.forget_release(&blobs[0]).await.expect("forget_release");
    repo.forget_release(&blobs[0]).await.expect("a missing one is success");
    assert_eq!(released(&*repo, None, 10).await, blobs[1..]);
}

// purge

fn after_expiry(job: &Job) -> Timestamp {
    job.expires_at.after(Duration::from_millis(1))
}

async fn purge_removes_an_ended_job_that_expired(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    assert_eq!(repo.purge(after_expiry(&job), 10).await.expect("purge").jobs, 1);
    assert_eq!(kind(repo.begin(&job.id, NOW).await), ErrorKind::NotFound);
}

async fn purge_leaves_a_job_that_is_shown(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    assert_eq!(repo.purge(just_before(job.expires_at), 10).await.expect("purge").jobs, 0);
    assert_eq!(stored(&*repo, &job.id).await, job);
}

async fn purge_leaves_a_job_that_has_not_ended(repo: Arc<dyn JobRepo>) {
    let waits = accept(&*repo, &new_job(1, 0)).await;
    let runs = begun(&*repo, &new_job(2, 0)).await;
    let late = after_expiry(&waits).max(after_expiry(&runs));
    assert_eq!(repo.purge(late, 10).await.expect("purge").jobs, 0);
    assert_eq!(stored(&*repo, &waits.id).await, waits);
}

async fn purge_removes_at_most_the_limit(repo: Arc<dyn JobRepo>) {
    let mut last = canceled(&*repo, &new_job(0, 0)).await;
    for n in 1..5 {
        last = canceled(&*repo, &new_job(n, 0)).await;
    }
    assert_eq!(repo.purge(after_expiry(&last), 3).await.expect("purge").jobs, 3);
    assert_eq!(repo.purge(after_expiry(&last), 3).await.expect("purge").jobs, 2);
}

async fn purge_tells_every_address(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &with_source(new_job(1, 0))).await;
    let purged = repo.purge(after_expiry(&job), 10).await.expect("purge");
    let told: BTreeSet<_> = purged.blobs.into_iter().collect();
    assert_eq!(told, BTreeSet::from([7, 8, 100, 101].map(|n| *blob(n).id())));
}

/// The clock of the second insertion stands where the job would still be shown.
async fn purge_frees_the_key(repo: Arc<dyn JobRepo>) {
    let k = key("k", "heart");
    insert(&*repo, &new_job(1, 0), Some(&k)).await;
    let job = cancel(&*repo, &alice(), &new_job(1, 0).id).await.expect("was there");
    repo.purge(after_expiry(&job), 10).await.expect("purge");
    assert_eq!(created(insert(&*repo, &new_job(2, 0), Some(&k)).await).id, job_id(2, 0));
}
