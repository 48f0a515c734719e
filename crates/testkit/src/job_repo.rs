//! The contract of [`JobRepo`], case by case; here is the vocabulary that the cases share.

mod accepting;
mod attempts;
mod endings;
mod event_log;
mod reading;
mod upkeep;

use crate::samples::{START, alice, blob, job_image, new_job};
use crate::suites::Case;
use std::{sync::Arc, time::Duration};
use tintype_core::{
    ErrorKind, PortResult,
    domain::{
        Fence, Idempotency, Job, JobEvent, JobId, JobQuery, NewJob, Outcome, OwnerId, Page, PageSize,
        Progress, Seq, Timestamp, limits,
    },
    ports::{InsertedJob, JobRepo},
};

/// The cases, subject by subject.
pub(crate) const CASES: &[&[Case<Arc<dyn JobRepo>>]] =
    &[accepting::CASES, reading::CASES, event_log::CASES, attempts::CASES, endings::CASES, upkeep::CASES];

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
    Outcome::Succeeded { images: vec![job_image(0, 100), job_image(1, 101)], warnings: vec![] }
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

async fn unfinished(repo: &dyn JobRepo, before: Timestamp, after: Option<JobId>, limit: u32) -> Vec<JobId> {
    let unfinished = repo.unfinished(before, after, limit).await.expect("unfinished");
    unfinished.into_iter().map(|job| job.id).collect()
}

async fn refers(repo: &dyn JobRepo, n: u64) -> bool {
    repo.refers_to(blob(n).id()).await.expect("refers_to")
}
