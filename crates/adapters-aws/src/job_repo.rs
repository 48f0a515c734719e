//! Jobs in DynamoDB. A change reads the job, lets core's own method change it, and writes the job, its event and its
//! places in one transaction, on condition that the job still is at the revision that was read.
//!
//! | item | holds |
//! |---|---|
//! | `JOB#<id>` / `#` | the job, with its revision `rev` and its idempotency key |
//! | `JOB#<id>` / `E#<seq>` | an event, but for the first: the job tells all of it |
//! | `OWNER#<owner>` / `<created_at>#<id>` | its place in the owner's list |
//! | `KEY#<owner>#<key>` / `#` | which job a key was used for, and the request's fingerprint |
//! | `BLOB#<sha256>` / `JOB#<id>` | that the job refers to the address |
//! | `OPEN#<shard>` / `<id>` | that it has not ended, for the sweep |
//! | `ENDED#<shard>` / `<expires_at>#<id>` | that it is to be removed one day |
//! | `RELEASED` / `<sha256>` | that a job referred to the address, and was removed: the proof that the blob may go |
//!
//! At most, in units, for jobs of up to 1 KB, as plain ones are: `insert` 8 written with a key, 6 without, 2 per
//! source picture, and 3 read where the key was used; `find` 1 read; a change 1 read and 4 written, 4 more where the
//! job ends, 2 more per picture; `events` 1 read for the job and 1 per 15 events; a page of `n`
//! jobs `n + n / 20 + 1` read, and 105 for each 100 jobs that a filter looks at; `refers_to` 1 read; `unfinished` and
//! `purge` 16 read, and 1 per job; a purge 4 written per job and 2 per picture; `is_released` 1 read, `released` 1 per 100,
//! `forget_release` 1 written. Another try after a lost race costs the
//! same again.

mod places;
mod purge;
mod records;
mod unfinished;

use crate::dynamodb::{Bounds, Item, Stretch, TRIES, Table, Transacted, contended, pause};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use futures_util::future::try_join;
use places::{accepted, changed};
use records::{Stored, events_between, job_key, key_key, owner_partition, sort_key};
use std::collections::HashMap;
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{
        BlobId, Fence, Idempotency, Job, JobError, JobEvent, JobId, JobQuery, NewJob, Outcome, OwnerId, Page,
        Position, Progress, Seq, Timestamp,
    },
    ports::{InsertedJob, JobRepo, PurgedJobs},
};

/// How many jobs a page with a filter looks at per request, at the least.
const FILTERED_AT_ONCE: u32 = 100;

/// Keeps jobs in a table.
#[derive(Clone, Debug)]
pub struct DynamoJobRepo {
    table: Table,
}

/// What a key stands for before an insertion.
enum KeyUse {
    /// Nothing that is shown; the job that still holds it, if any.
    Free(Option<JobId>),
    /// The same request, earlier.
    Repeated(Box<Job>),
    /// Another request.
    Reused,
}

/// A job after a change that may have changed nothing.
struct Changed {
    job: Job,
    written: bool,
}

