//! Jobs in SQLite. A change reads the job, lets core's own method change it, and writes the job, its event and its
//! place in line together or not at all.

pub(crate) mod rows;

pub(crate) use rows::requeue_uncharged;

use crate::{
    Database,
    database::Durability::{Durable, Relaxed},
    error::Fault,
    queue,
    released::{self, Holder},
};
use async_trait::async_trait;
use rusqlite::Connection;
use std::sync::Arc;
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{
        BlobId, Fence, Idempotency, Job, JobError, JobEvent, JobId, JobQuery, NewJob, Outcome, OwnerId, Page,
        Position, Progress, Seq, Timestamp,
    },
    ports::{InsertedJob, JobRepo, PurgedJobs},
};

/// Keeps jobs in the database.
#[derive(Clone, Debug)]
pub struct SqliteJobRepo {
    database: Database,
}

impl SqliteJobRepo {
    /// The jobs in `database`.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Changes a job as one transaction that is durable when this returns; `None` from `change` writes nothing.
    async fn change_durably(
        &self,
        operation: &'static str,
        id: &JobId,
        change: impl Fn(&mut Job) -> Result<Option<JobEvent>, PortError> + Send + 'static,
    ) -> PortResult<Job> {
        let id = *id;
        let work = move |connection: &Connection| {
            let mut job = existing(connection, &id, operation)?;
            if let Some(event) = change(&mut job)? {
                rows::update(connection, &job, &event)?;
            }
            Ok(job)
        };
        self.database.write(operation, Durable, work).await
    }
}

