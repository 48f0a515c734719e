//! A reader of Server-Sent Events.

use crate::soon;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;

/// An open stream of events.
#[derive(Debug)]
pub struct EventStream {
    body: Incoming,
    unread: Vec<u8>,
}

/// One event.
#[derive(Clone, Debug)]
pub struct StreamEvent {
    /// Its number in its job's log; none for what is in no log.
    pub id: Option<u64>,
    /// Its type.
    pub kind: String,
    /// The message.
    pub data: Value,
}

impl EventStream {
    pub(crate) const fn new(body: Incoming) -> Self {
        Self { body, unread: Vec::new() }
    }

    /// Waits for the next event; `None` once the server has ended the stream.
    pub async fn next(&mut self) -> Option<StreamEvent> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.unread.drain(..end + 2).collect();
                match parse(std::str::from_utf8(&block).unwrap()) {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let frame = soon("an event", self.body.frame()).await?;
            let frame = frame.unwrap_or_else(|error| panic!("the event stream broke off: {error}"));
            self.unread.extend_from_slice(frame.data_ref().unwrap());
        }
    }
}

/// The event of one block of lines; `None` for a comment or a setting.
fn parse(block: &str) -> Option<StreamEvent> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let data = serde_json::from_str(field("data")?).unwrap();
    Some(StreamEvent {
        id: field("id").map(|id| id.parse().unwrap()),
        kind: field("event").unwrap().to_owned(),
        data,
    })
}
