//! How far a job or a long piece of work is, on one line of stderr that is drawn anew and wiped at the end. Only where a person looks.

use crate::client::{PATIENCE, views::Event};
use crate::terminal::{Style, Terminal};
use serde::Deserialize;
use std::time::{Duration, Instant};
use tintype_core::domain::Progress;

/// Characters across that the bar takes.
const ACROSS: usize = 24;
/// Steps before their pace is taken as a measure.
const STEPS_TO_JUDGE: u32 = 2;

/// The line that shows a job on its way.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    terminal: Terminal,
    first_step: Option<(Instant, u32)>,
    shown: bool,
}

impl ProgressLine {
    /// A line that shows nothing yet.
    pub(crate) fn new(terminal: &Terminal) -> Self {
        Self { terminal: terminal.clone(), first_step: None, shown: false }
    }

    /// Shows what waits, and for how long.
    pub(crate) fn waiting(&mut self, position: Option<u32>, eta_s: Option<u32>) {
        let place = match position {
            Some(position) if position > 1 => format!(", {} before it", position - 1),
            _ => String::new(),
        };
        let eta = eta_s.map(|seconds| format!(", about {seconds} s")).unwrap_or_default();
        self.show(&format!("waiting{place}{eta}"));
    }

    /// Shows what an event tells.
    pub(crate) fn event(&mut self, event: &Event) {
        match event.kind.as_str() {
            "job.queued" => self.queued(event),
            "job.running" => {
                self.first_step = None;
                self.show("drawing");
            }
            "job.progress" => {
                if let Ok(progress) = Progress::deserialize(&event.data) {
                    self.step(progress, Instant::now());
                }
            }
            _ => {}
        }
    }

    /// Says that the server is gone and waited for.
    pub(crate) fn lost(&mut self, server: &str) {
        self.wipe();
        let patience = in_words(PATIENCE);
        self.terminal.warn(&format!(
            "{server} does not answer any more; waiting up to {patience} for it to come back"
        ));
        self.show("waiting for the server");
    }

    /// Wipes the line, for something that stays.
    pub(crate) fn wipe(&mut self) {
        if self.shown {
            self.terminal.raw("\r\u{1b}[K");
            self.shown = false;
        }
    }

    fn queued(&mut self, event: &Event) {
        match event.data.pointer("/error/message").and_then(serde_json::Value::as_str) {
            Some(message) => {
                self.wipe();
                self.terminal.warn(&format!("an attempt failed: {message}; trying again"));
                self.show("waiting to try again");
            }
            // The place in line, if it is shown, says more.
            None if self.shown => {}
            None => self.show("waiting"),
        }
    }

    fn step(&mut self, progress: Progress, now: Instant) {
        let (since, first) = *self.first_step.get_or_insert((now, progress.step));
        let left = time_left(progress, first, now.duration_since(since));
        let Progress { step, steps, .. } = progress;
        let bar = bar(&self.terminal, u64::from(step), u64::from(steps));
        self.show(&format!("drawing {bar} step {step} of {steps}{left}"));
    }

    fn show(&mut self, text: &str) {
        if self.terminal.stderr_is_screen {
            self.terminal.raw(&format!("\r{text}\u{1b}[K"));
            self.shown = true;
        }
    }
}

fn bar(terminal: &Terminal, step: u64, steps: u64) -> String {
    let done = (ACROSS as u64).saturating_mul(step) / steps.max(1);
    let done = usize::try_from(done).unwrap_or(ACROSS).min(ACROSS);
    let ahead = terminal.paint(Style::Dim, &"\u{2500}".repeat(ACROSS - done));
    format!("{}{ahead}", terminal.paint(Style::Amber, &"\u{2501}".repeat(done)))
}

/// The line that shows how many of many files are done.
#[derive(Debug)]
pub(crate) struct CountLine {
    line: ProgressLine,
    verb: &'static str,
    total: Option<u64>,
    began: Instant,
    shown_at: Option<Instant>,
}

impl CountLine {
    /// How long a line stands at the least.
    const PACE: Duration = Duration::from_millis(50);

    /// A line for `total` files, if that is known, which says `verb`.
    pub(crate) fn new(terminal: &Terminal, verb: &'static str, total: Option<u64>) -> Self {
        Self { line: ProgressLine::new(terminal), verb, total, began: Instant::now(), shown_at: None }
    }

    /// Notes how many files there are, where that is learned on the way.
    pub(crate) const fn set_total(&mut self, total: u64) {
        self.total = Some(total);
    }

    /// Shows that so many files, and so many bytes of them, are done.
    pub(crate) fn at(&mut self, done: u64, bytes: u64) {
        let now = Instant::now();
        if self.shown_at.is_some_and(|at| now.duration_since(at) < Self::PACE) {
            return;
        }
        self.shown_at = Some(now);
        let megabytes = bytes / (1024 * 1024);
        let text = match self.total {
            Some(total) => {
                let bar = bar(&self.line.terminal, done, total);
                let left = self.left(done, total).map(|left| format!(", {} left", in_words(left)));
                format!("{} {bar} {done} of {total}, {megabytes} MB{}", self.verb, left.unwrap_or_default())
            }
            None => format!("{} {done}, {megabytes} MB", self.verb),
        };
        self.line.show(&text);
    }

    /// Wipes the line, for something that stays.
    pub(crate) fn wipe(&mut self) {
        self.line.wipe();
        self.shown_at = None;
    }

    fn left(&self, done: u64, total: u64) -> Option<Duration> {
        let left =
            self.began.elapsed().as_secs_f64() / done.max(1) as f64 * total.saturating_sub(done) as f64;
        (left >= 1.0).then(|| Duration::from_secs_f64(left))
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.wipe();
    }
}

fn time_left(progress: Progress, first: u32, taken: Duration) -> String {
    let done = progress.step.saturating_sub(first);
    if done < STEPS_TO_JUDGE {
        return String::new();
    }
    let left =
        taken.as_secs_f64() / f64::from(done) * f64::from(progress.steps.saturating_sub(progress.step));
    if left < 1.0 { String::new() } else { format!(", {} left", in_words(Duration::from_secs_f64(left))) }
}

/// A duration as a person says it.
pub(crate) fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{:.1} s", duration.as_secs_f64()),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_the_pace_so_far() {
        let progress = Progress { image: 0, step: 11, steps: 31 };
        assert_eq!(time_left(progress, 1, Duration::from_secs(20)), ", 40 s left");
    }

    #[test]
    fn one_step_is_no_pace() {
        let progress = Progress { image: 0, step: 2, steps: 31 };
        assert_eq!(time_left(progress, 1, Duration::from_secs(20)), "");
    }

    #[test]
    fn a_duration_is_said_in_its_two_largest_units() {
        assert_eq!(in_words(Duration::from_millis(850)), "0.8 s");
        assert_eq!(in_words(Duration::from_secs(75)), "1 min 15 s");
        assert_eq!(in_words(Duration::from_secs(3_700)), "1 h 1 min");
    }
}
