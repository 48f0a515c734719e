//! The contract of [`JobRepo`], case by case.

use crate::samples::{
    START, alice, at, blob, failure, job_id, job_image, job_of, just_before, key, mallory, new_job,
    request_with,
};
use crate::suites::cases;
use std::{cmp::Reverse, collections::BTreeSet, sync::Arc, time::Duration};
use tintype_core::{
    ErrorKind, PortResult,
    domain::{
        EventBody, Fence, Idempotency, Job, JobEvent, JobId, JobQuery, JobStatus, NewJob, Outcome, OwnerId,
        Page, PageSize, Position, Progress, Seq, SourceImage, Strength, Timestamp, limits,
    },
    ports::{InsertedJob, JobRepo},
};

cases! { CASES of Arc<dyn JobRepo>:
    // insert
    an_inserted_job_is_as_accept_makes_it,
    an_inserted_job_is_found,
    every_field_of_a_job_is_kept,
    inserting_a_job_again_does_not_set_it_back,
    a_key_used_again_gives_the_same_job,
    a_key_used_again_gives_the_job_as_it_is_now,
    a_key_used_for_another_request_is_refused,
    a_refused_key_accepts_no_job,
    a_key_of_another_owner_is_another_key,
    another_key_makes_another_job,
    without_a_key_every_insertion_makes_a_job,
    one_key_in_a_race_makes_one_job,
    a_key_is_kept_as_long_as_its_job_is_shown,
    a_key_is_free_once_its_job_is_not_shown,
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
    // events
    events_begin_with_the_job_being_queued,
    events_tell_of_every_change,
    events_are_numbered_from_1_without_gaps,
    events_have_no_gaps_under_many_writers,
    events_start_after_the_given_one,
    events_after_the_last_are_none,
    events_are_at_most_the_limit,
    events_of_a_missing_job_are_none,
    events_of_another_owners_job_are_none,
    events_of_an_expired_job_are_none,
    a_job_and_its_events_are_seen_together,
    a_refused_change_logs_nothing,
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
    expire_missing_is_none,
    expire_leaves_an_ended_job_as_it_is,
    // waiting
    waiting_shows_the_jobs_of_every_owner,
    waiting_gives_the_jobs_as_they_are,
    waiting_shows_no_running_job,
    waiting_shows_no_ended_job,
    waiting_shows_a_requeued_job,
    waiting_leaves_out_what_was_accepted_at_the_cutoff,
    waiting_is_in_order_of_ids,
    waiting_starts_after_the_given_id,
    waiting_gives_at_most_the_limit,
    // refers_to
    refers_to_a_result,
    refers_to_a_source_and_its_mask,
    refers_to_nothing_unknown,
    refers_to_nothing_that_was_purged,
    // purge
    purge_removes_an_ended_job_that_expired,
    purge_leaves_a_job_that_is_shown,
    purge_leaves_a_job_that_has_not_ended,
    purge_removes_at_most_the_limit,
    purge_tells_every_address,
    purge_frees_the_key,
}

/// A point in a case after which everything is done at [`START`].
const NOW: Timestamp = START;

async fn insert(repo: &dyn JobRepo, new: &NewJob, key: Option<&Idempotency>) -> InsertedJob {
    repo.insert(new, key).await.expect("insert")
}

async fn accept(repo: &dyn JobRepo, new: &NewJob) -> Job {
    created(insert(repo, new, None).await)
}

fn created(inserted: InsertedJob) -> Job {
    let InsertedJob::Created(job) = inserted else { unreachable!("must be a new job: {inserted:?}") };
    *job
}

async fn begun(repo: &dyn JobRepo, new: &NewJob) -> Job {
    accept(repo, new).await;
    begin(repo, &new.id).await
}

async fn begin(repo: &dyn JobRepo, id: &JobId) -> Job {
    repo.begin(id, NOW).await.expect("begin")
}

fn success() -> Outcome {
    Outcome::Succeeded(vec![job_image(0, 100), job_image(1, 101)])
}

async fn finish(repo: &dyn JobRepo, fence: &Fence, outcome: Outcome) -> Job {
    repo.finish(fence, outcome, NOW).await.expect("finish")
}

async fn succeeded(repo: &dyn JobRepo, new: &NewJob) -> Job {
    let fence = begun(repo, new).await.fence();
    finish(repo, &fence, success()).await
}

