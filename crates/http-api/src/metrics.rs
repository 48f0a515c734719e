//! Metrics for Prometheus. No label ever names an owner, a prompt or an id, and the cost of a scrape does not grow with what
//! is stored.

use crate::{
    access::Caller,
    api::Api,
    metered_jobs::MeteredJobs,
    problem::{Answer, Problem, chain},
    space::Space,
};
use axum::{
    extract::State,
    http::{Method, StatusCode, header},
    response::IntoResponse,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tintype_core::{
    ErrorKind,
    domain::{Job, JobStatus, Scope, Timestamp},
    ports::{JobRepo, QueueCounts},
};

/// Upper bounds of the latency histogram's buckets, in seconds.
const LATENCY_S: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
/// Upper bounds of the buckets for what jobs take, in seconds.
const JOB_S: [f64; 13] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3_600.0];
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct InState {
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Task {
    task: &'static str,
}

/// What a deployment's stores say of themselves when metrics are read.
#[derive(Clone, Debug, Default)]
pub struct StoreStatus {
    /// Bytes of the database with its log.
    pub database: Option<u64>,
    /// Failed calls of the database since the start, by kind.
    pub database_errors: Vec<(ErrorKind, u64)>,
    /// How many sorts of damage were found in the database since the start.
    pub database_damage: u64,
}

type ReadStatus = dyn Fn() -> StoreStatus + Send + Sync;

/// What the server counts; clones share the numbers.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    requests: Family<Request, Counter>,
    latency: Family<Route, Histogram>,
    queue: Family<InState, Gauge>,
    oldest_wait: Gauge<f64, AtomicU64>,
    jobs_ended: Family<InState, Counter>,
    job_wait: Histogram,
    job_run: Histogram,
    database: Gauge,
    database_errors: Family<Kind, Counter>,
    database_damage: Gauge,
    background_failures: Family<Task, Counter>,
    read_status: Arc<Mutex<Option<Arc<ReadStatus>>>>,
    /// Jobs accepted, replays not counted.
    pub(crate) jobs_accepted: Counter,
    /// Images saved that were not there.
    pub(crate) images_saved: Counter,
    /// WebSockets and event streams that are open now.
    pub(crate) connections: Gauge,
    /// Reads of a job's log for a listener that fell behind, or wants the images' bytes.
    pub(crate) logs_read: Counter,
    disk: Disk,
}

/// The room for further data, as it was when the metrics were last asked for.
#[derive(Clone, Debug, Default)]
struct Disk {
    read_only: Gauge,
    free_bytes: Gauge,
    total_bytes: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let latency: fn() -> Histogram = || Histogram::new(LATENCY_S);
        let mut metrics = Self {
            registry: Arc::default(),
            requests: Family::default(),
            latency: Family::new_with_constructor(latency),
            queue: Family::default(),
            oldest_wait: Gauge::default(),
            jobs_ended: Family::default(),
            job_wait: Histogram::new(JOB_S),
            job_run: Histogram::new(JOB_S),
            database: Gauge::default(),
            database_errors: Family::default(),
            database_damage: Gauge::default(),
            background_failures: Family::default(),
            read_status: Arc::default(),
            jobs_accepted: Counter::default(),
            images_saved: Counter::default(),
            connections: Gauge::default(),
            logs_read: Counter::default(),
            disk: Disk::default(),
        };
        for status in JobStatus::ALL.into_iter().filter(|status| status.is_terminal()) {
            // A rate needs a first value.
            drop(metrics.jobs_ended.get_or_create(&InState { state: status.name() }));
        }
        metrics.registry = Arc::new(Mutex::new(metrics.register()));
        metrics
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics(..)")
    }
}

impl Metrics {
    fn register(&self) -> Registry {
        let mut registry = Registry::with_prefix("tintype");
        registry.register("http_requests", "Requests answered", self.requests.clone());
        let help = "Time until the answer's head";
        registry.register_with_unit("http_answer", help, Unit::Seconds, self.latency.clone());
        registry.register("jobs_accepted", "Jobs accepted", self.jobs_accepted.clone());
        registry.register("images_saved", "Images added to the library", self.images_saved.clone());
        registry.register("connections", "WebSockets and event streams open", self.connections.clone());
        let help = "Reads of a log for a listener that fell behind";
        registry.register("logs_read", help, self.logs_read.clone());
        self.register_jobs(&mut registry);
        registry
    }

    fn register_jobs(&self, registry: &mut Registry) {
        let most = QueueCounts::COUNTED_MAX;
        let help = format!("Jobs that wait or run, over all owners; waiting ones are counted up to {most}");
        registry.register("queue_jobs", help, self.queue.clone());
        let help = "Time since the oldest waiting job was accepted; 0 if none waits";
        registry.register_with_unit("queue_oldest_wait", help, Unit::Seconds, self.oldest_wait.clone());
        registry.register("jobs_ended", "Jobs that ended, by terminal state", self.jobs_ended.clone());
        let help = "Time from a job's acceptance to its first attempt";
        registry.register_with_unit("job_wait", help, Unit::Seconds, self.job_wait.clone());
        let help = "Time from a job's first attempt to its end";
        registry.register_with_unit("job_run", help, Unit::Seconds, self.job_run.clone());
        let help = "Failed runs of background tasks";
        registry.register("background_failures", help, self.background_failures.clone());
    }

