//! Jobs, their logs and their idempotency keys in maps, under one lock: a change and its event are one step.

use crate::{lock, metadata_repo::page_of};
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
    sync::Mutex,
};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{
        BlobId, Fence, Idempotency, IdempotencyKey, Job, JobError, JobEvent, JobId, JobQuery, NewJob,
        Outcome, OwnerId, Page, Position, Progress, Seq, Timestamp,
    },
    ports::{InsertedJob, JobRepo, PurgedJobs},
};

/// A [`JobRepo`] in memory.
#[derive(Debug, Default)]
pub struct MemoryJobs(Mutex<Jobs>);

#[derive(Debug, Default)]
struct Jobs {
    by_id: BTreeMap<JobId, Stored>,
    /// Each owner's jobs by their place in the list.
    by_owner: HashMap<OwnerId, BTreeMap<Position, JobId>>,
    keys: HashMap<(OwnerId, IdempotencyKey), UsedKey>,
    released: BTreeSet<BlobId>,
}

#[derive(Debug)]
struct Stored {
    job: Job,
    log: Vec<JobEvent>,
    key: Option<IdempotencyKey>,
}

#[derive(Debug)]
struct UsedKey {
    fingerprint: BlobId,
    job_id: JobId,
}

fn missing(id: &JobId, operation: &'static str) -> PortError {
    PortError::new(ErrorKind::NotFound, operation, format!("no job {id}"))
}

impl Jobs {
    fn insert(&mut self, new: &NewJob, key: Option<&Idempotency>) -> InsertedJob {
        if let Some(used) = key.and_then(|key| self.used(&new.owner, key, new.now)) {
            return used;
        }
        if let Some(stored) = self.by_id.get(&new.id) {
            return InsertedJob::Existing(Box::new(stored.job.clone()));
        }
        let (job, event) = Job::accept(new.clone());
        if let Some(Idempotency { key, fingerprint }) = key {
            let used = UsedKey { fingerprint: *fingerprint, job_id: new.id };
            self.keys.insert((new.owner.clone(), key.clone()), used);
        }
        let position = Position::of_job(job.created_at, &job.id);
        self.by_owner.entry(new.owner.clone()).or_default().insert(position, new.id);
        let key = key.map(|key| key.key.clone());
        self.hold(&job);
        self.by_id.insert(new.id, Stored { job: job.clone(), log: vec![event], key });
        InsertedJob::Created(Box::new(job))
    }

    /// What a key that was used before means for a new job; `None` once its job is not shown any more.
    fn used(&self, owner: &OwnerId, key: &Idempotency, now: Timestamp) -> Option<InsertedJob> {
        let used = self.keys.get(&(owner.clone(), key.key.clone()))?;
        let job = self.shown(owner, &used.job_id, now)?.job.clone();
        Some(if used.fingerprint == key.fingerprint {
            InsertedJob::Existing(Box::new(job))
        } else {
            InsertedJob::KeyReused
        })
    }

    fn shown(&self, owner: &OwnerId, id: &JobId, now: Timestamp) -> Option<&Stored> {
        self.by_id.get(id).filter(|stored| stored.job.owner == *owner && stored.job.is_shown(now))
    }

    fn page(&self, owner: &OwnerId, query: &JobQuery, now: Timestamp) -> Vec<Job> {
        let Some(positions) = self.by_owner.get(owner) else { return Vec::new() };
        let before = query.after.map_or(Bound::Unbounded, Bound::Excluded);
        let fits = |job: &&Job| job.is_shown(now) && query.status.is_none_or(|status| job.status == status);
        let part = positions.range((Bound::Unbounded, before)).rev();
        let jobs = part.filter_map(|(_, id)| self.by_id.get(id)).map(|stored| &stored.job);
        jobs.filter(fits).take(query.limit.get() as usize + 1).cloned().collect()
    }

    /// Changes the job with one of its own methods and logs the event, if there was one.
    fn change(
        &mut self,
        id: &JobId,
        operation: &'static str,
        change: impl FnOnce(&mut Job) -> PortResult<Option<JobEvent>>,
    ) -> PortResult<Job> {
        let stored = self.by_id.get_mut(id).ok_or_else(|| missing(id, operation))?;
        let event = change(&mut stored.job)?;
        stored.log.extend(event);
        let job = stored.job.clone();
        self.hold(&job);
        Ok(job)
    }

    /// Forgets releases of blobs that `job` refers to.
    fn hold(&mut self, job: &Job) {
        for blob in blobs(job) {
            self.released.remove(&blob);
        }
    }

    fn refers_to(&self, blob: &BlobId) -> bool {
        self.by_id.values().any(|stored| blobs(&stored.job).any(|id| id == *blob))
    }

    fn remove(&mut self, id: &JobId) -> Vec<BlobId> {
        let Some(Stored { job, key, .. }) = self.by_id.remove(id) else { return Vec::new() };
        if let Some(positions) = self.by_owner.get_mut(&job.owner) {
            positions.remove(&Position::of_job(job.created_at, id));
        }
        // The key may have been used again since.
        if let Some(key) = key.map(|key| (job.owner.clone(), key))
            && self.keys.get(&key).is_some_and(|used| used.job_id == *id)
        {
            self.keys.remove(&key);
        }
        let blobs: Vec<_> = blobs(&job).collect();
        let last: Vec<_> = blobs.iter().copied().filter(|blob| !self.refers_to(blob)).collect();
        self.released.extend(last);
        blobs
    }
}