async fn canceled(repo: &dyn JobRepo, new: &NewJob) -> Job {
    accept(repo, new).await;
    cancel(repo, &new.owner, &new.id).await.expect("was there")
}

async fn cancel(repo: &dyn JobRepo, owner: &OwnerId, id: &JobId) -> Option<Job> {
    repo.cancel(owner, id, NOW).await.expect("cancel")
}

async fn find(repo: &dyn JobRepo, id: &JobId, now: Timestamp) -> Option<Job> {
    repo.find(&alice(), id, now).await.expect("find")
}

async fn stored(repo: &dyn JobRepo, id: &JobId) -> Job {
    find(repo, id, NOW).await.expect("the job is there")
}

async fn log(repo: &dyn JobRepo, id: &JobId) -> Vec<JobEvent> {
    events(repo, &alice(), id, Seq(0), NOW).await.expect("the job is there")
}

async fn events(
    repo: &dyn JobRepo,
    owner: &OwnerId,
    id: &JobId,
    after: Seq,
    now: Timestamp,
) -> Option<Vec<JobEvent>> {
    repo.events(owner, id, after, limits::EVENTS_PAGE, now).await.expect("events")
}

async fn list(repo: &dyn JobRepo, query: JobQuery) -> Page<Job> {
    repo.list(&alice(), &query, NOW).await.expect("list")
}

fn pages_of(size: i64) -> JobQuery {
    JobQuery { limit: PageSize::new(size).expect("a good size"), ..JobQuery::default() }
}

/// The ids on every page, from the first on.
async fn walk(repo: &dyn JobRepo, mut query: JobQuery) -> Vec<JobId> {
    let mut ids = Vec::new();
    loop {
        let page = list(repo, query).await;
        ids.extend(page.items.iter().map(|job| job.id));
        match page.next {
            Some(next) => query.after = Some(next),
            None => return ids,
        }
    }
}

fn ids(jobs: &[NewJob]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id).collect()
}

async fn accept_many(repo: &dyn JobRepo, count: u64) -> Vec<NewJob> {
    let mut jobs = Vec::new();
    for n in 0..count {
        let new = new_job(n, n as i64);
        accept(repo, &new).await;
        jobs.push(new);
    }
    jobs
}

fn step(step: u32) -> Progress {
    Progress { image: 0, step, steps: 1_000 }
}

fn kind<T: std::fmt::Debug>(result: PortResult<T>) -> ErrorKind {
    result.expect_err("must fail").kind()
}

const fn fence_of(job_id: JobId, attempt: u32) -> Fence {
    Fence { job_id, attempt }
}

fn deadline(job: &NewJob) -> Timestamp {
    job.now.after(Duration::from_secs(job.request.deadline_s.into()))
}

async fn waiting(repo: &dyn JobRepo, before: Timestamp, after: Option<JobId>, limit: u32) -> Vec<JobId> {
    let waiting = repo.waiting(before, after, limit).await.expect("waiting");
    waiting.into_iter().map(|job| job.id).collect()
}

async fn refers(repo: &dyn JobRepo, n: u64) -> bool {
    repo.refers_to(blob(n).id()).await.expect("refers_to")
}

// insert

async fn an_inserted_job_is_as_accept_makes_it(repo: Arc<dyn JobRepo>) {
    assert_eq!(accept(&*repo, &new_job(1, 0)).await, Job::accept(new_job(1, 0)).0);
}

async fn an_inserted_job_is_found(repo: Arc<dyn JobRepo>) {
    let job = accept(&*repo, &new_job(1, 0)).await;
    assert_eq!(stored(&*repo, &job.id).await, job);
}

async fn every_field_of_a_job_is_kept(repo: Arc<dyn JobRepo>) {
    let mut new = new_job(1, 0);
    new.retry_of = Some(job_id(2, 0));
    new.request = request_with(|input| {
        input.prompt = Some("\u{2764}\u{fe0f} \u{201c}heart\u{201d}\n\tline two".to_owned());
        input.negative_prompt = Some("blurry".to_owned());
        input.seed = Some(u32::MAX.into());
        input.guidance_scale = Some(7.1);
        input.labels = Some([("project".to_owned(), "\u{fc}ber".to_owned())].into());
    });
    new.warnings = vec![tintype_core::domain::Warning {
        code: "unknown_word".to_owned(),
        detail: "never taught".to_owned(),
        word: Some("unicorn".to_owned()),
    }];
    accept(&*repo, &new).await;
    assert_eq!(stored(&*repo, &new.id).await, Job::accept(new).0);
}

