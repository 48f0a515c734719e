//! The harness of the whole-system tests: the real `tintype` as a process, and clients that speak to it over real
//! sockets. A harness has no errors of its own: what it does not expect fails the test that asked for it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a harness does not expect fails its test")]

mod binary;
mod event_stream;
pub mod pictures;
pub mod raw;
mod rest;
mod server;
mod socket;

pub use binary::command;
pub use event_stream::{EventStream, StreamEvent};
pub use rest::{Answer, Client, Request};
pub use server::{Server, Settings, Stopped, key_section};
pub use socket::Socket;

use serde_json::Value;
use std::time::Duration;
use tintype_core::domain::BlobId;

/// How long anything that should come may take to come, on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The SHA-256 of `bytes` as the API writes it.
pub fn sha256(bytes: &[u8]) -> String {
    BlobId::of(bytes).to_string()
}

/// The text at `pointer`.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text at {pointer} in {value:#}"))
}

/// The number at `pointer`.
pub fn number(value: &Value, pointer: &str) -> u64 {
    value
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or_else(|| panic!("no number at {pointer} in {value:#}"))
}

/// Whether a message or an event of this type is the last of its job.
pub fn is_terminal(kind: &str) -> bool {
    matches!(kind, "job.succeeded" | "job.failed" | "job.canceled" | "job.expired")
}

/// Waits, but no longer than [`PATIENCE`].
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {} s for {what}", PATIENCE.as_secs()),
    }
}
