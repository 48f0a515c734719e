//! How often a lost race is run again, and the pauses between.

use super::Item;
use std::time::Duration;
use tintype_core::{ErrorKind, PortError, PortResult};
use tokio::time::{Instant, sleep};

/// How often a write is tried when other writers come first. Two writers of one job are rare, three an exception.
pub(crate) const TRIES: u32 = 40;
/// The longest pause; the first is two milliseconds at the most, and each further one may be twice as long.
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// How long a change of one image or collection is repeated while other writers come first.
const CHANGE_TIME: Duration = Duration::from_secs(10);
/// The longest pause between two of its tries; the first is five milliseconds at the most.
const CHANGE_PAUSE_MAX: Duration = Duration::from_millis(400);
/// The attribute by which a change knows its own write.
const STAMP: &str = "stamp";

/// Waits before try `tries + 1`, for a time left to chance, so that those who met don't meet again.
pub(crate) async fn pause(tries: u32) {
    let longest = Duration::from_millis(2).saturating_mul(1 << tries.min(16)).min(PAUSE_MAX);
    sleep(longest.mul_f64(fastrand::f64())).await;
}

/// The error of a caller that lost every race.
pub(crate) fn contended(operation: &'static str) -> PortError {
    PortError::new(ErrorKind::Unavailable, operation, "others change this all the time; try again")
}

/// One change of one record, which is read, changed and written on condition that it is as it was read, and again after
/// a conflict: for a limited time, with pauses that grow and are left to chance.
#[derive(Debug)]
pub(crate) struct Change {
    operation: &'static str,
    /// What the record is, for a person.
    record: &'static str,
    began: Instant,
    conflicts: u32,
    stamp: String,
}

impl Change {
    pub(crate) fn new(operation: &'static str, record: &'static str) -> Self {
        let stamp = format!("{:08x}", fastrand::u32(..));
        Self { operation, record, began: Instant::now(), conflicts: 0, stamp }
    }

    /// The item as this change writes it.
    pub(crate) fn stamped(&self, item: Item) -> Item {
        item.with_text(STAMP, &self.stamp)
    }

    /// Whether this change wrote `item`: then the answer to that write was lost.
    pub(crate) fn wrote(&self, item: &Item) -> bool {
        self.conflicts > 0 && item.optional_text(STAMP) == Some(&self.stamp)
    }

    /// Waits after a conflict, until the next try.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) once the time is over.
    pub(crate) async fn conflicted(&mut self) -> PortResult<()> {
        if self.began.elapsed() >= CHANGE_TIME {
            let message = format!("too many concurrent updates of this {}; retry", self.record);
            return Err(PortError::new(ErrorKind::Conflict, self.operation, message));
        }
        let longest = Duration::from_millis(5).saturating_mul(1 << self.conflicts.min(16));
        self.conflicts += 1;
        sleep(longest.min(CHANGE_PAUSE_MAX).mul_f64(fastrand::f64())).await;
        Ok(())
    }
}