/// What it returns is not tested: a caller that repeats an insertion without a key can't tell whose job is there.
async fn inserting_a_job_again_does_not_set_it_back(repo: Arc<dyn JobRepo>) {
    let job = begun(&*repo, &new_job(1, 0)).await;
    drop(repo.insert(&new_job(1, 0), None).await);
    assert_eq!(stored(&*repo, &job.id).await, job);
}

async fn a_key_used_again_gives_the_same_job(repo: Arc<dyn JobRepo>) {
    let first = created(insert(&*repo, &new_job(1, 0), Some(&key("k", "heart"))).await);
    let again = insert(&*repo, &new_job(2, 0), Some(&key("k", "heart"))).await;
    assert_eq!(again, InsertedJob::Existing(Box::new(first)));
}

async fn a_key_used_again_gives_the_job_as_it_is_now(repo: Arc<dyn JobRepo>) {
    let first = created(insert(&*repo, &new_job(1, 0), Some(&key("k", "heart"))).await);
    let running = begin(&*repo, &first.id).await;
    let again = insert(&*repo, &new_job(2, 0), Some(&key("k", "heart"))).await;
    assert_eq!(again, InsertedJob::Existing(Box::new(running)));
}

async fn a_key_used_for_another_request_is_refused(repo: Arc<dyn JobRepo>) {
    insert(&*repo, &new_job(1, 0), Some(&key("k", "heart"))).await;
    let other = insert(&*repo, &new_job(2, 0), Some(&key("k", "cat"))).await;
    assert_eq!(other, InsertedJob::KeyReused);
}

async fn a_refused_key_accepts_no_job(repo: Arc<dyn JobRepo>) {
    insert(&*repo, &new_job(1, 0), Some(&key("k", "heart"))).await;
    insert(&*repo, &new_job(2, 0), Some(&key("k", "cat"))).await;
    assert_eq!(find(&*repo, &new_job(2, 0).id, NOW).await, None);
}

async fn a_key_of_another_owner_is_another_key(repo: Arc<dyn JobRepo>) {
    insert(&*repo, &new_job(1, 0), Some(&key("k", "heart"))).await;
    let other = insert(&*repo, &job_of(&mallory(), 2, 0), Some(&key("k", "heart"))).await;
    assert_eq!(created(other).owner, mallory());
}

async fn another_key_makes_another_job(repo: Arc<dyn JobRepo>) {
    insert(&*repo, &new_job(1, 0), Some(&key("k", "heart"))).await;
    created(insert(&*repo, &new_job(2, 0), Some(&key("l", "heart"))).await);
}

async fn without_a_key_every_insertion_makes_a_job(repo: Arc<dyn JobRepo>) {
    accept(&*repo, &new_job(1, 0)).await;
    accept(&*repo, &new_job(2, 0)).await;
    assert_eq!(list(&*repo, pages_of(10)).await.items.len(), 2);
}

