//! Looking at what was saved and reading its prompt, a little later, for as long as the server runs: so that what looks alike
//! or means the like is found.

use crate::sweeper::cause;
use std::time::Duration;
use tintype_core::PortResult;
use tintype_core::domain::Clock;
use tintype_core::ports::Ports;
use tintype_core::use_cases::{Alike, GivenUp, Meaning, Passed, embed_prompts_waiting, embed_waiting};
use tintype_http::Metrics;
use tintype_local::{DiskSpace, SystemClock};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The time from one look at the line to the next, when nothing waits.
const EVERY: Duration = Duration::from_secs(1);
/// After a failure, when nothing else waits.
const LATER: Duration = Duration::from_secs(60);
/// How many images are looked at, or prompts read, from one failure that is logged to the next.
const AT_ONCE: u32 = 256;

/// Looks until `shutdown`, at those first that were saved while no server looked. What fails is logged, and tried again;
/// pictures that can't be looked at keep no prompt from being read.
pub(crate) async fn run(
    ports: Ports,
    alike: Alike,
    meaning: Meaning,
    metrics: Metrics,
    space: DiskSpace,
    shutdown: CancellationToken,
) {
    let failed = |task| metrics.background_failed(task);
    let looking = again(
        "a saved picture could not be looked at",
        &space,
        || failed("embed_images"),
        || embed_waiting(&ports, &alike, AT_ONCE, SystemClock.now()),
    );
    let reading = again(
        "a saved picture's prompt could not be read",
        &space,
        || failed("embed_prompts"),
        || embed_prompts_waiting(&ports, &meaning, AT_ONCE, SystemClock.now()),
    );
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = looking => {}
        () = reading => {}
    }
    // What is cut off here did not bring the process down.
    for vectors in [&alike.vectors, &meaning.vectors] {
        if let Err(error) = vectors.take_all_back().await {
            tracing::warn!(%error, source = cause(&error), "an attempt that was cut off counts");
        }
    }
}

/// Passes again and again over what waits.
async fn again<P>(failure: &str, space: &DiskSpace, failed: impl Fn(), pass: impl Fn() -> P)
where
    P: Future<Output = Passed>,
{
    loop {
        // Vectors can wait: there is no space for them.
        while space.is_read_only() {
            sleep(EVERY).await;
        }
        let Passed { images, given_up, outcome } = pass().await;
        for GivenUp { image, reason, .. } in &given_up {
            failed();
            tracing::error!(%image, reason, "{failure}; it is given up");
        }
        if let Err(error) = &outcome {
            failed();
            tracing::warn!(%error, source = cause(error), "{failure}");
        }
        sleep(pause(images, &outcome)).await;
    }
}

/// The time to the next pass: what failed does not hold up what did not.
const fn pause(gone_through: u32, outcome: &PortResult<()>) -> Duration {
    match outcome {
        _ if gone_through == AT_ONCE => Duration::ZERO,
        Ok(()) => EVERY,
        Err(_) => LATER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_core::{ErrorKind, PortError};

    #[test]
    fn a_failure_waits_a_minute_but_keeps_nothing_waiting_behind_it() {
        let failed = Err(PortError::new(ErrorKind::Unavailable, "ImageStore::get", "told to fail"));
        assert_eq!((pause(0, &Ok(())), pause(0, &failed)), (EVERY, LATER));
        assert_eq!((pause(AT_ONCE, &Ok(())), pause(AT_ONCE, &failed)), (Duration::ZERO, Duration::ZERO));
    }
}
