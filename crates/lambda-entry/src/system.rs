//! The machine's clock, its randomness and the environment: the one place of this crate that asks for them.

use std::time::{Duration, SystemTime};
use tintype_core::domain::{Clock, Entropy, Timestamp};

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

/// Fresh randomness for one call of a use case.
///
/// # Panics
/// If the operating system has none: then nothing this program makes could be kept secret.
#[expect(clippy::disallowed_methods, reason = "this is the entropy that everything else is handed")]
#[expect(clippy::expect_used, reason = "see Panics")]
pub fn entropy() -> Entropy {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    Entropy(bytes)
}

/// A random fraction in `0.0..1.0`, to spread attempts in time.
pub fn jitter() -> f64 {
    let Entropy([a, b, ..]) = entropy();
    f64::from(u16::from_be_bytes([a, b])) / f64::from(u16::MAX).next_up()
}

/// One variable of the environment; one that is no text counts as not set.
#[expect(clippy::disallowed_methods, reason = "this is the environment that everything else is handed")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_a_fraction() {
        assert!((0..100).map(|_| jitter()).all(|jitter| (0.0..1.0).contains(&jitter)));
    }
}
