//! The sweep, once a minute for as long as the server runs.

use std::time::Duration;
use tintype_core::domain::{BlobId, Clock};
use tintype_core::ports::Ports;
use tintype_core::use_cases::{Swept, sweep, sweep_orphans};
use tintype_http::Metrics;
use tintype_local::SystemClock;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

/// The time from one sweep to the next.
const EVERY: Duration = Duration::from_secs(60);
/// The first sweep leaves the start alone.
const FIRST: Duration = Duration::from_secs(5);

/// Sweeps until `shutdown`. What fails is logged, and done by a later sweep.
pub(crate) async fn run(ports: Ports, metrics: Metrics, shutdown: CancellationToken) {
    let mut ticks = interval_at(Instant::now() + FIRST, EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut orphans_after = None;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        once(&ports, &metrics).await;
        orphans_after = orphans(&ports, &metrics, orphans_after).await;
    }
}

async fn once(ports: &Ports, metrics: &Metrics) {
    let (swept, outcome) = sweep(ports, SystemClock.now()).await;
    let Swept { expired, started, jobs, images, blobs, waiting_since: _ } = swept;
    if (Swept { waiting_since: None, ..swept }) == Swept::default() {
        tracing::debug!("swept: nothing to do");
    } else {
        tracing::info!(expired, started, jobs, images, blobs, "swept");
    }
    if let Err(error) = outcome {
        metrics.background_failed("sweep");
        tracing::error!(%error, source = cause(&error), "a part of the sweep failed");
    }
}

/// One batch of orphans; the next sweep goes on where it ended.
async fn orphans(ports: &Ports, metrics: &Metrics, after: Option<BlobId>) -> Option<BlobId> {
    match sweep_orphans(ports, after, SystemClock.now()).await {
        Ok((next, removed)) => {
            if removed > 0 {
                tracing::info!(removed, "removed pictures that nothing refers to");
            }
            next
        }
        Err(error) => {
            metrics.background_failed("sweep_orphans");
            tracing::error!(%error, source = cause(&error), "the sweep of orphans stopped early");
            after
        }
    }
}

/// What lies behind an error, which the error itself does not say.
pub(crate) fn cause(error: &tintype_core::PortError) -> Option<String> {
    std::error::Error::source(error).map(ToString::to_string)
}
