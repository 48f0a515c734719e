//! Tidying up: what waits too long is ended, what was left behind is started, what has expired is removed.

use super::{
    deliver,
    release_blob::{Claim, claim, release_blob},
};
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
    /// Blobs that were unlinked.
    pub blobs: u32,
    /// Blobs whose time in quarantine was over, and that were removed.
    pub quarantined: u32,
    /// When the job was accepted that waits the longest, of those that still wait.
    pub waiting_since: Option<Timestamp>,
}

/// Sweeps once, and tells what it did, also where something failed. Run it every minute or so; two at a time do no harm.
///
/// Nothing is deleted unless the [integrity](crate::ports::Integrity) of the records is confirmed first. Blobs are unlinked
/// on the word of a release record alone; [`sweep_orphans`] deals with blobs that have none.
///
/// # Errors
/// The first one, after everything was tried; what was done stays done, and the next sweep tries the rest.
pub async fn sweep(ports: &Ports, now: Timestamp) -> (Swept, PortResult<()>) {
    let mut swept = Swept::default();
    let deleted = match ports.integrity.confirm(now).await {
        Ok(()) => sweep_deletions(ports, now, &mut swept).await,
        Err(error) => Err(error),
    };
    // Last: with many to start it takes the longest.
    let unfinished = sweep_unfinished(ports, now, &mut swept).await;
    (swept, deleted.and(unfinished))
}

async fn sweep_deletions(ports: &Ports, now: Timestamp, swept: &mut Swept) -> PortResult<()> {
    let ended = sweep_ended(ports, now, swept).await;
    let trash = sweep_trash(ports, now, swept).await;
    let released = sweep_released(ports, now, swept).await;
    let quarantine = sweep_quarantine(ports, now, swept).await;
    ended.and(trash).and(released).and(quarantine)
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

/// Unlinks blobs whose release is on record and that were not unlinked at once: within their grace, during a backup, or
/// because the process ended in between.
async fn sweep_released(ports: &Ports, now: Timestamp, swept: &mut Swept) -> PortResult<()> {
    let mut after = None;
    for _ in 0..BATCHES_MAX {
        let blobs = ports.jobs.released(after, BATCH).await?;
        swept.blobs += release(ports, &blobs, now).await?;
        after = blobs.last().copied();
        if blobs.len() < BATCH as usize {
            break;
        }
    }
    after = None;
    for _ in 0..BATCHES_MAX {
        let blobs = ports.metadata.released(after, BATCH).await?;
        swept.blobs += release(ports, &blobs, now).await?;
        after = blobs.last().copied();
        if blobs.len() < BATCH as usize {
            break;
        }
    }
    Ok(())
}

async fn sweep_quarantine(ports: &Ports, now: Timestamp, swept: &mut Swept) -> PortResult<()> {
    let quarantined_before = now.before(limits::QUARANTINE_RETENTION);
    for _ in 0..BATCHES_MAX {
        let removed = ports.images.purge_quarantine(quarantined_before, BATCH).await?;
        swept.quarantined += removed;
        if removed < BATCH {
            break;
        }
    }
    Ok(())
}

/// The outcome of a sweep of orphans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrphanSweep {
    /// How many blobs were looked at.
    pub blobs: u64,
    /// How many of them are orphans. The count ends where the sweep is stopped.
    pub orphans: u64,
    /// How many orphans were moved into quarantine.
    pub quarantined: u64,
    /// Whether there were too many orphans for a crash to explain them: then none was moved.
    pub stopped: bool,
    /// Where to go on; `None` at the end of the store.
    pub next: Option<BlobId>,
}

/// Looks at up to `batches` batches of blobs from the one after `after`, and moves orphans into quarantine: blobs with
/// neither a reference nor a release record, as a crash between the bytes and their record leaves them.
///
/// More than [`ORPHANS_MAX`](limits::ORPHANS_MAX) orphans, or more than
/// [`ORPHANS_PERCENT_MAX`](limits::ORPHANS_PERCENT_MAX) percent, stop the sweep: then it is the records that are missing.
/// Up to [`ORPHANS_EXPECTED`](limits::ORPHANS_EXPECTED) never do.
///
/// # Errors
/// [`Data`](ErrorKind::Data) if the integrity of the records can't be confirmed, and the first error of a port. What was
/// done stays done.
pub async fn sweep_orphans(
    ports: &Ports,
    after: Option<BlobId>,
    batches: u32,
    now: Timestamp,
) -> PortResult<OrphanSweep> {
    ports.integrity.confirm(now).await?;
    let put_before = now.before(limits::BLOB_GRACE);
    let mut swept = OrphanSweep { next: after, ..OrphanSweep::default() };
    let mut orphans = Vec::new();
    for _ in 0..batches {
        let blobs = ports.images.list(swept.next, BATCH).await?;
        for blob in &blobs {
            swept.blobs += 1;
            if blob.put_at < put_before && claim(ports, &blob.id).await? == Claim::Orphan {
                orphans.push(blob.id);
            }
        }
        swept.next = blobs.last().map(|blob| blob.id).filter(|_| blobs.len() == BATCH as usize);
        if swept.next.is_none() || orphans.len() as u64 > limits::ORPHANS_MAX {
            break;
        }
    }
    swept.orphans = orphans.len() as u64;
    swept.stopped = are_too_many_orphans(swept.orphans, swept.blobs);
    if !swept.stopped {
        for orphan in &orphans {
            swept.quarantined += u64::from(ports.images.quarantine(orphan, put_before, now).await?);
        }
    }
    Ok(swept)
}

/// Whether so many of the blobs are orphans that the records are rather lost than the blobs of no use.
pub const fn are_too_many_orphans(orphans: u64, blobs: u64) -> bool {
    let most = blobs.saturating_mul(limits::ORPHANS_PERCENT_MAX) / 100;
    orphans > limits::ORPHANS_MAX || orphans > most && orphans > limits::ORPHANS_EXPECTED
}
