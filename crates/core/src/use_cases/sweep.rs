//! Tidying up: what waits too long is ended, what a crash left behind is started, what has expired is removed.

use super::{deliver, release_blob::release_blob};
use crate::domain::{BlobId, Job, Timestamp, limits};
use crate::error::PortResult;
use crate::ports::Ports;
use std::time::Duration;

/// How long an accepted job is left alone before it is started again.
const START_GRACE: Duration = Duration::from_secs(60);
/// How many records one read or removal takes.
const BATCH: u32 = 200;
/// How many batches one sweep does at the most; the next one goes on.
const BATCHES_MAX: u32 = 50;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Waiting jobs that were ended because their deadline had passed.
    pub expired: u32,
    /// Waiting jobs that were started again.
    pub started: u32,
    /// Ended jobs that were removed.
    pub jobs: u32,
    /// Trashed images that were removed.
    pub images: u32,
    /// Blobs that were removed.
    pub blobs: u32,
}

/// Sweeps once. Run it every minute or so; two at a time do no harm.
///
/// # Errors
/// The first one; what was done stays done, and the next sweep goes on from there.
pub async fn sweep(ports: &Ports, now: Timestamp) -> PortResult<Swept> {
    let mut swept = Swept::default();
    sweep_waiting(ports, now, &mut swept).await?;
    sweep_jobs(ports, now, &mut swept).await?;
    sweep_trash(ports, now, &mut swept).await?;
    Ok(swept)
}

async fn sweep_waiting(ports: &Ports, now: Timestamp, swept: &mut Swept) -> PortResult<()> {
    let mut after = None;
    for _ in 0..BATCHES_MAX {
        let jobs = ports.jobs.waiting(now, after, BATCH).await?;
        for job in &jobs {
            if job.is_overdue(now) {
                expire(ports, job, now, swept).await?;
            } else if job.attempts == 0 && now.since(job.created_at) >= START_GRACE {
                ports.workflow.start(job).await?;
                swept.started += 1;
            }
        }
        match jobs.last() {
            Some(last) if jobs.len() == BATCH as usize => after = Some(last.id),
            _ => break,
        }
    }
    Ok(())
}

async fn expire(ports: &Ports, job: &Job, now: Timestamp, swept: &mut Swept) -> PortResult<()> {
    if ports.jobs.expire(&job.id, now).await?.is_some() {
        swept.expired += 1;
        // Those who can't be told now find it in the log.
        drop(deliver(ports, &job.id, now).await);
    }
    Ok(())
}

async fn sweep_jobs(ports: &Ports, now: Timestamp, swept: &mut Swept) -> PortResult<()> {
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
