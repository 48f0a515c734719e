//! Looking at what was saved and reading its prompt, a little later, for as long as the server runs: so that what looks alike
//! or means the like is found.

use std::time::Duration;
use tintype_core::PortResult;
use tintype_core::domain::Clock;
use tintype_core::ports::Ports;
use tintype_core::use_cases::{Alike, Meaning, embed_prompts_waiting, embed_waiting};
use tintype_local::SystemClock;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The time from one look at the line to the next, when nothing waits.
const EVERY: Duration = Duration::from_secs(1);
/// After a failure.
const LATER: Duration = Duration::from_secs(60);
/// How many images are looked at, and prompts read, in one go.
const AT_ONCE: u32 = 32;

/// Looks until `shutdown`, at those first that were saved while no server looked. What fails is logged, and tried again.
pub(crate) async fn run(ports: Ports, alike: Alike, meaning: Meaning, shutdown: CancellationToken) {
    let looking = async {
        loop {
            let pause = match look_and_read(&ports, &alike, &meaning).await {
                Ok(true) => Duration::ZERO,
                Ok(false) => EVERY,
                Err(error) => {
                    tracing::warn!(%error, "saved pictures could not be looked at, or their prompts not read");
                    LATER
                }
            };
            sleep(pause).await;
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = looking => {}
    }
}

/// Whether more may wait.
async fn look_and_read(ports: &Ports, alike: &Alike, meaning: &Meaning) -> PortResult<bool> {
    let looked_at = embed_waiting(ports, alike, AT_ONCE, SystemClock.now()).await?;
    let read = embed_prompts_waiting(ports, meaning, AT_ONCE, SystemClock.now()).await?;
    Ok(looked_at == AT_ONCE || read == AT_ONCE)
}
