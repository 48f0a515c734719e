//! How often a lost race is run again, and the pauses between.

use std::time::Duration;
use tintype_core::{ErrorKind, PortError};

/// How often a write is tried when other writers come first. Two writers of one job are rare, three an exception.
pub(crate) const TRIES: u32 = 40;
/// The longest pause; the first is two milliseconds at the most, and each further one may be twice as long.
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// Waits before try `tries + 1`, for a time left to chance, so that those who met don't meet again.
pub(crate) async fn pause(tries: u32) {
    let longest = Duration::from_millis(2).saturating_mul(1 << tries.min(16)).min(PAUSE_MAX);
    tokio::time::sleep(longest.mul_f64(fastrand::f64())).await;
}

/// The error of a caller that lost every race.
pub(crate) fn contended(operation: &'static str) -> PortError {
    PortError::new(ErrorKind::Unavailable, operation, "others change this all the time; try again")
}
