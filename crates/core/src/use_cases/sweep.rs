//! Tidying up: what waits too long is ended, what was left behind is started, what has expired is removed.

use super::{deliver, release_blob::release_blob};
use crate::domain::{BlobId, Job, JobStatus, Timestamp, limits};
use crate::error::{ErrorKind, PortResult};
use crate::ports::Ports;
use std::time::Duration;

/// How long a job that might run is left waiting before it is started again; one that was begun before may have been told
/// to wait as long as between two attempts.
const START_GRACE: Duration = Duration::from_secs(60);
/// How long a job may run before it is made sure that somebody is at it: longer than an Express execution lives, which
/// can't be asked.
const RUN_GRACE: Duration = Duration::from_secs(330);
/// How many records one read or removal takes.
const BATCH: u32 = 200;
/// How many batches of each kind one sweep does at the most. The next one goes on with what is to be removed, and begins
/// with the oldest of what has not ended.
const BATCHES_MAX: u32 = 50;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Waiting jobs that were ended because their deadline had passed.
    pub expired: u32,
    /// Jobs that had not ended and were started again.
    pub started: u32,
    /// Ended jobs that were removed.
    pub jobs: u32,
    /// Trashed images that were removed.
    pub images: u32,
    /// Blobs that were removed.
    pub blobs: u32,
    /// When the job was accepted that waits the longest, of those that still wait.
    pub waiting_since: Option<Timestamp>,
}

/// Sweeps once, and tells what it did, also where something failed. Run it every minute or so; two at a time do no harm.
///
/// # Errors
/// The first one, after everything was tried; what was done stays done, and the next sweep tries the rest.
pub async fn sweep(ports: &Ports, now: Timestamp) -> (Swept, PortResult<()>) {
    let mut swept = Swept::default();
    let ended = sweep_ended(ports, now, &mut swept).await;
    let trash = sweep_trash(ports, now, &mut swept).await;
    // Last: with many to start it takes the longest.
    let unfinished = sweep_unfinished(ports, now, &mut swept).await;
    (swept, ended.and(trash).and(unfinished))
}

/// One job that can't be helped does not hold up the others; a service that asks for a slower pace is left alone.
async fn sweep_unfinished(ports: &Ports, now: Timestamp, swept: &mut Swept) -> PortResult<()> {
    let (mut after, mut outcome) = (None, Ok(()));
    for _ in 0..BATCHES_MAX {
        let jobs = ports.jobs.unfinished(now, after, BATCH).await?;
        for job in &jobs {
            match sweep_one(ports, job, now, swept).await {
                Err(error) if error.kind() == ErrorKind::Throttled => return Err(error),
                done => outcome = outcome.and(done),
            }
        }
        match jobs.last() {
            Some(last) if jobs.len() == BATCH as usize => after = Some(last.id),
            _ => break,
        }
    }
    outcome
}

async fn sweep_one(ports: &Ports, job: &Job, now: Timestamp, swept: &mut Swept) -> PortResult<()> {
    if job.is_overdue(now) {
        return expire(ports, job, now, swept).await;
    }
    if job.status == JobStatus::Queued {
        // They come in order of their ids, which is that of their age.
        swept.waiting_since.get_or_insert(job.created_at);
    }
    if is_left_behind(job, now) {
        ports.workflow.start(job).await?;
        swept.started += 1;
    }
    Ok(())
}

/// Whether somebody should have begun it, or ended it, by now.
fn is_left_behind(job: &Job, now: Timestamp) -> bool {
    match job.status {
        JobStatus::Queued if job.attempts == 0 => now.since(job.not_before) >= START_GRACE,
        JobStatus::Queued => now.since(job.not_before) >= START_GRACE + limits::BACKOFF_MAX,
        JobStatus::Running => now.since(job.not_before.max(job.started_at.unwrap_or(now))) >= RUN_GRACE,
        JobStatus::Succeeded | JobStatus::Failed | JobStatus::Canceled | JobStatus::Expired => false,
    }
}

async fn expire(ports: &Ports, job: &Job, now: Timestamp, swept: &mut Swept) -> PortResult<()> {
    if ports.jobs.expire(&job.id, now).await?.is_some() {
        swept.expired += 1;
        // Those who can't be told now find it in the log.
        drop(deliver(ports, &job.id, now).await);
    }
    Ok(())
}

async fn sweep_ended(ports: &Ports, now: Timestamp, swept: &mut Swept) -> PortResult<()> {
    for _ in 0..BATCHES_MAX {
        let purged = ports.jobs.purge(now, BATCH).await?;
        swept.jobs += purged.jobs;
        swept.blobs += release(ports, &purged.blobs, now).await?;
        if purged.jobs < BATCH {
            break;
        }
    }
    Ok(())
}

async fn sweep_trash(ports: &Ports, now: Timestamp, swept: &mut Swept) -> PortResult<()> {
    let trashed_before = now.before(limits::TRASH_RETENTION);
    for _ in 0..BATCHES_MAX {
        let blobs = ports.metadata.purge(trashed_before, BATCH).await?;
        let removed = u32::try_from(blobs.len()).unwrap_or(u32::MAX);
        swept.images += removed;
        swept.blobs += release(ports, &blobs, now).await?;
        if removed < BATCH {
            break;
        }
    }
    Ok(())
}

async fn release(ports: &Ports, blobs: &[BlobId], now: Timestamp) -> PortResult<u32> {
    let mut released = 0;
    for blob in blobs {
        released += u32::from(release_blob(ports, blob, now).await?);
    }
    Ok(released)
}

/// Looks at one batch of blobs from the one after `after`, and removes those that nothing refers to: a crash between
/// the bytes and their record, or between the record's removal and the bytes'. Returns where to go on, `None` at the
/// end of the store, and how many were removed.
///
/// # Errors
/// The first one; what was done stays done.
pub async fn sweep_orphans(
    ports: &Ports,
    after: Option<BlobId>,
    now: Timestamp,
) -> PortResult<(Option<BlobId>, u32)> {
    let blobs = ports.images.list(after, BATCH).await?;
    let old: Vec<_> = blobs
        .iter()
        .filter(|blob| blob.put_at < now.before(limits::BLOB_GRACE))
        .map(|blob| blob.id)
        .collect();
    let removed = release(ports, &old, now).await?;
    let next = if blobs.len() == BATCH as usize { blobs.last().map(|blob| blob.id) } else { None };
    Ok((next, removed))
}
