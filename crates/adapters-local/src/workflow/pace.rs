//! How fast jobs are done: for the guess when a waiting one will be.

use std::time::Duration;

/// How much the newest job counts in the average.
const WEIGHT: f64 = 0.2;

/// A moving average of how long recent jobs took.
#[derive(Debug, Default)]
pub(super) struct Pace {
    seconds: Option<f64>,
}

impl Pace {
    /// Notes that a job took this long.
    pub(super) fn note(&mut self, took: Duration) {
        let took = took.as_secs_f64();
        self.seconds = Some(self.seconds.map_or(took, |average| average + WEIGHT * (took - average)));
    }

    /// Seconds until the job at `position` is likely to be done, with so many at a time; `None` if nothing is known
    /// yet, or nobody works.
    pub(super) fn eta_s(&self, position: u32, workers: usize) -> Option<u32> {
        let workers = u32::try_from(workers).ok().filter(|workers| *workers > 0)?;
        let rounds = position.div_ceil(workers);
        // `as` stops at the largest number.
        self.seconds.map(|seconds| (seconds * f64::from(rounds)).ceil() as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guess_grows_with_the_position_and_shrinks_with_the_workers() {
        let mut pace = Pace::default();
        assert_eq!(pace.eta_s(1, 1), None);
        pace.note(Duration::from_secs(3));
        assert_eq!(pace.eta_s(1, 1), Some(3));
        assert_eq!(pace.eta_s(4, 2), Some(6));
        assert_eq!(pace.eta_s(1, 0), None);
    }

    #[test]
    fn recent_jobs_move_the_average() {
        let mut pace = Pace::default();
        pace.note(Duration::from_secs(10));
        pace.note(Duration::from_secs(20));
        assert_eq!(pace.eta_s(1, 1), Some(12));
    }
}
