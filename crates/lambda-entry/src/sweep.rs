//! `sweep`: every minute, what was left behind is started, what waits too long is ended, what has expired is removed.

use crate::{failure::Outcome, metrics::Metrics};
use tintype_core::{
    domain::{BlobId, Entropy, Timestamp},
    ports::Ports,
    use_cases::{OrphanSweep, Swept, sweep, sweep_orphans},
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
    let Swept { expired, started, jobs, images, blobs, quarantined: _, waiting_since: _ } = swept;
    tracing::info!(expired, started, jobs, images, blobs, oldest, "swept");
    // From a place drawn at random, because nothing remembers where the last sweep ended: in time every blob has its turn.
    let after = Some(BlobId::of(&entropy.0));
    let orphans = sweep_orphans(ports, after, ORPHAN_BATCHES, now).await;
    outcome?;
    let OrphanSweep { blobs, orphans, quarantined, stopped, .. } = orphans?;
    if stopped {
        metrics.note(&[("OrphanSweepsStopped", "Count", 1.0)], None, now);
        tracing::error!(
            blobs,
            orphans,
            "too many objects have no record, so none was moved: a table may have been emptied or restored; see \
             docs/deploy-aws.md"
        );
    } else {
        tracing::info!(blobs, quarantined, "swept orphans");
    }
    Ok(swept)
}
