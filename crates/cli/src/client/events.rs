//! A job's events as Server-Sent Events, taken up again where a connection broke off. A server that pushes none here, as on
//! AWS, is asked for the job until it has ended.

use super::{
    Client, problem,
    views::{self, Event},
};
use crate::failure::{Exit, Failure, Outcome};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::{
    thread,
    time::{Duration, Instant},
};
use ureq::http::StatusCode;

/// How long a server may stay away: one that ends lets its jobs finish, and one that is started again goes on with
/// them.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The wait before taking the stream up again.
const PAUSE: Duration = Duration::from_millis(500);
/// The wait before asking again for a job of which nothing is pushed.
const POLL: Duration = Duration::from_secs(1);
/// A stream that was open for so long was none that breaks off at once.
const STEADY: Duration = Duration::from_secs(5);

/// What one who follows a job is told.
#[derive(Debug)]
pub(crate) enum Told<'a> {
    /// Something happened to the job.
    Event(&'a Event),
    /// The server is gone; it is waited for.
    Lost,
}

impl Client {
    /// Tells every event of the job, up to and with the one that ends it.
    ///
    /// # Errors
    /// If the server stays away for [`PATIENCE`], or there is no such job.
    pub(crate) fn follow(&self, job: &str, told: impl FnMut(Told<'_>)) -> Outcome {
        self.follow_for(PATIENCE, job, told)
    }

    fn follow_for(&self, patience: Duration, job: &str, mut told: impl FnMut(Told<'_>)) -> Outcome {
        let mut last = 0;
        let mut pushed = true;
        let mut away: Option<Instant> = None;
        let mut breaks = 0;
        loop {
            let (before, began) = (last, Instant::now());
            let mut on_event = |event: &Event| told(Told::Event(event));
            let heard = if pushed {
                self.stream(job, &mut last, &mut on_event)
            } else {
                self.poll(job, &mut last, &mut on_event)
            };
            let broken = match heard {
                Ok(Stream::Ended) => return Ok(()),
                Ok(Stream::Missing) => {
                    pushed = false;
                    continue;
                }
                Ok(Stream::Broken) => {
                    if last > before || began.elapsed() >= STEADY {
                        (away, breaks) = (None, 0);
                    }
                    Failure::new(Exit::NoServer, format!("{} keeps closing the event stream", self.base()))
                }
                Err(failure) if failure.exit == Exit::NoServer => failure,
                Err(failure) => return Err(failure),
            };
            if away.get_or_insert_with(Instant::now).elapsed() >= patience {
                return Err(broken.hint(format!("the job may go on; look for it with: tintype show {job}")));
            }
            breaks += 1;
            // A stream that is there again at once is not worth a word.
            if breaks == 2 {
                told(Told::Lost);
            }
            thread::sleep(PAUSE);
        }
    }

    /// One connection.
    fn stream(&self, job: &str, last: &mut u64, on_event: &mut impl FnMut(&Event)) -> Outcome<Stream> {
        let path = format!("/jobs/{job}/events");
        let request =
            self.authorized(self.agent.get(self.url(&path)), &path).header("accept", "text/event-stream");
        let answer = match request.header("last-event-id", last.to_string()).call() {
            // A server that ends or begins, or what stands before one that does.
            Ok(answer) if is_away(answer.status()) => {
                let text = format!("{} answers with HTTP {}", self.base(), answer.status().as_u16());
                return Err(Failure::new(Exit::NoServer, text));
            }
            Ok(answer) if answer.status() == StatusCode::NOT_FOUND => return missing(answer),
            answer => self.check(answer)?,
        };
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
        Ok(if ended { Stream::Ended } else { Stream::Broken })
    }

    /// Asks for the job until it has ended, and tells what has changed.
    fn poll(&self, job: &str, last: &mut u64, on_event: &mut impl FnMut(&Event)) -> Outcome<Stream> {
        loop {
            let event = Event::of_job(&self.get(&format!("/jobs/{job}"))?)?;
            if event.seq.is_none_or(|seq| seq > *last) {
                *last = event.seq.unwrap_or(*last);
                on_event(&event);
            }
            if event.is_terminal() {
                return Ok(Stream::Ended);
            }
            thread::sleep(POLL);
        }
    }
}

/// Whether it is the stream that is not there, or the job.
fn missing(mut answer: ureq::http::Response<ureq::Body>) -> Outcome<Stream> {
    let text = answer.body_mut().read_to_string().unwrap_or_default();
    let told: Value = serde_json::from_str(&text).unwrap_or_default();
    if told["code"] == "no_such_route" {
        return Ok(Stream::Missing);
    }
    Err(problem::in_words(404, &views::read(&told)?))
}

/// How a connection came to its end.
enum Stream {
    /// With the event that ends the job.
    Ended,
    /// Before that.
    Broken,
    /// It never began: this server pushes nothing here.
    Missing,
}

fn is_away(status: StatusCode) -> bool {
    [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT].contains(&status)
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
    use std::{io::Write, net::TcpListener};

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

    /// A server that gives each connection the next answer, and then is gone.
    fn answers(answers: Vec<&'static str>) -> (Client, thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = Client::new(Some(&format!("http://{}", listener.local_addr().unwrap())), None).unwrap();
        let server = thread::spawn(move || {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut connection, _) = listener.accept().unwrap();
                let head: Vec<_> = BufReader::new(&connection)
                    .lines()
                    .map(Result::unwrap)
                    .take_while(|line| !line.is_empty())
                    .collect();
                let after = head.iter().find_map(|line| line.strip_prefix("last-event-id: "));
                asked.push(after.unwrap_or_default().to_owned());
                connection.write_all(answer.as_bytes()).unwrap();
            }
            asked
        });
        (client, server)
    }

