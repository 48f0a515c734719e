//! What this command reads of the server's JSON. Fields it doesn't know are ignored, so that it gets on with a newer
//! server.

use crate::failure::{Failure, Outcome};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tintype_core::domain::{JobError, JobStatus, Labels, Progress, Timestamp, Warning};

/// A job.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) status: JobStatus,
    pub(crate) request: Request,
    #[serde(default)]
    pub(crate) images: Vec<JobImage>,
    pub(crate) error: Option<JobError>,
    pub(crate) progress: Option<Progress>,
    pub(crate) queue_position: Option<u32>,
    pub(crate) eta_s: Option<u32>,
    #[serde(default)]
    pub(crate) warnings: Vec<Warning>,
    #[serde(default)]
    pub(crate) attempts: u32,
    pub(crate) retry_of: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// What a job or an image was asked to be.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Request {
    pub(crate) prompt: String,
    pub(crate) negative_prompt: Option<String>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) steps: u32,
    pub(crate) guidance_scale: f64,
    pub(crate) seed: u32,
    pub(crate) count: u32,
    pub(crate) model: String,
    pub(crate) scheduler: String,
    pub(crate) deadline_s: Option<u32>,
    #[serde(default)]
    pub(crate) labels: Labels,
}

/// An image that a job made.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct JobImage {
    pub(crate) index: u32,
    pub(crate) url: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) content_type: String,
    #[serde(default)]
    pub(crate) bytes: u64,
    pub(crate) seed: u32,
}

/// An image in the library.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Image {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bytes: u64,
    pub(crate) content_type: String,
    pub(crate) prompt: Option<String>,
    pub(crate) request: Option<Request>,
    pub(crate) seed: Option<u32>,
    pub(crate) title: Option<String>,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    pub(crate) saved_at: Timestamp,
    pub(crate) trashed_at: Option<Timestamp>,
}

/// A collection.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Collection {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) note: Option<String>,
}

/// A message of a job's event stream.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Event {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) seq: Option<u64>,
    #[serde(default)]
    pub(crate) data: Value,
}

impl Event {
    /// What a job that was asked for tells in place of its last event.
    ///
    /// # Errors
    /// As [`read`].
    pub(crate) fn of_job(job: &Value) -> Outcome<Self> {
        let status: JobStatus = read(&job["status"])?;
        let kind = format!("job.{}", status.name());
        Ok(Self { kind, seq: job["last_seq"].as_u64(), data: job.clone() })
    }

    /// Whether it tells of its job's end.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self.kind.as_str(), "job.succeeded" | "job.failed" | "job.canceled" | "job.expired")
    }
}

/// Reads `value` as one of these.
///
/// # Errors
/// If the server speaks another language than this command.
pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> Outcome<T> {
    T::deserialize(value).map_err(|error| {
        Failure::failed(format!("the server's answer is not understood: {error}"))
            .hint("compare the versions of command and server: tintype version")
    })
}
