//! `sweep`: every minute, what was left behind is started, what waits too long is ended, what has expired is removed.

use crate::{failure::Outcome, metrics::Metrics};
use tintype_core::{
    PortResult,
    domain::{BlobId, Entropy, Timestamp},
    ports::Ports,
    use_cases::{Swept, sweep, sweep_orphans},
};

/// How many batches of blobs are looked at in one sweep.
const ORPHAN_BATCHES: u32 = 3;

/// Sweeps once.
///
/// # Errors
/// The first one, after everything was tried; what was done stays done, and the next sweep goes on from there.
pub async fn handle(ports: &Ports, metrics: &Metrics, now: Timestamp, entropy: &Entropy) -> Outcome<Swept> {
    let (swept, outcome) = sweep(ports, now).await;
    let oldest = swept.waiting_since.map_or(0.0, |since| now.since(since).as_secs_f64());
    metrics.note(&[("OldestJobSeconds", "Seconds", oldest)], None, now);
    let Swept { expired, started, jobs, images, blobs, waiting_since: _ } = swept;
    tracing::info!(expired, started, jobs, images, blobs, oldest, "swept");
    let orphans = orphans(ports, now, entropy).await;
    outcome?;
    tracing::info!(orphans = orphans?, "swept orphans");
    Ok(swept)
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