/// A [`Conflict`](ErrorKind::Conflict) tells the caller to come again.
async fn one_key_in_a_race_makes_one_job(repo: Arc<dyn JobRepo>) {
    let racing: Vec<_> = (0..64)
        .map(|n| {
            let repo = repo.clone();
            tokio::spawn(async move {
                loop {
                    match repo.insert(&new_job(n, 0), Some(&key("k", "heart"))).await {
                        Ok(InsertedJob::Created(job) | InsertedJob::Existing(job)) => return job.id,
                        Ok(InsertedJob::KeyReused) => unreachable!("the request is the same"),
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
        })
        .collect();
    let mut told = BTreeSet::new();
    for insertion in racing {
        told.insert(insertion.await.expect("every caller gets a job"));
    }
    assert_eq!(walk(&*repo, pages_of(200)).await, Vec::from_iter(told), "one job, and all were told of it");
}

async fn a_key_is_kept_as_long_as_its_job_is_shown(repo: Arc<dyn JobRepo>) {
    let k = key("k", "heart");
    insert(&*repo, &new_job(1, 0), Some(&k)).await;
    let ended = cancel(&*repo, &alice(), &new_job(1, 0).id).await.expect("was there");
    let later = NewJob { now: just_before(ended.expires_at), ..new_job(2, 0) };
    assert_eq!(insert(&*repo, &later, Some(&k)).await, InsertedJob::Existing(Box::new(ended)));
}

async fn a_key_is_free_once_its_job_is_not_shown(repo: Arc<dyn JobRepo>) {
    let k = key("k", "heart");
    insert(&*repo, &new_job(1, 0), Some(&k)).await;
    let ended = cancel(&*repo, &alice(), &new_job(1, 0).id).await.expect("was there");
    let later = NewJob { now: ended.expires_at, ..new_job(2, 0) };
    assert_eq!(created(insert(&*repo, &later, Some(&k)).await).id, later.id);
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

// events

async fn events_begin_with_the_job_being_queued(repo: Arc<dyn JobRepo>) {
    let job = accept(&*repo, &new_job(1, 0)).await;
    assert_eq!(log(&*repo, &job.id).await, [Job::accept(new_job(1, 0)).1]);
}

async fn events_tell_of_every_change(repo: Arc<dyn JobRepo>) {
    let new = new_job(1, 0);
    let first = begun(&*repo, &new).await.fence();
    repo.advance(&first, step(1), NOW).await.expect("advance");
    repo.requeue(&first, failure(), at(5), NOW).await.expect("requeue");
    let second = begin(&*repo, &new.id).await.fence();
    finish(&*repo, &second, success()).await;
    let Outcome::Succeeded(images) = success() else { unreachable!("is a success") };
    let bodies: Vec<_> = log(&*repo, &new.id).await.into_iter().map(|event| event.body).collect();
    let expected = [
        EventBody::Queued { attempts: 0, error: None },
        EventBody::Running { attempt: 1 },
        EventBody::Progress(step(1)),
        EventBody::Queued { attempts: 1, error: Some(failure()) },
        EventBody::Running { attempt: 2 },
        EventBody::Succeeded { images },
    ];
    assert_eq!(bodies, expected);
}

fn check_numbers(events: &[JobEvent], count: u64) {
    let numbers: Vec<_> = events.iter().map(|event| event.seq.0).collect();
    assert_eq!(numbers, Vec::from_iter(1..=count));
}

async fn events_are_numbered_from_1_without_gaps(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    check_numbers(&log(&*repo, &job.id).await, 3);
}

async fn events_have_no_gaps_under_many_writers(repo: Arc<dyn JobRepo>) {
    let fence = begun(&*repo, &new_job(1, 0)).await.fence();
    let writers: Vec<_> = (0..8)
        .map(|n| {
            let repo = repo.clone();
            tokio::spawn(async move {
                for k in 0..25 {
                    repo.advance(&fence, step(n * 25 + k), NOW).await.expect("advance");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("every step is noted");
    }
    check_numbers(&log(&*repo, &fence.job_id).await, 202);
}

async fn events_start_after_the_given_one(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    let rest = events(&*repo, &alice(), &job.id, Seq(1), NOW).await.expect("the job is there");
    assert_eq!(rest, log(&*repo, &job.id).await[1..]);
}

async fn events_after_the_last_are_none(repo: Arc<dyn JobRepo>) {
    let job = accept(&*repo, &new_job(1, 0)).await;
    assert_eq!(events(&*repo, &alice(), &job.id, Seq(1), NOW).await, Some(vec![]));
}

async fn events_are_at_most_the_limit(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    let part = repo.events(&alice(), &job.id, Seq(0), 2, NOW).await.expect("events");
    assert_eq!(part.expect("the job is there"), log(&*repo, &job.id).await[..2]);
}

async fn events_of_a_missing_job_are_none(repo: Arc<dyn JobRepo>) {
    assert_eq!(events(&*repo, &alice(), &job_id(1, 0), Seq(0), NOW).await, None);
}

async fn events_of_another_owners_job_are_none(repo: Arc<dyn JobRepo>) {
    let job = accept(&*repo, &new_job(1, 0)).await;
    assert_eq!(events(&*repo, &mallory(), &job.id, Seq(0), NOW).await, None);
}

async fn events_of_an_expired_job_are_none(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    assert_eq!(events(&*repo, &alice(), &job.id, Seq(0), job.expires_at).await, None);
}

async fn a_job_and_its_events_are_seen_together(repo: Arc<dyn JobRepo>) {
    let fence = begun(&*repo, &new_job(1, 0)).await.fence();
    let writing = repo.clone();
    let writer = tokio::spawn(async move {
        for n in 0..100 {
            writing.advance(&fence, step(n), NOW).await.expect("advance");
        }
    });
    while !writer.is_finished() {
        let before = stored(&*repo, &fence.job_id).await.last_seq;
        let logged = log(&*repo, &fence.job_id).await.len() as u64;
        let after = stored(&*repo, &fence.job_id).await.last_seq;
        assert!((before.0..=after.0).contains(&logged), "{before:?}, then {logged} events, then {after:?}");
        tokio::task::yield_now().await;
    }
    writer.await.expect("every step is noted");
}

async fn a_refused_change_logs_nothing(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    kind(repo.begin(&job.id, NOW).await);
    assert_eq!(log(&*repo, &job.id).await.len(), 3);
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

async fn expire_missing_is_none(repo: Arc<dyn JobRepo>) {
    assert_eq!(expire(&*repo, &job_id(1, 0), NOW).await, None);
}

async fn expire_leaves_an_ended_job_as_it_is(repo: Arc<dyn JobRepo>) {
    let new = new_job(1, 0);
    let job = canceled(&*repo, &new).await;
    assert_eq!(expire(&*repo, &new.id, deadline(&new)).await, None);
    assert_eq!(stored(&*repo, &new.id).await, job);
}

// waiting

async fn waiting_shows_the_jobs_of_every_owner(repo: Arc<dyn JobRepo>) {
    accept(&*repo, &new_job(1, 0)).await;
    accept(&*repo, &job_of(&mallory(), 2, 1)).await;
    assert_eq!(waiting(&*repo, at(100), None, 10).await, [job_id(1, 0), job_id(2, 1)]);
}

async fn waiting_gives_the_jobs_as_they_are(repo: Arc<dyn JobRepo>) {
    let job = accept(&*repo, &new_job(1, 0)).await;
    let waiting = repo.waiting(at(100), None, 10).await.expect("waiting");
    assert_eq!(waiting, [job]);
}

async fn waiting_shows_no_running_job(repo: Arc<dyn JobRepo>) {
    begun(&*repo, &new_job(1, 0)).await;
    assert!(waiting(&*repo, at(100), None, 10).await.is_empty());
}

async fn waiting_shows_no_ended_job(repo: Arc<dyn JobRepo>) {
    canceled(&*repo, &new_job(1, 0)).await;
    assert!(waiting(&*repo, at(100), None, 10).await.is_empty());
}

async fn waiting_shows_a_requeued_job(repo: Arc<dyn JobRepo>) {
    let fence = begun(&*repo, &new_job(1, 0)).await.fence();
    repo.requeue(&fence, failure(), at(9), NOW).await.expect("requeue");
    assert_eq!(waiting(&*repo, at(100), None, 10).await, [fence.job_id]);
}

async fn waiting_leaves_out_what_was_accepted_at_the_cutoff(repo: Arc<dyn JobRepo>) {
    let jobs = accept_many(&*repo, 4).await;
    assert_eq!(waiting(&*repo, at(2), None, 10).await, ids(&jobs[..2]));
}

async fn waiting_is_in_order_of_ids(repo: Arc<dyn JobRepo>) {
    let mut jobs: Vec<_> = (0..9).map(|n| new_job(n, 0)).collect();
    for job in &jobs {
        accept(&*repo, job).await;
    }
    jobs.sort_by_key(|job| job.id);
    assert_eq!(waiting(&*repo, at(100), None, 10).await, ids(&jobs));
}

async fn waiting_starts_after_the_given_id(repo: Arc<dyn JobRepo>) {
    let jobs = accept_many(&*repo, 4).await;
    assert_eq!(waiting(&*repo, at(100), Some(jobs[1].id), 10).await, ids(&jobs[2..]));
}

async fn waiting_gives_at_most_the_limit(repo: Arc<dyn JobRepo>) {
    let jobs = accept_many(&*repo, 4).await;
    assert_eq!(waiting(&*repo, at(100), None, 3).await, ids(&jobs[..3]));
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
