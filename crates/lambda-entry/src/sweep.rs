//! `sweep`: every minute, what was left behind is started, what waits too long is ended, what has expired is removed.

use crate::{failure::Outcome, logging::chain, metrics::Metrics};
use std::time::Duration;
use tintype_aws::Executions;
use tintype_core::{
    PortResult,
    domain::{BlobId, Entropy, Job, Timestamp},
    ports::Ports,
    use_cases::{Swept, sweep, sweep_orphans},
};

/// How long a job is left to its execution before that is looked at: the longest pause between two attempts, twice.
const EXECUTION_GRACE: Duration = Duration::from_secs(240);
/// How many waiting jobs are looked at in one sweep.
const WAITING: u32 = 200;
/// How many batches of blobs are looked at in one sweep.
const ORPHAN_BATCHES: u32 = 3;

/// Sweeps once. `executions` is missing where the workflow keeps none (Express).
///
/// # Errors
/// The first one; what was done stays done, and the next sweep goes on from there.
pub async fn handle(
    ports: &Ports,
    executions: Option<&Executions>,
    metrics: &Metrics,
    now: Timestamp,
    entropy: &Entropy,
) -> Outcome<Swept> {
    let waiting = ports.jobs.waiting(now, None, WAITING).await?;
    metrics.note(&[("OldestJobSeconds", "Seconds", oldest_seconds(&waiting, now))], None, now);
    let revived = match executions {
        Some(executions) => revive(executions, &waiting, now).await,
        None => 0,
    };
    let swept = sweep(ports, now).await?;
    let orphans = orphans(ports, now, entropy).await?;
    let Swept { expired, started, jobs, images, blobs } = swept;
    tracing::info!(waiting = waiting.len(), revived, expired, started, jobs, images, blobs, orphans, "swept");
    Ok(swept)
}

/// Jobs come in order of their ids, which is that of their age.
fn oldest_seconds(waiting: &[Job], now: Timestamp) -> f64 {
    waiting.first().map_or(0.0, |job| now.since(job.created_at).as_secs_f64())
}

/// Whether a job's execution should have begun it by now.
fn is_left_behind(job: &Job, now: Timestamp) -> bool {
    now.since(job.not_before.max(job.created_at)) >= EXECUTION_GRACE
}

async fn revive(executions: &Executions, waiting: &[Job], now: Timestamp) -> u32 {
    let mut revived = 0;
    for job in waiting.iter().filter(|job| is_left_behind(job, now)) {
        // One that can't be revived now must not hold up the rest of the sweep; the next one meets it again.
        match executions.revive(&job.id).await {
            Ok(started) => revived += u32::from(started),
            Err(error) => tracing::error!(job_id = %job.id, cause = chain(&error), "a job was not revived"),
        }
    }
    revived
}

/// From a place drawn at random, because nothing remembers where the last sweep ended: in time every blob has its turn.
async fn orphans(ports: &Ports, now: Timestamp, entropy: &Entropy) -> PortResult<u32> {
    let (mut after, mut removed) = (Some(BlobId::of(&entropy.0)), 0);
    for _ in 0..ORPHAN_BATCHES {
        let (next, batch) = sweep_orphans(ports, after, now).await?;
        removed += batch;
        after = next;
    }
    Ok(removed)
}
