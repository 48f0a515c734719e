//! The server over HTTP: requests, answers, problems in words. What a verb does with them stands in its own file.

mod events;
pub(crate) mod problem;
pub(crate) mod views;

use crate::failure::{Exit, Failure, Outcome};
pub(crate) use events::{PATIENCE, Told};
use serde_json::Value;
use std::time::Duration;
use ureq::{
    Agent, Body, RequestBuilder,
    http::{Response, StatusCode},
};

/// Where a server is looked for when none is named.
pub(crate) const DEFAULT_SERVER: &str = "http://127.0.0.1:7860";
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(60);
/// How long a stream of events may be silent: the server sends a sign of life more often.
const SILENCE: Duration = Duration::from_secs(60);
/// The most bytes of an answer.
const ANSWER_BYTES: u64 = 256 * 1024 * 1024;

/// A server, and who we are to it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    base: String,
    key: Option<String>,
    agent: Agent,
    /// Whether the server was named, or is just looked for.
    pub(crate) named: bool,
}

impl Client {
    /// A client of `server`, or of this machine's.
    ///
    /// # Errors
    /// If the URL is none.
    pub(crate) fn new(server: Option<&str>, key: Option<String>) -> Outcome<Self> {
        let base = server.unwrap_or(DEFAULT_SERVER).trim_end_matches('/');
        let rest = base.strip_prefix("http://").or_else(|| base.strip_prefix("https://"));
        let Some(rest) = rest.filter(|rest| !rest.is_empty()) else {
            return Err(Failure::usage(format!("the server {base:?} is no URL"))
                .hint(format!("it looks like {DEFAULT_SERVER}")));
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("tintype/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_per_read(Some(SILENCE));
        // A proxy for the world outside must not see what goes to this machine.
        let config = if is_loopback(rest) { config.proxy(None) } else { config };
        Ok(Self { base: base.to_owned(), key, agent: config.build().new_agent(), named: server.is_some() })
    }

    /// The server's URL, without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Asks for JSON.
    pub(crate) fn get(&self, path: &str) -> Outcome<Value> {
        let request = self.authorized(self.agent.get(self.url(path)), path);
        self.json(request.header("accept", "application/json").call())
    }

    /// Sends JSON, gets JSON.
    pub(crate) fn post(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Outcome<Value> {
        self.send(path, body, headers).and_then(|answer| self.json(Ok(answer)))
    }

    /// Sends JSON, gets JSON, and whether it is of something new (201).
    pub(crate) fn post_new(&self, path: &str, body: &Value) -> Outcome<(bool, Value)> {
        let answer = self.send(path, body, &[])?;
        let is_new = answer.status() == StatusCode::CREATED;
        Ok((is_new, self.json(Ok(answer))?))
    }

    fn send(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Outcome<Response<Body>> {
        let mut request = self.authorized(self.agent.post(self.url(path)), path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.check(request.header("content-type", "application/json").send(body.to_string().as_bytes()))
    }

    /// Removes what is at a path; what the server says of it, if anything.
    pub(crate) fn delete(&self, path: &str) -> Outcome<Option<Value>> {
        let answer = self.authorized(self.agent.delete(self.url(path)), path).call();
        match answer {
            Ok(answer) if answer.status() == StatusCode::NO_CONTENT => Ok(None),
            answer => self.json(answer).map(Some),
        }
    }

    /// The bytes at a path of the server, or at a URL it named.
    pub(crate) fn bytes(&self, path: &str) -> Outcome<Vec<u8>> {
        let answer = self.authorized(self.agent.get(self.url(path)), path).call();
        let mut answer = self.check(answer)?;
        answer.body_mut().with_config().limit(ANSWER_BYTES).read_to_vec().map_err(|error| self.broken(&error))
    }

    /// A path of the server as a URL; a URL it named, as it is.
    pub(crate) fn url(&self, path: &str) -> String {
        if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() }
    }

    /// The key goes to the server alone, never to a CDN that a URL may name.
    fn authorized<B>(&self, request: RequestBuilder<B>, path: &str) -> RequestBuilder<B> {
        match &self.key {
            Some(key) if self.is_own(path) => request.header("authorization", format!("Bearer {key}")),
            _ => request,
        }
    }

    fn is_own(&self, path: &str) -> bool {
        path.strip_prefix(&self.base).unwrap_or(path).starts_with('/')
    }

    fn json(&self, answer: Result<Response<Body>, ureq::Error>) -> Outcome<Value> {
        let mut answer = self.check(answer)?;
        let text = answer
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES)
            .read_to_string()
            .map_err(|error| self.broken(&error))?;
        serde_json::from_str(&text).map_err(|_| self.stranger())
    }

    fn check(&self, answer: Result<Response<Body>, ureq::Error>) -> Outcome<Response<Body>> {
        let mut answer = answer.map_err(|error| self.unreachable(&error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        Err(match serde_json::from_str(&text) {
            Ok(problem) => problem::in_words(status, &problem),
            Err(_) if matches!(status, 404 | 405) => self.stranger(),
            Err(_) => Failure::failed(format!("{} answers with HTTP {status}", self.base)),
        })
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let reason = if let ureq::Error::Io(error) = error { error.to_string() } else { error.to_string() };
        let failure = Failure::new(Exit::NoServer, format!("no server answers at {}: {reason}", self.base));
        if self.named {
            failure.hint("check --server and TINTYPE_SERVER, and that it runs there")
        } else {
            failure
                .hint("start one in another terminal: tintype serve")
                .hint("or name the one to use: --server URL, or TINTYPE_SERVER")
        }
    }

    fn broken(&self, error: &ureq::Error) -> Failure {
        Failure::failed(format!("the answer of {} broke off: {error}", self.base))
    }

    /// Something answers, but not as Tintype does: other programs like this port too.
    fn stranger(&self) -> Failure {
        Failure::new(Exit::NoServer, format!("what answers at {} is no Tintype server", self.base))
            .hint("name the one to use: --server URL, or TINTYPE_SERVER")
    }
}

fn is_loopback(rest: &str) -> bool {
    let host = rest.split('/').next().unwrap_or_default();
    host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_a_scheme_is_refused_with_an_example() {
        let failure = Client::new(Some("example.com"), None).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.hints[0].contains("http://"));
    }

    #[test]
    fn paths_go_below_the_server_and_urls_stay_as_they_are() {
        let client = Client::new(Some("https://example.com/prod/"), None).unwrap();
        assert_eq!(client.url("/jobs"), "https://example.com/prod/jobs");
        assert_eq!(client.url("https://cdn.example.com/x"), "https://cdn.example.com/x");
    }

    #[test]
    fn the_key_goes_to_the_server_however_it_names_itself_and_to_no_other() {
        let client = Client::new(Some("https://example.com/prod"), None).unwrap();
        assert!(client.is_own("/jobs") && client.is_own("https://example.com/prod/jobs"));
        for other in
            ["https://cdn.example.com/x", "https://example.com/products", "https://example.com/other/x"]
        {
            assert!(!client.is_own(other), "{other}");
        }
    }

    #[test]
    fn nobody_there_is_told_apart_from_a_failure() {
        let client = Client::new(Some("http://127.0.0.1:1"), None).unwrap();
        assert_eq!(client.get("/version").unwrap_err().exit, Exit::NoServer);
    }
}
