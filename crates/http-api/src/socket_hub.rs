//! The [`Notifier`] of one process: a bounded queue per open connection, be it a WebSocket or an event stream.

use async_trait::async_trait;
use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tintype_core::{
    PortError, PortResult,
    domain::{ConnectionId, JobId, Seq},
    error::ErrorKind,
    ports::{Delivery, Notifier},
    views::Message,
};
use tokio::{
    sync::{
        Notify, OwnedSemaphorePermit, Semaphore,
        mpsc::{self, error::TrySendError},
    },
    time::timeout,
};

/// How many messages wait for one connection.
const QUEUE: usize = 64;
/// How many of them may be larger than [`LARGE_BYTES`], as previews are.
const LARGE: usize = 4;
const LARGE_BYTES: usize = 4 * 1024;
/// How long a message that is in no log waits for a place in the queue. A client that lets one go by gets the next
/// ones only when it has read on: it must not hold up the worker that sends them.
const PATIENCE: Duration = Duration::from_millis(250);

/// Hands messages to the connections of this process.
///
/// Sending never waits for a slow client where the message is an event of a job's log: if the queue is full, the
/// connection is told that it is behind, and reads the log once it can send again. A message that is in no log (a
/// preview) waits a quarter of a second at most, then is dropped.
#[derive(Debug, Default)]
pub struct SocketHub {
    lines: Mutex<HashMap<ConnectionId, Arc<Backlog>>>,
}

/// What the hub and a connection share.
#[derive(Debug)]
struct Backlog {
    queue: mpsc::Sender<Box<Outgoing>>,
    /// The places for large messages.
    large: Arc<Semaphore>,
    /// Jobs of which an event found the queue full.
    behind: Mutex<BTreeSet<JobId>>,
    fell_behind: Notify,
    slow: AtomicBool,
}

/// A message on its way to one client.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) job_id: Option<JobId>,
    pub(crate) seq: Option<Seq>,
    pub(crate) kind: &'static str,
    pub(crate) is_terminal: bool,
    /// The whole message as JSON.
    pub(crate) text: String,
    /// The place of a large message in a queue.
    place: Option<Arc<OwnedSemaphorePermit>>,
}

impl Outgoing {
    pub(crate) fn of(message: &Message) -> PortResult<Self> {
        let text = serde_json::to_string(message).map_err(|error| {
            PortError::new(ErrorKind::Internal, "Notifier::send", "the message can't be written as JSON")
                .with_source(error)
        })?;
        let Message { job_id, seq, kind, .. } = *message;
        Ok(Self { job_id, seq, kind, is_terminal: message.is_terminal(), text, place: None })
    }
}

/// A connection's end of the hub; dropping it ends the connection.
#[derive(Debug)]
pub struct Line {
    hub: Arc<SocketHub>,
    id: ConnectionId,
    queue: mpsc::Receiver<Box<Outgoing>>,
    backlog: Arc<Backlog>,
}

/// What a connection hears.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A message.
    Message(Box<Outgoing>),
    /// Events of these jobs could not be queued: they are in the jobs' logs.
    Behind(BTreeSet<JobId>),
}