impl DynamoJobRepo {
    /// The jobs in `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { table: Table::new(client, table.into()) }
    }

    async fn read(&self, operation: &'static str, id: &JobId) -> PortResult<Option<Stored>> {
        let item = self.table.get(operation, job_key(id)).await?;
        item.map(|item| Stored::of(operation, &item)).transpose()
    }

    async fn read_shown(
        &self,
        operation: &'static str,
        owner: &OwnerId,
        id: &JobId,
        now: Timestamp,
    ) -> PortResult<Option<Job>> {
        let stored = self.read(operation, id).await?.map(|stored| stored.job);
        Ok(stored.filter(|job| is_shown_to(job, owner, now)))
    }

    /// The jobs of these ids, in their order; what is not there any more is left out.
    async fn read_many(&self, operation: &'static str, ids: &[JobId]) -> PortResult<Vec<Job>> {
        let keys: Vec<_> = ids.iter().map(job_key).collect();
        let mut found = HashMap::new();
        for item in self.table.get_many(operation, &keys).await? {
            let job = Stored::of(operation, &item)?.job;
            found.insert(job.id, job);
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// Changes the job; `None` if there is none. `None` from `change` writes nothing.
    async fn try_change(
        &self,
        operation: &'static str,
        id: &JobId,
        change: impl Fn(&mut Job) -> PortResult<Option<JobEvent>> + Send + Sync,
    ) -> PortResult<Option<Changed>> {
        for tries in 0..TRIES {
            let Some(stored) = self.read(operation, id).await? else { return Ok(None) };
            let mut job = stored.job.clone();
            let Some(event) = change(&mut job)? else { return Ok(Some(Changed { job, written: false })) };
            let writes = changed(operation, &stored, &job, &event)?;
            match self.table.transact(operation, writes).await? {
                Transacted::Done => return Ok(Some(Changed { job, written: true })),
                Transacted::Lost => pause(tries).await,
            }
        }
        Err(contended(operation))
    }

    /// Changes a job that must be there.
    async fn change(
        &self,
        operation: &'static str,
        id: &JobId,
        change: impl Fn(&mut Job) -> PortResult<Option<JobEvent>> + Send + Sync,
    ) -> PortResult<Job> {
        let changed = self.try_change(operation, id, change).await?;
        changed.map(|changed| changed.job).ok_or_else(|| missing(operation, id))
    }

    /// What the owner's key was used for before; after that job's expiry it is free again.
    async fn key_use(
        &self,
        operation: &'static str,
        owner: &OwnerId,
        key: &Idempotency,
        now: Timestamp,
    ) -> PortResult<KeyUse> {
        let item = self.table.get(operation, key_key(owner, &key.key)).await?;
        let Some(item) = item else { return Ok(KeyUse::Free(None)) };
        let holder: JobId = item.parsed(operation, "job_id")?;
        let used_for: BlobId = item.parsed(operation, "fingerprint")?;
        let stored = self.read_shown(operation, owner, &holder, now).await?;
        Ok(match stored {
            None => KeyUse::Free(Some(holder)),
            Some(_) if used_for != key.fingerprint => KeyUse::Reused,
            Some(stored) => KeyUse::Repeated(Box::new(stored)),
        })
    }

    /// The ids of the owner's jobs before `after`, the newest first, with their positions.
    async fn positions(
        &self,
        operation: &'static str,
        owner: &OwnerId,
        after: Option<Position>,
        limit: u32,
    ) -> PortResult<Vec<Position>> {
        let bounds = match after {
            None => Bounds::All,
            Some(after) => Bounds::Before(sort_key(after.at, &JobId::from_bytes(after.id))),
        };
        let stretch = Stretch::of(owner_partition(owner), bounds).backwards();
        let items = self.table.query(operation, &stretch, Some(limit)).await?;
        let position = |item: &Item| {
            let id = item.parsed(operation, "job_id")?;
            Ok(Position::of_job(item.time(operation, "created_at")?, &id))
        };
        items.iter().map(position).collect()
    }
}

fn is_shown_to(job: &Job, owner: &OwnerId, now: Timestamp) -> bool {
    job.owner == *owner && job.is_shown(now)
}

fn missing(operation: &'static str, id: &JobId) -> PortError {
    PortError::new(ErrorKind::NotFound, operation, format!("there is no job {id}"))
}

/// The answer where `stored` is there already. If it is just what would have been written, this very call wrote it and
/// lost the answer: nobody else draws its id.
fn repeated(stored: Box<Job>, job: &Job) -> InsertedJob {
    if *stored == *job { InsertedJob::Created(stored) } else { InsertedJob::Existing(stored) }
}

#[async_trait]
impl JobRepo for DynamoJobRepo {
    async fn insert<'a>(&self, job: &NewJob, key: Option<&'a Idempotency>) -> PortResult<InsertedJob> {
        const OPERATION: &str = "JobRepo::insert";
        let (job, _) = Job::accept(job.clone());
        let mut holder = None;
        for tries in 0..TRIES {
            let writes = accepted(OPERATION, &job, key, holder)?;
            if self.table.transact(OPERATION, writes).await? == Transacted::Done {
                return Ok(InsertedJob::Created(Box::new(job)));
            }
            if let Some(key) = key {
                match self.key_use(OPERATION, &job.owner, key, job.created_at).await? {
                    KeyUse::Repeated(stored) => return Ok(repeated(stored, &job)),
                    KeyUse::Reused => return Ok(InsertedJob::KeyReused),
                    KeyUse::Free(by) => holder = by,
                }
            }
            match self.read(OPERATION, &job.id).await?.map(|stored| stored.job) {
                Some(stored) if stored.owner == job.owner && stored.request == job.request => {
                    return Ok(repeated(Box::new(stored), &job));
                }
                Some(_) => return Err(in_use(OPERATION, format!("the id {} is another job's", job.id))),
                None => pause(tries).await,
            }
        }
        Err(in_use(OPERATION, "the idempotency key is just being used by another call".to_owned()))
    }

    async fn find_by_key(
        &self,
        owner: &OwnerId,
        key: &Idempotency,
        now: Timestamp,
    ) -> PortResult<Option<InsertedJob>> {
        Ok(match self.key_use("JobRepo::find_by_key", owner, key, now).await? {
            KeyUse::Free(_) => None,
            KeyUse::Repeated(job) => Some(InsertedJob::Existing(job)),
            KeyUse::Reused => Some(InsertedJob::KeyReused),
        })
    }

    async fn find(&self, owner: &OwnerId, id: &JobId, now: Timestamp) -> PortResult<Option<Job>> {
        self.read_shown("JobRepo::find", owner, id, now).await
    }

    async fn list(&self, owner: &OwnerId, query: &JobQuery, now: Timestamp) -> PortResult<Page<Job>> {
        const OPERATION: &str = "JobRepo::list";
        let wanted = query.limit.get() + 1;
        let at_once = if query.status.is_some() { wanted.max(FILTERED_AT_ONCE) } else { wanted };
        let fits = |job: &Job| {
            is_shown_to(job, owner, now) && query.status.is_none_or(|status| job.status == status)
        };
        let mut after = query.after;
        let mut jobs = Vec::new();
        while jobs.len() < wanted as usize {
            let positions = self.positions(OPERATION, owner, after, at_once).await?;
            let ids: Vec<_> = positions.iter().map(|position| JobId::from_bytes(position.id)).collect();
            jobs.extend(self.read_many(OPERATION, &ids).await?.into_iter().filter(fits));
            after = positions.last().copied();
            if positions.len() < at_once as usize {
                break;
            }
        }
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
        const OPERATION: &str = "JobRepo::events";
        let stretch = events_between(id, after);
        let job = self.read_shown(OPERATION, owner, id, now);
        let (job, stored) = try_join(job, self.table.query(OPERATION, &stretch, Some(limit))).await?;
        let Some(job) = job else { return Ok(None) };
        let first = Some(Job::accepted(job.id, job.created_at)).filter(|first| after < first.seq);
        let stored = stored.iter().map(|event| event.body(OPERATION));
        first.into_iter().map(Ok).chain(stored).take(limit as usize).collect::<PortResult<_>>().map(Some)
    }

    async fn begin(&self, id: &JobId, now: Timestamp) -> PortResult<Job> {
        let begin = |job: &mut Job| match job.expire(now) {
            Some(event) => Ok(Some(event)),
            None => job.begin(now).map(Some),
        };
        self.change("JobRepo::begin", id, begin).await
    }

    async fn advance(&self, fence: &Fence, progress: Progress, now: Timestamp) -> PortResult<()> {
        let advance = |job: &mut Job| job.advance(fence, progress, now).map(Some);
        self.change("JobRepo::advance", &fence.job_id, advance).await.map(drop)
    }

    async fn requeue(
        &self,
        fence: &Fence,
        error: JobError,
        not_before: Timestamp,
        now: Timestamp,
    ) -> PortResult<Job> {
        let requeue = |job: &mut Job| job.requeue(fence, error.clone(), not_before, now).map(Some);
        self.change("JobRepo::requeue", &fence.job_id, requeue).await
    }

    async fn finish(&self, fence: &Fence, outcome: Outcome, now: Timestamp) -> PortResult<Job> {
        let finish = |job: &mut Job| job.finish(fence, outcome.clone(), now);
        self.change("JobRepo::finish", &fence.job_id, finish).await
    }

    async fn cancel(&self, owner: &OwnerId, id: &JobId, now: Timestamp) -> PortResult<Option<Job>> {
        const OPERATION: &str = "JobRepo::cancel";
        let cancel = |job: &mut Job| {
            if is_shown_to(job, owner, now) { Ok(job.cancel(now)) } else { Err(missing(OPERATION, id)) }
        };
        match self.try_change(OPERATION, id, cancel).await {
            Ok(changed) => Ok(changed.map(|changed| changed.job)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn expire(&self, id: &JobId, now: Timestamp) -> PortResult<Option<Job>> {
        let changed = self.try_change("JobRepo::expire", id, |job| Ok(job.expire(now))).await?;
        Ok(changed.filter(|changed| changed.written).map(|changed| changed.job))
    }

    async fn unfinished(
        &self,
        accepted_before: Timestamp,
        after: Option<JobId>,
        limit: u32,
    ) -> PortResult<Vec<Job>> {
        self.unfinished_jobs(accepted_before, after, limit).await
    }

    async fn refers_to(&self, blob: &BlobId) -> PortResult<bool> {
        let stretch = Stretch::of(format!("BLOB#{blob}"), Bounds::All);
        Ok(!self.table.query("JobRepo::refers_to", &stretch, Some(1)).await?.is_empty())
    }

    async fn is_released(&self, blob: &BlobId) -> PortResult<bool> {
        self.table.is_released("JobRepo::is_released", blob).await
    }

    async fn released(&self, after: Option<BlobId>, limit: u32) -> PortResult<Vec<BlobId>> {
        self.table.released("JobRepo::released", after, limit).await
    }

    async fn forget_release(&self, blob: &BlobId) -> PortResult<()> {
        self.table.forget_release("JobRepo::forget_release", blob).await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> PortResult<PurgedJobs> {
        self.purge_expired(now, limit).await
    }
}

fn in_use(operation: &'static str, message: String) -> PortError {
    PortError::new(ErrorKind::Conflict, operation, message)
}