#[async_trait]
impl JobRepo for SqliteJobRepo {
    async fn insert<'a>(&self, job: &NewJob, key: Option<&'a Idempotency>) -> PortResult<InsertedJob> {
        const OPERATION: &str = "JobRepo::insert";
        let (job, _) = Job::accept(job.clone());
        // Written as JSON here: the writing thread only hands bytes to SQLite.
        let row = rows::NewRow::of(&job, key).map_err(|fault| fault.into_port(OPERATION))?;
        let job = Arc::new(job);
        let accepted = Arc::clone(&job);
        let earlier = self.database.add(OPERATION, Durable, move |connection| {
            let job = &*accepted;
            if let Some(earlier) = row.replayed(connection, job)? {
                return Ok(Some(earlier));
            }
            if !row.insert(connection, job)? {
                return repeated(connection, job).map(Some);
            }
            queue::enter(connection, job)?;
            Ok(None)
        });
        let earlier = match (earlier.await, key) {
            // What was accepted before there was no space is told all the same.
            (Err(error), Some(key)) if error.kind() == ErrorKind::Exhausted => {
                Some(self.find_by_key(&job.owner, key, job.created_at).await?.ok_or(error)?)
            }
            (earlier, _) => earlier?,
        };
        Ok(earlier.unwrap_or_else(|| InsertedJob::Created(Box::new(Arc::unwrap_or_clone(job)))))
    }

    async fn find_by_key(
        &self,
        owner: &OwnerId,
        key: &Idempotency,
        now: Timestamp,
    ) -> PortResult<Option<InsertedJob>> {
        let (owner, key) = (owner.clone(), key.clone());
        let work = move |connection: &Connection| rows::find_by_key(connection, &owner, &key, now);
        self.database.read("JobRepo::find_by_key", work).await
    }

    async fn find(&self, owner: &OwnerId, id: &JobId, now: Timestamp) -> PortResult<Option<Job>> {
        let (owner, id) = (owner.clone(), *id);
        let work = move |connection: &Connection| rows::find_shown(connection, &owner, &id, now);
        self.database.read("JobRepo::find", work).await
    }

    async fn list(&self, owner: &OwnerId, query: &JobQuery, now: Timestamp) -> PortResult<Page<Job>> {
        let (owner, query) = (owner.clone(), *query);
        let work = move |connection: &Connection| rows::list(connection, &owner, &query, now);
        let jobs = self.database.read("JobRepo::list", work).await?;
        Ok(Page::of(jobs, query.limit, |job| Position::of_job(job.created_at, &job.id)))
    }

    async fn events(
        &self,
        owner: &OwnerId,
        id: &JobId,
        after: Seq,
        limit: u32,
        now: Timestamp,
    ) -> PortResult<Option<Vec<JobEvent>>> {
        let (owner, id) = (owner.clone(), *id);
        let work = move |connection: &Connection| {
            let Some(accepted_at) = rows::accepted_at(connection, &owner, &id, now)? else { return Ok(None) };
            rows::events(connection, &id, accepted_at, after, limit).map(Some)
        };
        self.database.read("JobRepo::events", work).await
    }

    async fn begin(&self, id: &JobId, now: Timestamp) -> PortResult<Job> {
        const OPERATION: &str = "JobRepo::begin";
        let begun_id = *id;
        let begun = self.database.write(OPERATION, Relaxed, move |connection| {
            let mut job = existing(connection, &begun_id, OPERATION)?;
            if job.is_overdue(now) {
                return Ok(None);
            }
            let event = job.begin(now)?;
            rows::update(connection, &job, &event)?;
            Ok(Some(job))
        });
        match begun.await? {
            Some(job) => Ok(job),
            // An end must be durable, a beginning need not be: so it is a write of its own.
            None => {
                let end = move |job: &mut Job| match job.expire(now) {
                    Some(event) => Ok(Some(event)),
                    None => job.begin(now).map(Some),
                };
                self.change_durably(OPERATION, id, end).await
            }
        }
    }

    async fn advance(&self, fence: &Fence, progress: Progress, now: Timestamp) -> PortResult<()> {
        const OPERATION: &str = "JobRepo::advance";
        let fence = *fence;
        let work = move |connection: &Connection| {
            let mut job = existing(connection, &fence.job_id, OPERATION)?;
            let event = job.advance(&fence, progress, now)?;
            rows::update_body(connection, &job, &event)
        };
        self.database.add(OPERATION, Relaxed, work).await
    }

    async fn requeue(
        &self,
        fence: &Fence,
        error: JobError,
        not_before: Timestamp,
        now: Timestamp,
    ) -> PortResult<Job> {
        let fence = *fence;
        let change = move |job: &mut Job| job.requeue(&fence, error.clone(), not_before, now).map(Some);
        self.change_durably("JobRepo::requeue", &fence.job_id, change).await
    }

    async fn finish(&self, fence: &Fence, outcome: Outcome, now: Timestamp) -> PortResult<Job> {
        let fence = *fence;
        let change = move |job: &mut Job| job.finish(&fence, outcome.clone(), now);
        self.change_durably("JobRepo::finish", &fence.job_id, change).await
    }

    async fn cancel(&self, owner: &OwnerId, id: &JobId, now: Timestamp) -> PortResult<Option<Job>> {
        let (owner, id) = (owner.clone(), *id);
        let work = move |connection: &Connection| {
            let Some(mut job) = rows::find_shown(connection, &owner, &id, now)? else { return Ok(None) };
            if let Some(event) = job.cancel(now) {
                rows::update(connection, &job, &event)?;
            }
            Ok(Some(job))
        };
        self.database.write("JobRepo::cancel", Durable, work).await
    }

    async fn expire(&self, id: &JobId, now: Timestamp) -> PortResult<Option<Job>> {
        let id = *id;
        let work = move |connection: &Connection| {
            let Some(mut job) = rows::find(connection, &id)? else { return Ok(None) };
            let Some(event) = job.expire(now) else { return Ok(None) };
            rows::update(connection, &job, &event)?;
            Ok(Some(job))
        };
        self.database.write("JobRepo::expire", Durable, work).await
    }

    async fn unfinished(
        &self,
        accepted_before: Timestamp,
        after: Option<JobId>,
        limit: u32,
    ) -> PortResult<Vec<Job>> {
        let work = move |connection: &Connection| rows::unfinished(connection, accepted_before, after, limit);
        self.database.read("JobRepo::unfinished", work).await
    }

    async fn refers_to(&self, blob: &BlobId) -> PortResult<bool> {
        let blob = *blob;
        let work = move |connection: &Connection| rows::refers_to(connection, &blob);
        self.database.read("JobRepo::refers_to", work).await
    }

    async fn is_released(&self, blob: &BlobId) -> PortResult<bool> {
        released::is_released(&self.database, "JobRepo::is_released", Holder::Job, blob).await
    }

    async fn released(&self, after: Option<BlobId>, limit: u32) -> PortResult<Vec<BlobId>> {
        released::page(&self.database, "JobRepo::released", Holder::Job, after, limit).await
    }

    async fn forget_release(&self, blob: &BlobId) -> PortResult<()> {
        released::forget_release(&self.database, "JobRepo::forget_release", Holder::Job, blob).await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> PortResult<PurgedJobs> {
        // Durable: the caller removes the bytes next, and a row must never point at what is gone.
        let work = move |connection: &Connection| rows::purge(connection, now, limit);
        self.database.write("JobRepo::purge", Durable, work).await
    }
}

fn existing(connection: &Connection, id: &JobId, operation: &'static str) -> Result<Job, Fault> {
    rows::find(connection, id)?.ok_or_else(|| {
        Fault::Port(PortError::new(ErrorKind::NotFound, operation, format!("there is no job {id}")))
    })
}

/// The answer to an insertion whose id is there: the same call once more, or a caller that draws ids badly.
fn repeated(connection: &Connection, job: &Job) -> Result<InsertedJob, Fault> {
    match rows::find(connection, &job.id)? {
        Some(stored) if stored.owner == job.owner && stored.request == job.request => {
            Ok(InsertedJob::Existing(Box::new(stored)))
        }
        _ => {
            let message = format!("the id {} is another job's", job.id);
            Err(PortError::new(ErrorKind::Conflict, "JobRepo::insert", message).into())
        }
    }
}
