//! Looking at the room on the disk, once a second for as long as the server runs: so that a full disk is noticed before
//! somebody writes, and room that was made is used without a hand.

use std::time::Duration;
use tintype_local::DiskSpace;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// The time from one look to the next.
const EVERY: Duration = Duration::from_secs(1);

/// Looks until `shutdown`.
pub(crate) async fn run(space: DiskSpace, shutdown: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let space = space.clone();
        if let Err(error) = spawn_blocking(move || space.check()).await {
            tracing::error!(%error, "a look at the room on the disk ended in a panic");
        }
    }
}
