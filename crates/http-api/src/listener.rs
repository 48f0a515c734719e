//! One client that listens: the messages of its jobs, each once, in order, from the place it names; then, where it
//! wants them, the images' bytes. WebSockets and event streams both read from here.

use crate::{
    api::Api,
    metrics::OpenConnection,
    place::{Place, Step},
    problem::{Answer, Problem, chain},
    request_id::hex,
    socket_hub::{Heard, Line, Outgoing, SocketHub},
};
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};
use tintype_core::{
    Error, PortResult, Result,
    domain::{Connection, ConnectionId, EventBody, JobEvent, JobId, JobImage, OwnerId, Seq, limits},
    ports::BlobReader,
    use_cases::{self, Subscribe},
    views::Message,
};
use tokio::time::sleep;

/// How long to wait before the log is read again after that failed.
const LOG_RETRY: Duration = Duration::from_millis(500);

/// See the module.
pub(crate) struct Listener {
    api: Arc<Api>,
    connection: Connection,
    line: Line,
    /// How far the client has read each of its jobs' logs.
    places: HashMap<JobId, Place>,
    /// Jobs whose log must be read before anything else of them is sent.
    behind: BTreeSet<JobId>,
    /// What was read from logs and comes next.
    ready: VecDeque<Ready>,
    /// The image that is being sent in parts.
    picture: Option<Picture>,
    _open: OpenConnection,
}

enum Ready {
    Message(Box<Outgoing>),
    Picture(JobId, JobImage),
}

/// What a subscription found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subscribed {
    /// There is something to hear, or will be.
    Listening,
    /// The job has ended and the client has its last event.
    NothingMore,
}

impl Listener {
    /// Opens a connection of `owner`.
    pub(crate) async fn open(api: &Arc<Api>, hub: &Arc<SocketHub>, owner: OwnerId) -> Answer<Self> {
        let expires_at = api.now().after(limits::CONNECTION_LIFE);
        let id = ConnectionId::try_from(hex(&api.entropy().0))
            .map_err(|error| Problem::internal(error.to_string()))?;
        let line = hub.open(id.clone());
        let connection = Connection { id, owner, expires_at };
        api.ports.connections.connect(&connection).await?;
        Ok(Self {
            api: api.clone(),
            connection,
            line,
            places: HashMap::new(),
            behind: BTreeSet::new(),
            ready: VecDeque::new(),
            picture: None,
            _open: OpenConnection::new(&api.metrics),
        })
    }

    pub(crate) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whether it waits for nothing.
    pub(crate) fn is_idle(&self) -> bool {
        self.places.is_empty()
    }

    /// Listens to a job from the event after `after` on.
    ///
    /// The registry is told nothing of `inline`: this side sends the bytes itself, at the pace the client takes them,
    /// so that they never wait in a queue.
    ///
    /// # Errors
    /// As [`use_cases::subscribe`].
    pub(crate) async fn subscribe(&mut self, job_id: JobId, after: Seq, inline: bool) -> Result<Subscribed> {
        let now = self.api.now();
        let job = self.api.ports.jobs.find(&self.connection.owner, &job_id, now).await?;
        let job = job.ok_or(Error::NotFound("job"))?;
        // A place past the end would hide what is yet to come.
        let after = after.min(job.last_seq);
        if job.status.is_terminal() && after == job.last_seq {
            return Ok(Subscribed::NothingMore);
        }
        self.forget(job_id);
        self.places.insert(job_id, Place::after(after, inline));
        let connection = self.connection.clone();
        let wish = Subscribe { connection, job_id, after, inline: false };
        let subscribed = use_cases::subscribe(&self.api.ports, wish, now).await;
        if subscribed.is_err() {
            self.forget(job_id);
        }
        subscribed.map(|()| Subscribed::Listening)
    }

    /// Stops listening to a job.
    pub(crate) async fn unsubscribe(&mut self, job_id: JobId) -> PortResult<()> {
        self.forget(job_id);
        self.api.ports.connections.unsubscribe(&self.connection.id, &job_id).await
    }

    /// Drops what is yet to be sent of a job.
    fn forget(&mut self, job_id: JobId) {
        self.places.remove(&job_id);
        self.behind.remove(&job_id);
        self.ready.retain(|ready| ready.job_id() != Some(job_id));
        self.picture.take_if(|picture| picture.job_id == job_id);
    }

