//! The machine's clock: the one place of this crate that reads it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};
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

/// A jump of the machine's clock by more than this is not believed at once.
const JUMP: Duration = Duration::from_secs(24 * 3_600);
/// How long the machine's clock must stand by a jump, in monotonic time, before it is believed.
const CONFIRMED_AFTER: Duration = Duration::from_secs(10 * 60);

/// The machine's clock, which no jump by more than a day moves before ten minutes have confirmed it.
///
/// Small corrections count at once. After a larger jump the time goes on from where it was, by the monotonic clock; if the
/// machine's clock still differs in the same way ten minutes later, it is right and its time is taken. So a clock that is
/// wrong for a moment expires no job, empties no trash and dates no image.
#[derive(Clone)]
pub struct SteadyClock {
    wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    monotonic: Arc<dyn Fn() -> Duration + Send + Sync>,
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    /// A time that was believed, and when that was.
    believed: (Timestamp, Duration),
    /// Since when the machine's clock differs, and the time that it showed then.
    jumped: Option<(Timestamp, Duration)>,
}

impl fmt::Debug for SteadyClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SteadyClock")
    }
}

impl Default for SteadyClock {
    fn default() -> Self {
        let started = Instant::now();
        Self::new(|| SystemClock.now(), move || started.elapsed())
    }
}

impl SteadyClock {
    /// A clock over these two: the time of day, which may jump, and a time that only passes.
    pub fn new(
        wall: impl Fn() -> Timestamp + Send + Sync + 'static,
        monotonic: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Self {
        let state = State { believed: (wall(), monotonic()), jumped: None };
        Self { wall: Arc::new(wall), monotonic: Arc::new(monotonic), state: Arc::new(Mutex::new(state)) }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (wall, monotonic) = ((self.wall)(), (self.monotonic)());
        let (believed, at) = state.believed;
        let steady = believed.after(monotonic.saturating_sub(at));
        if differs(wall, steady) {
            let (first, since) = *state.jumped.get_or_insert_with(|| {
                tracing::error!(
                    %wall, %steady,
                    "the machine's clock jumped by more than a day; the time goes on from before, for ten minutes at least"
                );
                (wall, monotonic)
            });
            let passed = monotonic.saturating_sub(since);
            if differs(wall, first.after(passed)) {
                // It jumped again: the ten minutes start anew.
                state.jumped = Some((wall, monotonic));
                return steady;
            }
            if passed < CONFIRMED_AFTER {
                return steady;
            }
            tracing::warn!(%wall, "the machine's clock has stood by its jump for ten minutes; its time is taken");
        }
        *state = State { believed: (wall, monotonic), jumped: None };
        wall
    }
}

fn differs(a: Timestamp, b: Timestamp) -> bool {
    a.since(b).max(b.since(a)) > JUMP
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

    const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    /// A steady clock, the offset of the machine's clock and the monotonic time, both in milliseconds.
    fn clock() -> (SteadyClock, Arc<AtomicI64>, Arc<AtomicI64>) {
        let (offset, passed) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
        let (wall_offset, wall_passed, mono) = (offset.clone(), passed.clone(), passed.clone());
        let wall = move || {
            Timestamp::from_millis(START.as_millis() + wall_offset.load(SeqCst) + wall_passed.load(SeqCst))
        };
        let monotonic = move || Duration::from_millis(mono.load(SeqCst).try_into().unwrap());
        (SteadyClock::new(wall, monotonic), offset, passed)
    }

    const MINUTE: i64 = 60_000;
    const DAY: i64 = 24 * 60 * MINUTE;

    fn millis_since_start(clock: &SteadyClock) -> i64 {
        clock.now().as_millis() - START.as_millis()
    }

    #[test]
    fn small_corrections_count_at_once() {
        let (clock, offset, passed) = clock();
        passed.store(MINUTE, SeqCst);
        offset.store(-30_000, SeqCst);
        assert_eq!(millis_since_start(&clock), 30_000);
        offset.store(DAY / 2, SeqCst);
        assert_eq!(millis_since_start(&clock), MINUTE + DAY / 2);
    }

    #[test]
    fn a_jump_for_a_moment_moves_nothing() {
        for jump in [32 * DAY, -32 * DAY] {
            let (clock, offset, passed) = clock();
            offset.store(jump, SeqCst);
            for minute in 1..5 {
                passed.store(minute * MINUTE, SeqCst);
                assert_eq!(millis_since_start(&clock), minute * MINUTE);
            }
            offset.store(0, SeqCst);
            passed.store(6 * MINUTE, SeqCst);
            assert_eq!(millis_since_start(&clock), 6 * MINUTE);
        }
    }

    #[test]
    fn a_jump_that_lasts_ten_minutes_is_believed() {
        let (clock, offset, passed) = clock();
        offset.store(32 * DAY, SeqCst);
        assert_eq!(millis_since_start(&clock), 0);
        passed.store(9 * MINUTE, SeqCst);
        assert_eq!(millis_since_start(&clock), 9 * MINUTE);
        passed.store(10 * MINUTE, SeqCst);
        assert_eq!(millis_since_start(&clock), 10 * MINUTE + 32 * DAY);
    }

    #[test]
    fn a_clock_that_keeps_jumping_is_not_believed() {
        let (clock, offset, passed) = clock();
        for minute in 1..60 {
            offset.store((32 + 2 * minute) * DAY, SeqCst);
            passed.store(minute * MINUTE, SeqCst);
            assert_eq!(millis_since_start(&clock), minute * MINUTE);
        }
    }
}