/// The addresses a job refers to.
fn blobs(job: &Job) -> impl Iterator<Item = BlobId> {
    let sources = job.request.source.iter().flat_map(|source| [Some(source.image), source.mask]);
    job.images.iter().map(|image| image.sha256).chain(sources.flatten())
}

#[async_trait]
impl JobRepo for MemoryJobs {
    async fn insert<'a>(&self, job: &NewJob, key: Option<&'a Idempotency>) -> PortResult<InsertedJob> {
        Ok(lock(&self.0).insert(job, key))
    }

    async fn find_by_key(
        &self,
        owner: &OwnerId,
        key: &Idempotency,
        now: Timestamp,
    ) -> PortResult<Option<InsertedJob>> {
        Ok(lock(&self.0).used(owner, key, now))
    }

    async fn find(&self, owner: &OwnerId, id: &JobId, now: Timestamp) -> PortResult<Option<Job>> {
        Ok(lock(&self.0).shown(owner, id, now).map(|stored| stored.job.clone()))
    }

    async fn list(&self, owner: &OwnerId, query: &JobQuery, now: Timestamp) -> PortResult<Page<Job>> {
        let jobs = lock(&self.0).page(owner, query, now);
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
        let jobs = lock(&self.0);
        Ok(jobs.shown(owner, id, now).map(|stored| {
            let rest = stored.log.iter().filter(|event| event.seq > after);
            rest.take(limit as usize).cloned().collect()
        }))
    }

    async fn begin(&self, id: &JobId, now: Timestamp) -> PortResult<Job> {
        lock(&self.0).change(id, "JobRepo::begin", |job| match job.expire(now) {
            Some(event) => Ok(Some(event)),
            None => job.begin(now).map(Some),
        })
    }

    async fn advance(&self, fence: &Fence, progress: Progress, now: Timestamp) -> PortResult<()> {
        let change = |job: &mut Job| job.advance(fence, progress, now).map(Some);
        lock(&self.0).change(&fence.job_id, "JobRepo::advance", change).map(drop)
    }

    async fn requeue(
        &self,
        fence: &Fence,
        error: JobError,
        not_before: Timestamp,
        now: Timestamp,
    ) -> PortResult<Job> {
        let change = |job: &mut Job| job.requeue(fence, error, not_before, now).map(Some);
        lock(&self.0).change(&fence.job_id, "JobRepo::requeue", change)
    }

    async fn finish(&self, fence: &Fence, outcome: Outcome, now: Timestamp) -> PortResult<Job> {
        lock(&self.0).change(&fence.job_id, "JobRepo::finish", |job| job.finish(fence, outcome, now))
    }

    async fn cancel(&self, owner: &OwnerId, id: &JobId, now: Timestamp) -> PortResult<Option<Job>> {
        let mut jobs = lock(&self.0);
        if jobs.shown(owner, id, now).is_none() {
            return Ok(None);
        }
        jobs.change(id, "JobRepo::cancel", |job| Ok(job.cancel(now))).map(Some)
    }

    async fn expire(&self, id: &JobId, now: Timestamp) -> PortResult<Option<Job>> {
        let mut jobs = lock(&self.0);
        if !jobs.by_id.get(id).is_some_and(|stored| stored.job.is_overdue(now)) {
            return Ok(None);
        }
        jobs.change(id, "JobRepo::expire", |job| Ok(job.expire(now))).map(Some)
    }

    async fn unfinished(
        &self,
        accepted_before: Timestamp,
        after: Option<JobId>,
        limit: u32,
    ) -> PortResult<Vec<Job>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let jobs = lock(&self.0);
        let part = jobs.by_id.range((start, Bound::Unbounded)).map(|(_, stored)| &stored.job);
        let unfinished = part.filter(|job| !job.status.is_terminal() && job.created_at < accepted_before);
        Ok(unfinished.take(limit as usize).cloned().collect())
    }

    async fn refers_to(&self, blob: &BlobId) -> PortResult<bool> {
        Ok(lock(&self.0).refers_to(blob))
    }

    async fn is_released(&self, blob: &BlobId) -> PortResult<bool> {
        Ok(lock(&self.0).released.contains(blob))
    }

    async fn released(&self, after: Option<BlobId>, limit: u32) -> PortResult<Vec<BlobId>> {
        Ok(page_of(&lock(&self.0).released, after, limit))
    }

    async fn forget_release(&self, blob: &BlobId) -> PortResult<()> {
        lock(&self.0).released.remove(blob);
        Ok(())
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> PortResult<PurgedJobs> {
        let mut jobs = lock(&self.0);
        let ended = jobs.by_id.values().map(|stored| &stored.job).filter(|job| job.status.is_terminal());
        let expired = ended.filter(|job| job.expires_at < now).map(|job| job.id);
        let expired: Vec<_> = expired.take(limit as usize).collect();
        let blobs = expired.iter().flat_map(|id| jobs.remove(id)).collect();
        Ok(PurgedJobs { jobs: expired.len() as u32, blobs })
    }
}