    /// Waits for the next message to send. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Box<Outgoing> {
        loop {
            if self.picture.is_some() {
                if let Some(chunk) = Box::pin(self.next_chunk()).await {
                    return chunk;
                }
            } else if let Some(ready) = self.ready.pop_front() {
                match ready {
                    Ready::Message(outgoing) => return outgoing,
                    Ready::Picture(job_id, image) => self.picture = Some(Picture::new(job_id, image)),
                }
            } else if let Some(job_id) = self.behind.first().copied() {
                // Boxed, because a task keeps room for its largest future as long as it lives.
                Box::pin(self.catch_up(job_id)).await;
            } else if let Some(outgoing) = self.hear().await {
                return outgoing;
            }
        }
    }

    async fn hear(&mut self) -> Option<Box<Outgoing>> {
        match self.line.hear().await {
            Heard::Message(outgoing) => self.judge(outgoing),
            Heard::Behind(jobs) => {
                self.behind.extend(jobs.into_iter().filter(|job| self.places.contains_key(job)));
                None
            }
        }
    }

    /// The message, if it is the next to send; where some before it are missing, the log is read instead.
    fn judge(&mut self, outgoing: Box<Outgoing>) -> Option<Box<Outgoing>> {
        let Some(job_id) = outgoing.job_id else { return Some(outgoing) };
        let place = self.places.get_mut(&job_id)?;
        let Some(seq) = outgoing.seq else { return Some(outgoing) };
        match place.judge(seq) {
            Step::Repeat => None,
            // The bytes follow the images' event; the log has what is needed to send them.
            Step::Next if !(outgoing.is_terminal && place.inline) => {
                place.advance(seq);
                if outgoing.is_terminal {
                    self.places.remove(&job_id);
                }
                Some(outgoing)
            }
            Step::Next | Step::Gap => {
                self.behind.insert(job_id);
                None
            }
        }
    }

    async fn catch_up(&mut self, job_id: JobId) {
        if let Err(error) = self.read_log(job_id).await {
            tracing::warn!(%job_id, cause = chain(&error), "a job's log could not be read for a listener");
            sleep(LOG_RETRY).await;
        }
    }

    /// Reads what the client has not been sent yet. Nothing is noted before everything is read: a caller may drop
    /// the future at any point.
    async fn read_log(&mut self, job_id: JobId) -> PortResult<()> {
        let Some(place) = self.places.get(&job_id).copied() else {
            self.behind.remove(&job_id);
            return Ok(());
        };
        let (api, owner) = (self.api.clone(), self.connection.owner.clone());
        let page = limits::EVENTS_PAGE;
        let events = api.ports.jobs.events(&owner, &job_id, place.last(), page, api.now()).await?;
        let events = events.unwrap_or_default();
        let mut ready = Vec::with_capacity(events.len());
        for event in &events {
            let message = Message::of(event, &owner, &*api.ports.links, api.now()).await?;
            ready.push(Ready::Message(Box::new(Outgoing::of(&message)?)));
            if place.inline {
                ready.extend(pictures(event));
            }
        }
        self.api.metrics.logs_read.inc();
        self.take(job_id, &events, ready);
        Ok(())
    }

    fn take(&mut self, job_id: JobId, events: &[JobEvent], ready: Vec<Ready>) {
        self.ready.extend(ready);
        if let (Some(place), Some(last)) = (self.places.get_mut(&job_id), events.last()) {
            place.advance(last.seq);
            if last.body.is_terminal() {
                self.places.remove(&job_id);
            }
        }
        if events.len() < limits::EVENTS_PAGE as usize {
            self.behind.remove(&job_id);
        }
    }

    /// The next part of the image that is being sent; `None` after the last. An image that can't be read (any more)
    /// is left out: its URL stands in the event before.
    async fn next_chunk(&mut self) -> Option<Box<Outgoing>> {
        let picture = self.picture.as_mut()?;
        let chunk = match picture.chunk(&self.api).await {
            Ok(chunk) => chunk,
            Err(error) => {
                tracing::warn!(job_id = %picture.job_id, cause = chain(&error), "an image could not be sent");
                None
            }
        };
        match (&mut self.picture, &chunk) {
            (Some(picture), Some(_)) => picture.next += 1,
            (picture, _) => *picture = None,
        }
        chunk
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let (api, id) = (self.api.clone(), self.connection.id.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = api.ports.connections.disconnect(&id).await {
                    tracing::warn!(cause = chain(&error), "a closed connection is still registered");
                }
            });
        }
    }
}

fn pictures(event: &JobEvent) -> impl Iterator<Item = Ready> {
    let images: &[JobImage] = match &event.body {
        EventBody::Succeeded { images } => images,
        EventBody::Queued { .. }
        | EventBody::Running { .. }
        | EventBody::Progress(_)
        | EventBody::Failed { .. }
        | EventBody::Canceled {}
        | EventBody::Expired {} => &[],
    };
    images.iter().map(|image| Ready::Picture(event.job_id, image.clone()))
}

impl Ready {
    const fn job_id(&self) -> Option<JobId> {
        match self {
            Self::Message(outgoing) => outgoing.job_id,
            Self::Picture(job_id, _) => Some(*job_id),
        }
    }
}

/// An image that is being sent in parts; one part at a time is in memory.
struct Picture {
    job_id: JobId,
    image: JobImage,
    next: usize,
    /// None before the first part.
    reader: Option<Box<dyn BlobReader>>,
}

impl Picture {
    const fn new(job_id: JobId, image: JobImage) -> Self {
        Self { job_id, image, next: 0, reader: None }
    }

    async fn chunk(&mut self, api: &Api) -> PortResult<Option<Box<Outgoing>>> {
        let size = limits::CHUNK_BYTES as u64;
        let chunks = self.image.bytes.div_ceil(size);
        let start = self.next as u64 * size;
        if start >= self.image.bytes {
            return Ok(None);
        }
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => api.ports.images.open(&self.image.sha256).await?,
        };
        let part = self.reader.insert(reader).read(start, limits::CHUNK_BYTES).await?;
        let chunks = usize::try_from(chunks).unwrap_or(usize::MAX);
        let message = Message::chunk(self.job_id, &self.image, self.next, chunks, &part, api.now());
        Ok(Some(Box::new(Outgoing::of(&message)?)))
    }
}

/// Waits until the job has ended, or the server shuts down.
///
/// # Errors
/// As [`Listener::subscribe`].
pub(crate) async fn until_end(api: &Arc<Api>, hub: &Arc<SocketHub>, owner: OwnerId, id: JobId) -> Answer<()> {
    let mut listener = Listener::open(api, hub, owner).await?;
    // From the end of the log on: what is past tells nothing of the end.
    if listener.subscribe(id, Seq(u64::MAX), false).await? == Subscribed::NothingMore {
        return Ok(());
    }
    loop {
        tokio::select! {
            () = api.shutdown.cancelled() => return Ok(()),
            outgoing = listener.next() => {
                if outgoing.is_terminal {
                    return Ok(());
                }
            }
        }
    }
}
