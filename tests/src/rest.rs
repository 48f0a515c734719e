//! A REST client: one connection per request, so that no test depends on what another left in a pool.

use crate::{EventStream, is_terminal, raw, soon, text};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Response,
    body::Incoming,
    client::conn::http1,
    header::{self, HeaderValue},
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::{error::Error, net::SocketAddr};
use tokio::net::TcpStream;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A client of one server.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) key: Option<String>,
}

impl Client {
    /// A client of the server at `address`.
    pub const fn new(address: SocketAddr) -> Self {
        Self { address, key: None }
    }

    /// Sends this key with every request.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// A request with this method.
    pub fn request(&self, method: &str, path: impl Into<String>) -> Request {
        let request = Request {
            address: self.address,
            method: method.to_owned(),
            path: path.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        let request = request.header("host", &self.address.to_string());
        match &self.key {
            Some(key) => request.header("authorization", &format!("Bearer {key}")),
            None => request,
        }
    }

    /// A GET request.
    pub fn get(&self, path: impl Into<String>) -> Request {
        self.request("GET", path)
    }

    /// A POST request.
    pub fn post(&self, path: impl Into<String>) -> Request {
        self.request("POST", path)
    }

    /// Posts a request for pictures; the accepted job.
    pub async fn generate(&self, input: Value) -> Value {
        self.post("/generate").json(&input).send().await.expect(202).json()
    }

    /// The job `id`.
    pub async fn job(&self, id: &str) -> Value {
        self.get(format!("/jobs/{id}")).send().await.expect(200).json()
    }

    /// Waits for the end of the job `id`; the job then.
    pub async fn ended(&self, id: &str) -> Value {
        drop(self.log_of(id).await);
        self.job(id).await
    }

    /// Every event of the job `id`, up to its end.
    pub async fn log_of(&self, id: &str) -> Vec<Value> {
        let mut stream = self.get(format!("/jobs/{id}/events")).events().await;
        let mut events = Vec::new();
        while let Some(event) = stream.next().await {
            let last = is_terminal(&event.kind);
            events.extend(event.id.is_some().then_some(event.data));
            if last {
                return events;
            }
        }
        panic!("the events of {id} broke off before its end")
    }

    /// Posts a request for pictures and waits until they are there; the job.
    pub async fn drawn(&self, input: Value) -> Value {
        let accepted = self.generate(input).await;
        let job = self.ended(text(&accepted, "/id")).await;
        assert_eq!(job["status"], "succeeded", "{job:#}");
        job
    }

    /// Draws one picture and keeps it; the saved image.
    pub async fn saved(&self, input: Value) -> Value {
        let job = self.drawn(input).await;
        self.save(text(&job, "/id"), 0).await
    }

    /// Keeps a picture of the job `id`.
    pub async fn save(&self, id: &str, index: u64) -> Value {
        let answer = self.post("/save").json(&json!({ "job_id": id, "index": index })).send().await;
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        answer.json()
    }
}

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Request {
    address: SocketAddr,
    method: String,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        self
    }

    /// Takes a header away.
    #[must_use]
    pub fn without(mut self, name: &'static str) -> Self {
        self.headers.remove(name);
        self
    }

    /// Sends this as JSON.
    #[must_use]
    pub fn json(self, value: &Value) -> Self {
        self.body(value.to_string())
    }

    /// Sends these bytes, declared as JSON.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        self.body = bytes.into();
        self.header("content-type", "application/json")
    }

    /// Sends it; the whole answer.
    pub async fn send(self) -> Answer {
        let about = format!("{} {}", self.method, self.path);
        soon(&about, self.try_send()).await.unwrap_or_else(|error| panic!("{about}: {error}"))
    }

    /// Sends it; the whole answer, or why there is none.
    ///
    /// # Errors
    /// If the connection can't be made or breaks.
    pub async fn try_send(self) -> Outcome<Answer> {
        let response = self.respond().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.into_body().collect().await?.to_bytes();
        Ok(Answer { status, headers, body })
    }

    /// Sends it over a plain connection; the answer, also where the server refuses before it has everything and
    /// closes, which a proper client takes for a failure.
    pub async fn send_regardless(self) -> Answer {
        let about = format!("{} {}", self.method, self.path);
        let mut bytes = format!("{about} HTTP/1.1\r\ncontent-length: {}\r\n", self.body.len()).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        bytes.extend(b"\r\n");
        bytes.extend(&self.body);
        raw::send(self.address, &bytes).await.unwrap_or_else(|| panic!("{about}: closed without an answer"))
    }

    /// Sends it; the answer as a stream of events.
    pub async fn events(self) -> EventStream {
        let response = soon("an event stream", self.respond()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        EventStream::new(response.into_body())
    }

    async fn respond(self) -> Outcome<Response<Incoming>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends when the answer's body is dropped or read.
        drop(tokio::spawn(connection));
        let mut request = hyper::Request::builder().method(self.method.as_str()).uri(self.path);
        if let Some(headers) = request.headers_mut() {
            *headers = self.headers;
        }
        Ok(sender.send_request(request.body(Full::new(self.body))?).await?)
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// Fails unless the status is this.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> &str {
        let value =
            self.headers.get(name).unwrap_or_else(|| panic!("no header {name} in {:?}", self.headers));
        value.to_str().unwrap()
    }

    /// The body as a problem (RFC 9457) with this status and code.
    pub fn problem(self, status: u16, code: &str) -> Value {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem = answer.json();
        assert_eq!(problem["code"], code, "{problem:#}");
        assert_eq!(problem["status"], status, "{problem:#}");
        problem
    }
}
