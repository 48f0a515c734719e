//! A job's events as Server-Sent Events, taken up again where a connection broke off.

use super::{Client, views::Event};
use crate::failure::{Exit, Failure, Outcome};
use std::io::{BufRead, BufReader, Read};
use std::{thread, time::Duration};

/// How often in a row the stream may break off without a single event.
const BREAKS_MAX: u32 = 10;
/// The wait before taking it up again.
const PAUSE: Duration = Duration::from_millis(500);

impl Client {
    /// Hands every event of the job to `on_event`, up to and with the one that ends it.
    ///
    /// # Errors
    /// If the server stays away, or there is no such job.
    pub(crate) fn follow(&self, job: &str, mut on_event: impl FnMut(&Event)) -> Outcome {
        let mut last = 0;
        let mut breaks = 0;
        loop {
            let before = last;
            let failure = match self.stream(job, &mut last, &mut on_event) {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    Failure::new(Exit::NoServer, format!("{} keeps closing the event stream", self.base()))
                }
                Err(failure) if failure.exit == Exit::NoServer => failure,
                Err(failure) => return Err(failure),
            };
            breaks = if last > before { 0 } else { breaks + 1 };
            if breaks > BREAKS_MAX {
                return Err(failure.hint(format!("the job goes on; look for it with: tintype show {job}")));
            }
            thread::sleep(PAUSE);
        }
    }

    /// One connection; says whether the job has ended.
    fn stream(&self, job: &str, last: &mut u64, on_event: &mut impl FnMut(&Event)) -> Outcome<bool> {
        let path = format!("/jobs/{job}/events");
        let request =
            self.authorized(self.agent.get(self.url(&path)), &path).header("accept", "text/event-stream");
        let answer = self.check(request.header("last-event-id", last.to_string()).call())?;
        let mut ended = false;
        each_data(answer.into_body().into_reader(), |data| {
            let Ok(event) = serde_json::from_str::<Event>(data) else { return true };
            // What came before comes again after a break, and is dropped.
            if event.seq.is_some_and(|seq| seq <= *last) {
                return true;
            }
            *last = event.seq.unwrap_or(*last);
            ended = event.is_terminal();
            on_event(&event);
            !ended
        });
        Ok(ended)
    }
}

/// Calls `on_data` with the data of each event until it says stop or the stream ends, in whatever way.
fn each_data(stream: impl Read, mut on_data: impl FnMut(&str) -> bool) {
    let mut data = String::new();
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { return };
        if let Some(part) = line.strip_prefix("data:") {
            if !data.is_empty() {
                data.push('\n');
            }
            data.push_str(part.strip_prefix(' ').unwrap_or(part));
        } else if line.is_empty() && !data.is_empty() {
            if !on_data(&data) {
                return;
            }
            data.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_apart_by_empty_lines_and_comments_are_dropped() {
        let mut seen = Vec::new();
        let stream = ": hello\n\nid: 1\nevent: a\ndata: one\n\ndata: two\ndata: lines\n\ndata: cut off";
        each_data(stream.as_bytes(), |data| {
            seen.push(data.to_owned());
            true
        });
        assert_eq!(seen, ["one", "two\nlines"]);
    }
}
