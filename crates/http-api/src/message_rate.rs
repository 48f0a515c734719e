//! How many messages a client may send on one WebSocket: a burst, and then a steady rate.

use tintype_core::domain::limits::{SOCKET_MESSAGES_BURST, SOCKET_MESSAGES_PER_S};
use tokio::time::Instant;

/// What a client is told whose WebSocket is closed for its messages.
pub(crate) const TOO_MANY: &str = "too many messages at once; connect again and send them more slowly";

/// A token bucket: it holds [`SOCKET_MESSAGES_BURST`] messages and fills at [`SOCKET_MESSAGES_PER_S`].
#[derive(Debug)]
pub(crate) struct MessageRate {
    /// How many messages may come at once.
    left: f64,
    /// When that was so.
    at: Instant,
}

impl MessageRate {
    /// A full bucket.
    pub(crate) fn new(now: Instant) -> Self {
        Self { left: f64::from(SOCKET_MESSAGES_BURST), at: now }
    }

    /// Whether a message may come now; it is counted.
    pub(crate) fn admits(&mut self, now: Instant) -> bool {
        let filled = now.duration_since(self.at).as_secs_f64() * f64::from(SOCKET_MESSAGES_PER_S);
        self.left = (self.left + filled).min(f64::from(SOCKET_MESSAGES_BURST));
        self.at = now;
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn admitted(rate: &mut MessageRate, now: Instant) -> u32 {
        (0..2 * SOCKET_MESSAGES_BURST).map(|_| u32::from(rate.admits(now))).sum()
    }

    #[test]
    fn a_burst_is_taken_and_then_the_steady_rate() {
        let start = Instant::now();
        let mut rate = MessageRate::new(start);
        assert_eq!(admitted(&mut rate, start), SOCKET_MESSAGES_BURST);
        assert_eq!(admitted(&mut rate, start + Duration::from_secs(1)), SOCKET_MESSAGES_PER_S);
        let later = start + Duration::from_secs(3_600);
        assert_eq!(admitted(&mut rate, later), SOCKET_MESSAGES_BURST);
    }

    #[test]
    fn a_client_may_subscribe_to_the_most_jobs_and_leave_them_at_once() {
        let most = u32::try_from(tintype_core::domain::limits::SUBSCRIPTIONS_MAX).unwrap();
        assert!(SOCKET_MESSAGES_BURST >= 2 * most);
    }
}
