//! Counters for Prometheus. No label ever names an owner, a prompt or an id.

use crate::{
    access::Owner,
    api::Api,
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
use std::{sync::Arc, time::Duration};

/// Upper bounds of the latency histogram's buckets, in seconds.
const LATENCY_S: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
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

/// What the server counts; clones share the numbers.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    requests: Family<Request, Counter>,
    latency: Family<Route, Histogram>,
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
            jobs_accepted: Counter::default(),
            images_saved: Counter::default(),
            connections: Gauge::default(),
            logs_read: Counter::default(),
            disk: Disk::default(),
        };
        metrics.registry = Arc::new(metrics.register());
        metrics
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
        registry
    }

    /// The same with the room for further data.
    pub(crate) fn with_space(mut self) -> Self {
        let mut registry = self.register();
        let help = "1 while nothing can be added to the library for want of space, else 0";
        registry.register("read_only", help, self.disk.read_only.clone());
        let help = "Free bytes of the disk that holds the library";
        registry.register("disk_free_bytes", help, self.disk.free_bytes.clone());
        registry.register(
            "disk_bytes",
            "Bytes of the disk that holds the library",
            self.disk.total_bytes.clone(),
        );
        self.registry = Arc::new(registry);
        self
    }

    fn note_space(&self, space: &Space) {
        let number = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.disk.read_only.set(space.read_only.is_some().into());
        self.disk.free_bytes.set(number(space.free_bytes));
        self.disk.total_bytes.set(number(space.total_bytes));
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
}

/// `GET /metrics`
pub(crate) async fn metrics(State(api): State<Arc<Api>>, _: Owner) -> Answer {
    if let Some(space) = api.measured_space().await {
        api.metrics.note_space(&space);
    }
    let mut text = String::new();
    encode(&mut text, &api.metrics.registry).map_err(|error| Problem::internal(chain(&error)))?;
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