impl SocketHub {
    /// Opens a connection: what is sent to `id` comes out of the line.
    pub fn open(self: &Arc<Self>, id: ConnectionId) -> Line {
        let (sender, queue) = mpsc::channel(QUEUE);
        let backlog = Arc::new(Backlog {
            queue: sender,
            large: Arc::new(Semaphore::new(LARGE)),
            behind: Mutex::default(),
            fell_behind: Notify::new(),
            slow: AtomicBool::new(false),
        });
        self.lock().insert(id.clone(), backlog.clone());
        Line { hub: self.clone(), id, queue, backlog }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionId, Arc<Backlog>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Notifier for SocketHub {
    async fn send(&self, connection: &ConnectionId, message: &Message) -> PortResult<Delivery> {
        let Some(backlog) = self.lock().get(connection).cloned() else { return Ok(Delivery::Gone) };
        let outgoing = Box::new(Outgoing::of(message)?);
        Ok(backlog.push(outgoing).await)
    }
}

impl Backlog {
    async fn push(&self, mut outgoing: Box<Outgoing>) -> Delivery {
        let in_log = outgoing.seq.is_some();
        if outgoing.text.len() > LARGE_BYTES {
            match self.large.clone().try_acquire_owned() {
                Ok(place) => outgoing.place = Some(Arc::new(place)),
                Err(_) if in_log => return self.fall_behind(outgoing.job_id),
                Err(_) => return self.wait(outgoing).await,
            }
        }
        match self.queue.try_send(outgoing) {
            Ok(()) => Delivery::Sent,
            Err(TrySendError::Closed(_)) => Delivery::Gone,
            Err(TrySendError::Full(outgoing)) if in_log => self.fall_behind(outgoing.job_id),
            Err(TrySendError::Full(outgoing)) => self.wait(outgoing).await,
        }
    }

    fn fall_behind(&self, job_id: Option<JobId>) -> Delivery {
        if self.queue.is_closed() {
            return Delivery::Gone;
        }
        self.lock_behind().extend(job_id);
        self.fell_behind.notify_one();
        Delivery::Sent
    }

    async fn wait(&self, mut outgoing: Box<Outgoing>) -> Delivery {
        if self.queue.is_closed() {
            return Delivery::Gone;
        }
        if self.slow.load(Ordering::Relaxed) {
            return Delivery::Sent;
        }
        let sent = async {
            if outgoing.text.len() > LARGE_BYTES && outgoing.place.is_none() {
                outgoing.place = self.large.clone().acquire_owned().await.ok().map(Arc::new);
            }
            self.queue.send(outgoing).await
        };
        match timeout(PATIENCE, sent).await {
            Ok(Ok(())) => Delivery::Sent,
            Ok(Err(_)) => Delivery::Gone,
            Err(_) => {
                self.slow.store(true, Ordering::Relaxed);
                Delivery::Sent
            }
        }
    }

    fn lock_behind(&self) -> MutexGuard<'_, BTreeSet<JobId>> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// The name of this connection.
    pub const fn id(&self) -> &ConnectionId {
        &self.id
    }

    /// Waits for the next message, as JSON. What is told of a queue that was full is left out here.
    pub async fn next(&mut self) -> String {
        loop {
            if let Heard::Message(outgoing) = self.hear().await {
                return outgoing.text;
            }
        }
    }

    /// Waits for what comes next. Dropping the future loses nothing.
    pub(crate) async fn hear(&mut self) -> Heard {
        tokio::select! {
            biased;
            // The sender lives as long as the backlog, which this line holds.
            Some(outgoing) = self.queue.recv() => {
                self.backlog.slow.store(false, Ordering::Relaxed);
                Heard::Message(outgoing)
            }
            () = self.backlog.fell_behind.notified() => {
                Heard::Behind(std::mem::take(&mut *self.backlog.lock_behind()))
            }
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut lines = self.hub.lock();
        // A later connection of the same name has a line of its own.
        if lines.get(&self.id).is_some_and(|backlog| Arc::ptr_eq(backlog, &self.backlog)) {
            lines.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tintype_core::domain::{Entropy, Timestamp};

    fn job() -> JobId {
        JobId::new(Timestamp::from_millis(1), &Entropy([1; 32]))
    }

    fn message(seq: Option<u64>) -> Message {
        let transient = Message::transient("job.progress", Some(job()), Timestamp::from_millis(1), json!({}));
        Message { seq: seq.map(Seq), ..transient }
    }

    fn open() -> (Arc<SocketHub>, Line) {
        let hub = Arc::new(SocketHub::default());
        let line = hub.open("c".parse().unwrap());
        (hub, line)
    }

    #[tokio::test]
    async fn an_event_that_finds_the_queue_full_marks_its_job_and_does_not_wait() {
        let (hub, mut line) = open();
        for seq in 1..=QUEUE as u64 + 10 {
            assert_eq!(hub.send(line.id(), &message(Some(seq))).await.unwrap(), Delivery::Sent);
        }
        for _ in 0..QUEUE {
            assert!(matches!(line.hear().await, Heard::Message(_)));
        }
        assert!(matches!(line.hear().await, Heard::Behind(jobs) if jobs.contains(&job())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_holds_up_a_preview_once_only() {
        let (hub, line) = open();
        let started = tokio::time::Instant::now();
        for _ in 0..QUEUE + 100 {
            hub.send(line.id(), &message(None)).await.unwrap();
        }
        assert!(started.elapsed() <= PATIENCE * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn few_large_messages_wait_for_a_client_that_does_not_read() {
        let (hub, mut line) = open();
        let large = |seq: Option<u64>| {
            let data = json!("x".repeat(LARGE_BYTES));
            let transient = Message::transient("job.preview", Some(job()), Timestamp::from_millis(1), data);
            Message { seq: seq.map(Seq), ..transient }
        };
        for _ in 0..QUEUE {
            assert_eq!(hub.send(line.id(), &large(None)).await.unwrap(), Delivery::Sent);
        }
        assert_eq!(hub.send(line.id(), &large(Some(1))).await.unwrap(), Delivery::Sent);
        for _ in 0..LARGE {
            assert!(matches!(line.hear().await, Heard::Message(_)));
        }
        // The event is read from the log once there is room for it.
        assert!(matches!(line.hear().await, Heard::Behind(jobs) if jobs.contains(&job())));
        assert_eq!(hub.send(line.id(), &large(None)).await.unwrap(), Delivery::Sent);
        assert!(matches!(line.hear().await, Heard::Message(_)));
    }

    #[tokio::test]
    async fn a_line_that_was_dropped_is_gone() {
        let (hub, line) = open();
        let id = line.id().clone();
        drop(line);
        assert_eq!(hub.send(&id, &message(None)).await.unwrap(), Delivery::Gone);
    }
}
