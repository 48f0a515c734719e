//! A job's log: what happened to it, numbered from 1 without gaps.

use super::{JobError, JobId, JobImage, Progress, Timestamp};
use serde::{Deserialize, Serialize};

/// The number of an event in its job's log: the first is 1; 0 is "before the first".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seq(pub u64);

impl Seq {
    /// The number of the event after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// One entry of a job's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobEvent {
    /// Whose log it is in.
    pub job_id: JobId,
    /// Its number there.
    pub seq: Seq,
    /// When it happened.
    pub time: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What happened to a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum EventBody {
    /// It waits for a worker: accepted, or an attempt failed and another will follow.
    #[serde(rename = "job.queued")]
    Queued {
        /// Attempts so far: 0 when the job was just accepted.
        attempts: u32,
        /// Why the last attempt failed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        error: Option<JobError>,
    },
    /// A worker began it.
    #[serde(rename = "job.running")]
    Running {
        /// Which attempt this is, from 1.
        attempt: u32,
    },
    /// A step was done.
    #[serde(rename = "job.progress")]
    Progress(Progress),
    /// It has its images.
    #[serde(rename = "job.succeeded")]
    Succeeded {
        /// The images, in order.
        images: Vec<JobImage>,
    },
    /// It was given up.
    #[serde(rename = "job.failed")]
    Failed {
        /// Why.
        error: JobError,
    },
    /// Its owner stopped it.
    #[serde(rename = "job.canceled")]
    Canceled {},
    /// Its deadline passed before it started.
    #[serde(rename = "job.expired")]
    Expired {},
}

impl EventBody {
    /// The event's type as clients see it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "job.queued",
            Self::Running { .. } => "job.running",
            Self::Progress(_) => "job.progress",
            Self::Succeeded { .. } => "job.succeeded",
            Self::Failed { .. } => "job.failed",
            Self::Canceled {} => "job.canceled",
            Self::Expired {} => "job.expired",
        }
    }

    /// Whether it is the last of its log.
    pub const fn is_terminal(&self) -> bool {
        match self {
            Self::Succeeded { .. } | Self::Failed { .. } | Self::Canceled {} | Self::Expired {} => true,
            Self::Queued { .. } | Self::Running { .. } | Self::Progress(_) => false,
        }
    }
}