    const FIRST: &str =
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\ndata: {\"type\":\"job.queued\",\"seq\":1}\n\n";
    const LAST: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\ndata: {\"type\":\"job.queued\",\"seq\":1}\n\ndata: {\"type\":\"job.succeeded\",\"seq\":2}\n\n";
    const AWAY: &str = "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

    #[test]
    fn a_stream_that_breaks_off_is_taken_up_after_its_last_event() {
        let (client, server) = answers(vec![FIRST, AWAY, AWAY, LAST]);
        let mut told = Vec::new();
        client
            .follow("x", |news| {
                told.push(match news {
                    Told::Event(event) => event.kind.clone(),
                    Told::Lost => "lost".to_owned(),
                });
            })
            .unwrap();
        assert_eq!(told, ["job.queued", "lost", "job.succeeded"]);
        assert_eq!(server.join().unwrap(), ["0", "1", "1", "1"]);
    }

    const NO_STREAM: &str = "HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n{\"code\":\"no_such_route\"}";
    const NO_JOB: &str = "HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n{\"code\":\"not_found\",\"detail\":\"no such job\"}";
    const RUNNING: &str =
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"status\":\"running\",\"last_seq\":2}";
    const DONE: &str =
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"status\":\"succeeded\",\"last_seq\":3}";

    #[test]
    fn where_nothing_is_pushed_the_job_is_asked_for_until_it_has_ended() {
        let (client, server) = answers(vec![NO_STREAM, RUNNING, RUNNING, DONE]);
        let mut told = Vec::new();
        client
            .follow("x", |news| {
                if let Told::Event(event) = news {
                    told.push(event.kind.clone());
                }
            })
            .unwrap();
        assert_eq!(told, ["job.running", "job.succeeded"]);
        assert_eq!(server.join().unwrap().len(), 4);
    }

    #[test]
    fn a_job_that_is_not_there_is_not_waited_for() {
        let (client, _server) = answers(vec![NO_JOB]);
        let failure = client.follow("x", |_| {}).unwrap_err();
        assert_eq!((failure.exit, failure.message.as_str()), (Exit::NotFound, "no such job"));
    }

    #[test]
    fn a_server_that_stays_away_is_given_up() {
        let (client, _server) = answers(vec![FIRST]);
        let failure = client.follow_for(Duration::from_millis(600), "x", |_| {}).unwrap_err();
        assert_eq!(failure.exit, Exit::NoServer);
        assert!(failure.hints.last().unwrap().contains("tintype show x"), "{:?}", failure.hints);
    }
}