    fn register_stores(&self, registry: &mut Registry) {
        let help = "Size of the database and its log";
        registry.register_with_unit("database", help, Unit::Bytes, self.database.clone());
        let help = "Failed calls of the database, by kind";
        registry.register("database_errors", help, self.database_errors.clone());
        let help = "Sorts of damage found in the database since the start; see tintype check";
        registry.register("database_damage", help, self.database_damage.clone());
    }

    /// Tells of the room for further data too. Call it once.
    pub(crate) fn register_space(&self) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let help = "1 while nothing can be added to the library for want of space, else 0";
        registry.register("read_only", help, self.disk.read_only.clone());
        let help = "Free space of the data folder's file system";
        registry.register_with_unit("disk_free", help, Unit::Bytes, self.disk.free_bytes.clone());
        let help = "Size of the data folder's file system";
        registry.register_with_unit("disk_size", help, Unit::Bytes, self.disk.total_bytes.clone());
    }

    fn note_space(&self, space: &Space) {
        let number = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.disk.read_only.set(space.read_only.is_some().into());
        self.disk.free_bytes.set(number(space.free_bytes));
        self.disk.total_bytes.set(number(space.total_bytes));
    }

    /// The repository, with each job that begins or ends counted. The one that the workflow uses must be this one too.
    #[must_use]
    pub fn metered(&self, jobs: Arc<dyn JobRepo>) -> Arc<dyn JobRepo> {
        Arc::new(MeteredJobs::new(jobs, self.clone()))
    }

    /// Asks `read` for the stores' status whenever metrics are read. It must be quick. Call it once.
    pub fn read_stores_with(&self, read: impl Fn() -> StoreStatus + Send + Sync + 'static) {
        self.register_stores(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner));
        *self.read_status.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(read));
    }

    /// Counts a failed run of the background task `task`.
    pub fn background_failed(&self, task: &'static str) {
        self.background_failures.get_or_create(&Task { task }).inc();
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        // Any text may stand as a method; only the usual ones become a label.
        let method = match *method {
            Method::GET | Method::HEAD | Method::POST | Method::PATCH | Method::DELETE => method.as_str(),
            _ => "other",
        };
        let labels = Request { method: method.to_owned(), route: route.to_owned(), status: status.as_u16() };
        self.requests.get_or_create(&labels).inc();
        self.latency.get_or_create(&Route { route: route.to_owned() }).observe(took.as_secs_f64());
    }

    /// Counts a job that was begun just now for the first time.
    pub(crate) fn begun(&self, job: &Job) {
        if let (1, Some(started_at)) = (job.attempts, job.started_at) {
            self.job_wait.observe(started_at.since(job.created_at).as_secs_f64());
        }
    }

    /// Counts a job that ended just now.
    pub(crate) fn ended(&self, job: &Job) {
        self.jobs_ended.get_or_create(&InState { state: job.status.name() }).inc();
        if let (Some(started_at), Some(finished_at)) = (job.started_at, job.finished_at) {
            self.job_run.observe(finished_at.since(started_at).as_secs_f64());
        }
    }

    fn encoded(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(text)
    }

    fn set_queue(&self, counts: &QueueCounts, now: Timestamp) {
        let of = |status: JobStatus| self.queue.get_or_create_owned(&InState { state: status.name() });
        of(JobStatus::Queued).set(counts.queued.into());
        of(JobStatus::Running).set(counts.running.into());
        let waited = counts.oldest.map(|oldest| now.since(oldest)).unwrap_or_default();
        self.oldest_wait.set(waited.as_secs_f64());
    }

    fn set_stores(&self) {
        let read = self.read_status.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(status) = read.map(|read| read()) else { return };
        if let Some(bytes) = status.database {
            self.database.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
        self.database_damage.set(i64::try_from(status.database_damage).unwrap_or(i64::MAX));
        for (kind, errors) in status.database_errors {
            let counter = self.database_errors.get_or_create_owned(&Kind { kind: kind.code() });
            counter.inner().store(errors, Ordering::Relaxed);
        }
    }
}

/// `GET /metrics`
pub(crate) async fn metrics(State(api): State<Arc<Api>>, caller: Caller) -> Answer {
    caller.check_scope(Scope::Operate)?;
    let now = api.now();
    match api.ports.workflow.queue(now).await {
        Ok(counts) => counts.iter().for_each(|counts| api.metrics.set_queue(counts, now)),
        // The other numbers are wanted most when the database fails.
        Err(error) => tracing::warn!(cause = chain(&error), "the queue could not be counted for the metrics"),
    }
    api.metrics.set_stores();
    if let Some(space) = api.measured_space().await {
        api.metrics.note_space(&space);
    }
    let text = api.metrics.encoded().map_err(|error| Problem::internal(chain(&error)))?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}

/// An open connection, as the gauge counts it.
#[cfg(feature = "socket")]
#[derive(Debug)]
pub(crate) struct OpenConnection(Gauge);

#[cfg(feature = "socket")]
impl OpenConnection {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        metrics.connections.inc();
        Self(metrics.connections.clone())
    }
}

#[cfg(feature = "socket")]
impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}
