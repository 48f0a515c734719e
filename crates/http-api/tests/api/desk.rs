//! A whole deployment in memory behind the router, and a client of it.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};
use tintype_core::{
    domain::{BlobId, Clock, CursorCodec, OwnerId, Timestamp},
    ports::Ports,
};
use tintype_http::{Access, Api, Keys, ServerSettings, SocketHub, router, serve};
use tintype_memory::Memory;
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// How long a test waits for what should come at once.
const SOON: Duration = Duration::from_secs(20);

/// Waits for what should come at once.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(SOON, future).await.unwrap_or_else(|_| panic!("{what} did not come"))
}

#[derive(Debug)]
struct MemoryClock(Arc<Memory>);

impl Clock for MemoryClock {
    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

/// A deployment and its router.
pub(crate) struct Desk {
    pub(crate) memory: Arc<Memory>,
    pub(crate) ports: Ports,
    pub(crate) shutdown: CancellationToken,
    pub(crate) router: Router,
    api: Api,
}

impl Desk {
    /// A deployment that needs no key.
    pub(crate) fn open() -> Self {
        Self::with(Access::Open, |api| api)
    }

    /// A deployment with the keys `anna` and `bert`, of owners of those names.
    pub(crate) fn with_keys() -> Self {
        let key = |name: &str| (BlobId::of(name.as_bytes()), name.parse::<OwnerId>().unwrap());
        Self::with(Access::Keys(Arc::new(Keys::new([key("anna"), key("bert")]))), |api| api)
    }

    pub(crate) fn with(access: Access, change: impl FnOnce(Api) -> Api) -> Self {
        Self::build(access, change, |ports| ports)
    }

    /// A deployment that needs no key, of which some parts were replaced.
    pub(crate) fn with_ports(replace: impl FnOnce(Ports) -> Ports) -> Self {
        Self::build(Access::Open, |api| api, replace)
    }

    /// A deployment of which anything may be other than usual.
    pub(crate) fn build(
        access: Access,
        change: impl FnOnce(Api) -> Api,
        replace: impl FnOnce(Ports) -> Ports,
    ) -> Self {
        let memory = Arc::new(Memory::new());
        let hub = Arc::new(SocketHub::default());
        let ports = replace(Ports { notifier: hub.clone(), ..memory.ports() });
        let shutdown = CancellationToken::new();
        let drawing = memory.clone();
        let api = Api::new(
            ports.clone(),
            Arc::new(MemoryClock(memory.clone())),
            Arc::new(move || drawing.entropy()),
            CursorCodec::new([7; 32]),
            access,
        );
        let api = change(api.with_hub(hub).with_shutdown(shutdown.clone()));
        Self { memory, ports, shutdown, router: router(api.clone()), api }
    }

    /// Runs every job that may run now.
    pub(crate) async fn run_all(&self) {
        while self.memory.workflow.run_next(&self.ports, &self.memory.clock).await.unwrap().is_some() {}
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = soon("the answer", self.router.clone().oneshot(request)).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = soon("the body", body.collect()).await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(ask("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(ask_json("POST", path, &body)).await
    }

    /// A job that has its image; its id.
    pub(crate) async fn finished_job(&self) -> String {
        let id = self.post("/generate", json!({ "prompt": "a cat" })).await.id();
        self.run_all().await;
        id
    }

    /// A saved image; its id.
    pub(crate) async fn saved_image(&self) -> String {
        let job = self.finished_job().await;
        self.post("/save", json!({ "job_id": job, "index": 0 })).await.id()
    }

    /// Serves the router on a port of its own.
    pub(crate) async fn listen(&self, settings: ServerSettings) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = serve(listener, self.router.clone(), settings, self.api.tasks(), self.shutdown.clone());
        (address, tokio::spawn(serving))
    }
}

/// A request without a body.
pub(crate) fn ask(method: &str, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).header("host", "localhost").body(Body::empty()).unwrap()
}

/// A request with a JSON body.
pub(crate) fn ask_json(method: &str, path: &str, body: &Value) -> Request<Body> {
    ask_text(method, path, body.to_string())
}

/// A request with this text as its JSON body.
pub(crate) fn ask_text(method: &str, path: &str, body: impl Into<Body>) -> Request<Body> {
    let request = ask(method, path).map(|_| body.into());
    with_header(request, "content-type", "application/json")
}

pub(crate) fn with_header(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {} {:?}", self.status, self.body))
    }

    pub(crate) fn id(&self) -> String {
        self.json()["id"].as_str().unwrap_or_else(|| panic!("no id: {self:?}")).to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Its problem's code, after a look at what every problem has.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        for member in ["type", "title", "detail", "instance", "code"] {
            assert!(problem[member].is_string(), "{member} of {problem}");
        }
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        problem["code"].as_str().unwrap().to_owned()
    }

    /// The fields its problem names.
    pub(crate) fn pointers(&self) -> Vec<String> {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    }
}
