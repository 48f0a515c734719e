//! Finding one job, and pages of them.

use super::{NOW, accept, accept_many, begun, cancel, canceled, find, ids, list, pages_of, succeeded, walk};
use crate::samples::{alice, job_id, job_of, just_before, mallory, new_job};
use crate::suites::cases;
use std::cmp::Reverse;
use std::sync::Arc;
use tintype_core::{
    domain::{JobQuery, JobStatus, Position},
    ports::JobRepo,
};

cases! { CASES of Arc<dyn JobRepo>:
    // find
    find_missing_is_none,
    find_shows_no_other_owners_job,
    find_shows_a_job_until_it_expires,
    find_shows_no_job_from_its_expiry_on,
    // list
    list_is_newest_first,
    list_shows_no_other_owners_job,
    list_shows_no_expired_job,
    list_filters_by_status,
    list_gives_a_page_of_the_asked_size,
    list_ends_with_the_last_job,
    list_tells_apart_jobs_of_one_millisecond,
    list_leaves_nothing_out_while_jobs_are_added,
    list_with_a_filter_walks_every_page,
}

// find

async fn find_missing_is_none(repo: Arc<dyn JobRepo>) {
    assert_eq!(find(&*repo, &job_id(1, 0), NOW).await, None);
}

async fn find_shows_no_other_owners_job(repo: Arc<dyn JobRepo>) {
    let job = accept(&*repo, &new_job(1, 0)).await;
    assert_eq!(repo.find(&mallory(), &job.id, NOW).await.expect("find"), None);
}

async fn find_shows_a_job_until_it_expires(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    assert_eq!(find(&*repo, &job.id, just_before(job.expires_at)).await, Some(job));
}

async fn find_shows_no_job_from_its_expiry_on(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    assert_eq!(find(&*repo, &job.id, job.expires_at).await, None);
}

// list

async fn list_is_newest_first(repo: Arc<dyn JobRepo>) {
    let mut jobs = accept_many(&*repo, 5).await;
    jobs.reverse();
    assert_eq!(walk(&*repo, pages_of(10)).await, ids(&jobs));
}

async fn list_shows_no_other_owners_job(repo: Arc<dyn JobRepo>) {
    accept(&*repo, &job_of(&mallory(), 1, 0)).await;
    let mine = accept(&*repo, &new_job(2, 0)).await;
    assert_eq!(walk(&*repo, pages_of(10)).await, [mine.id]);
}

async fn list_shows_no_expired_job(repo: Arc<dyn JobRepo>) {
    let ended = canceled(&*repo, &new_job(1, 0)).await;
    let waits = accept(&*repo, &new_job(2, 1)).await;
    let page = repo.list(&alice(), &pages_of(10), ended.expires_at).await.expect("list");
    assert_eq!(page.items, [waits]);
}

async fn list_filters_by_status(repo: Arc<dyn JobRepo>) {
    accept(&*repo, &new_job(1, 0)).await;
    let running = begun(&*repo, &new_job(2, 1)).await;
    canceled(&*repo, &new_job(3, 2)).await;
    let query = JobQuery { status: Some(JobStatus::Running), ..pages_of(10) };
    assert_eq!(list(&*repo, query).await.items, [running]);
}

async fn list_gives_a_page_of_the_asked_size(repo: Arc<dyn JobRepo>) {
    let jobs = accept_many(&*repo, 5).await;
    let page = list(&*repo, pages_of(2)).await;
    assert_eq!(page.items.len(), 2);
    assert_eq!(page.next, Some(Position::of_job(jobs[3].now, &jobs[3].id)));
}

async fn list_ends_with_the_last_job(repo: Arc<dyn JobRepo>) {
    accept_many(&*repo, 4).await;
    assert_eq!(list(&*repo, pages_of(4)).await.next, None);
}

async fn list_tells_apart_jobs_of_one_millisecond(repo: Arc<dyn JobRepo>) {
    let mut jobs: Vec<_> = (0..9).map(|n| new_job(n, 0)).collect();
    for job in &jobs {
        accept(&*repo, job).await;
    }
    jobs.sort_by_key(|job| Reverse(job.id));
    assert_eq!(walk(&*repo, pages_of(2)).await, ids(&jobs));
}

async fn list_leaves_nothing_out_while_jobs_are_added(repo: Arc<dyn JobRepo>) {
    let mut jobs = accept_many(&*repo, 9).await;
    let mut query = pages_of(2);
    let mut walked = Vec::new();
    loop {
        let page = list(&*repo, query).await;
        walked.extend(page.items.iter().map(|job| job.id));
        accept(&*repo, &new_job(100 + walked.len() as u64, 1_000)).await;
        let Some(next) = page.next else { break };
        query.after = Some(next);
    }
    jobs.reverse();
    assert_eq!(walked, ids(&jobs));
}

async fn list_with_a_filter_walks_every_page(repo: Arc<dyn JobRepo>) {
    let jobs = accept_many(&*repo, 12).await;
    for job in jobs.iter().step_by(3) {
        cancel(&*repo, &alice(), &job.id).await;
    }
    let query = JobQuery { status: Some(JobStatus::Canceled), ..pages_of(1) };
    let expected: Vec<_> = jobs.iter().step_by(3).rev().map(|job| job.id).collect();
    assert_eq!(walk(&*repo, query).await, expected);
}
