//! The upkeep of a running server: the sweep once a minute, orphans once an hour, a database snapshot once a day.

use crate::compose::Upkeep;
use std::time::Duration;
use tintype_core::domain::{Clock, limits};
use tintype_core::ports::Ports;
use tintype_core::use_cases::{OrphanSweep, Swept, sweep, sweep_orphans};
use tintype_http::Metrics;
use tintype_local::{SnapshotError, bring_back_blobs, check_database, take_snapshot_if_due};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// The time from one sweep to the next.
const EVERY: Duration = Duration::from_secs(60);
/// The first sweep leaves the start alone.
const FIRST: Duration = Duration::from_secs(5);
/// The time from a snapshot that was not taken to the next attempt: each copies and checks the whole database.
const SNAPSHOT_AGAIN: Duration = Duration::from_secs(3_600);
/// One sweep of this many also looks for orphans, the first one among them.
const ORPHANS_EVERY: u64 = 60;

/// Sweeps for as long as it is polled. What fails is logged, and done by a later sweep.
pub(crate) async fn run(ports: Ports, upkeep: Upkeep, metrics: Metrics) {
    let mut ticks = interval_at(Instant::now() + FIRST, EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0_u64.. {
        ticks.tick().await;
        once(&ports, &upkeep, &metrics).await;
        if number.is_multiple_of(ORPHANS_EVERY) {
            orphans(&ports, &upkeep, &metrics).await;
        }
    }
}

/// Checks the whole database once, and takes a snapshot of it every day, for as long as it is polled.
pub(crate) async fn keep_snapshots(upkeep: Upkeep, metrics: Metrics) {
    let database = upkeep.database.clone();
    let brought_back = tokio::task::spawn_blocking(move || bring_back_blobs(&database)).await;
    match brought_back {
        Ok(Ok(0)) | Err(_) => {}
        Ok(Ok(blobs)) => tracing::warn!(blobs, "brought blobs back from quarantine that records refer to"),
        Ok(Err(error)) => {
            tracing::error!(%error, source = source(&error), "the quarantine could not be compared with the records");
        }
    }
    let database = upkeep.database.clone();
    let checked = tokio::task::spawn_blocking(move || check_database(&database)).await;
    if let Ok(Err(error)) = checked {
        tracing::error!(%error, source = source(&error), "the database could not be checked");
    }
    let mut ticks = interval_at(Instant::now(), EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (database, now) = (upkeep.database.clone(), upkeep.clock.now());
        let taken = tokio::task::spawn_blocking(move || take_snapshot_if_due(&database, now)).await;
        match taken {
            Ok(Ok(true)) => tracing::info!("took the daily snapshot of the database"),
            Ok(Ok(false)) | Err(_) => {}
            Ok(Err(error)) => {
                metrics.background_failed("snapshot");
                ticks.reset_after(SNAPSHOT_AGAIN);
                tracing::error!(%error, source = source(&error), "the daily snapshot was not taken");
            }
        }
    }
}

fn source(error: &SnapshotError) -> Option<String> {
    std::error::Error::source(error).map(ToString::to_string)
}

async fn once(ports: &Ports, upkeep: &Upkeep, metrics: &Metrics) {
    renew_mark(upkeep).await;
    let (swept, outcome) = sweep(ports, upkeep.clock.now()).await;
    let Swept { expired, started, jobs, images, blobs, quarantined, waiting_since: _ } = swept;
    if (Swept { waiting_since: None, ..swept }) == Swept::default() {
        tracing::debug!("swept: nothing to do");
    } else {
        tracing::info!(expired, started, jobs, images, blobs, quarantined, "swept");
    }
    if let Err(error) = outcome {
        metrics.background_failed("sweep");
        tracing::error!(%error, source = cause(&error), "a part of the sweep failed");
    }
}

/// Copies the commit counter beside the blobs, if there were commits since the last time.
pub(crate) async fn renew_mark(upkeep: &Upkeep) {
    if let Err(error) = upkeep.integrity.renew_mark().await {
        tracing::error!(%error, source = cause(&error), "the mark of the library beside the blobs was not renewed");
    }
}

/// Looks at every blob.
async fn orphans(ports: &Ports, upkeep: &Upkeep, metrics: &Metrics) {
    match sweep_orphans(ports, None, u32::MAX, upkeep.clock.now()).await {
        Ok(OrphanSweep { blobs, orphans, stopped: true, .. }) => {
            metrics.background_failed("sweep_orphans_stopped");
            tracing::error!(
                blobs,
                orphans,
                "too many blobs have no record, so none was moved: see `tintype check`; `tintype recover` brings their \
                 images back, `tintype check --repair` moves them into quarantine"
            );
        }
        Ok(OrphanSweep { quarantined, .. }) if quarantined > 0 => {
            let days = limits::QUARANTINE_RETENTION.as_secs() / 86_400;
            tracing::warn!(
                quarantined,
                days,
                "moved blobs without a record into quarantine, for that many days"
            );
        }
        Ok(_) => {}
        Err(error) => {
            metrics.background_failed("sweep_orphans");
            tracing::error!(%error, source = cause(&error), "the sweep of orphans stopped early");
        }
    }
}

/// What lies behind an error, which the error itself does not say.
pub(crate) fn cause(error: &tintype_core::PortError) -> Option<String> {
    std::error::Error::source(error).map(ToString::to_string)
}
