//! The machine's clock and the environment: the one place of this crate that asks for them.

use std::time::{Duration, SystemTime};
use tintype_core::domain::{Clock, Timestamp};

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is handed")]
    fn now(&self) -> Timestamp {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Timestamp::from_millis(0).after(since_1970)
    }
}

/// One variable of the environment; one that is no text counts as not set.
#[expect(clippy::disallowed_methods, reason = "this is the environment that everything else is handed")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
