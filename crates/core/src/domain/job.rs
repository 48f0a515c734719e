//! A job and its life: `queued -> running -> succeeded | failed`, back to `queued` for another attempt, `canceled`
//! from either, `expired` from `queued`. Every adapter changes a job through these methods, so the rules stand here
//! once; an adapter makes the change and its event durable together.

use super::{
    BlobId, ContentType, EventBody, GenerationRequest, IdempotencyKey, JobEvent, JobId, OwnerId, Seq,
    Timestamp, limits,
};
use crate::error::{ErrorKind, PortError, PortResult};
use serde::{Deserialize, Serialize};
use std::{str::FromStr, time::Duration};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// It waits for a worker.
    Queued,
    /// A worker is at it.
    Running,
    /// It has its images.
    Succeeded,
    /// It was given up; it can be retried as a new job.
    Failed,
    /// Its owner stopped it.
    Canceled,
    /// Its deadline passed before it started.
    Expired,
}

impl JobStatus {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Canceled, Self::Expired];

    /// Whether a job never leaves it.
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Canceled | Self::Expired => true,
        }
    }

    /// The status as clients see it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }
}

impl FromStr for JobStatus {
    type Err = super::BadId;

    fn from_str(text: &str) -> Result<Self, super::BadId> {
        Self::ALL.into_iter().find(|status| status.name() == text).ok_or(super::BadId("job status"))
    }
}

/// How far a running job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The image that is being drawn, from 0.
    pub image: u32,
    /// Steps done, over all images of the job.
    pub step: u32,
    /// Steps in all.
    pub steps: u32,
}

/// Why a job failed, or an attempt of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// The sort of failure: an [`ErrorKind`]'s code, `attempts_exhausted` or `interrupted`.
    pub code: String,
    /// What went wrong, for a person.
    pub message: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
}

impl JobError {
    const INTERRUPTED: &str = "interrupted";

    /// The end of an attempt whose worker was stopped in good order, through no fault of the job's.
    pub fn interrupted() -> Self {
        Self {
            code: Self::INTERRUPTED.to_owned(),
            message: "the worker was stopped; the attempt is made again".to_owned(),
            retryable: true,
        }
    }

    /// The error of a model or a store, as the job's owner sees it.
    pub fn of(error: &PortError) -> Self {
        Self {
            code: error.kind().code().to_owned(),
            message: error.message().to_owned(),
            retryable: error.is_retryable(),
        }
    }

    /// Whether there was no space for what the attempt made.
    pub fn is_of_space(&self) -> bool {
        self.code == ErrorKind::Exhausted.code()
    }

    /// Whether an attempt that ends with it counts towards [`ATTEMPTS_MAX`](limits::ATTEMPTS_MAX).
    fn counts(&self) -> bool {
        self.code != Self::INTERRUPTED && !self.is_of_space()
    }
}

/// Something a person should know of a job that was accepted, or succeeded, all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The sort of warning: `unknown_word` or [`unsigned`](Self::UNSIGNED).
    pub code: String,
    /// The warning, for a person.
    pub detail: String,
    /// The word it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub word: Option<String>,
}

impl Warning {
    /// The code of pictures that could not be signed. It is told at the job's end.
    pub const UNSIGNED: &str = "unsigned";
}

/// An image a job made, by reference: its bytes are in the image store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobImage {
    /// Its place in the job, from 0.
    pub index: u32,
    /// The address of its bytes.
    pub sha256: BlobId,
    /// What the bytes are.
    pub content_type: ContentType,
    /// How many bytes.
    pub bytes: u64,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The seed it was drawn from.
    pub seed: super::Seed,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With images.
    Succeeded {
        /// The images, whose bytes are stored.
        images: Vec<JobImage>,
        /// What its owner should know of them.
        warnings: Vec<Warning>,
    },
    /// With this error, for good.
    Failed(JobError),
}

/// The right of one attempt to write. A later attempt takes it away, and so does the job's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The job.
    pub job_id: JobId,
    /// The attempt, from 1: the fencing token.
    pub attempt: u32,
}

/// A client's key for one request, and what it asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The key.
    pub key: IdempotencyKey,
    /// The hash of the request: the same key with another one is refused.
    pub fingerprint: BlobId,
}

/// A job about to be accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub owner: OwnerId,
    /// What to draw.
    pub request: GenerationRequest,
    /// What its owner should know.
    pub warnings: Vec<Warning>,
    /// The job that this one repeats.
    pub retry_of: Option<JobId>,
    /// The time now.
    pub now: Timestamp,
}

/// A job: one request on its way to its images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub owner: OwnerId,
    /// Where it stands.
    pub status: JobStatus,
    /// What to draw.
    pub request: GenerationRequest,
    /// Its images, once it succeeded.
    pub images: Vec<JobImage>,
    /// Why it, or its last attempt, failed.
    pub error: Option<JobError>,
    /// How far it is.
    pub progress: Option<Progress>,
    /// What its owner should know.
    pub warnings: Vec<Warning>,
    /// How often it was begun.
    pub attempts: u32,
    /// How many of these attempts ended through no fault of the job's: the worker was stopped in good order, or there was no
    /// space for the result.
    #[serde(default)]
    pub interruptions: u32,
    /// The job that this one repeats.
    pub retry_of: Option<JobId>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it was first begun.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// From when it may be begun (again).
    pub not_before: Timestamp,
    /// Until when it may wait to be begun the first time.
    pub deadline: Timestamp,
    /// From when it is not shown any more.
    pub expires_at: Timestamp,
    /// The number of the last event in its log.
    pub last_seq: Seq,
}

/// The number of a log's first event.
const FIRST: Seq = Seq(1);

impl Job {
    /// Accepts a job; the event is the first of its log.
    pub fn accept(new: NewJob) -> (Self, JobEvent) {
        let deadline = new.now.after(Duration::from_secs(new.request.deadline_s.into()));
        let job = Self {
            id: new.id,
            owner: new.owner,
            status: JobStatus::Queued,
            request: new.request,
            images: Vec::new(),
            error: None,
            progress: None,
            warnings: new.warnings,
            attempts: 0,
            interruptions: 0,
            retry_of: new.retry_of,
            created_at: new.now,
            started_at: None,
            finished_at: None,
            not_before: new.now,
            deadline,
            // A bound for as long as it is not ended: every attempt moves it on.
            expires_at: deadline.after(limits::RESULT_RETENTION),
            last_seq: FIRST,
        };
        let event = Self::accepted(job.id, job.created_at);
        (job, event)
    }

    /// The first event of the log of a job that was accepted at `created_at`. Nothing in it is its own, so a store need
    /// not keep it.
    pub const fn accepted(job_id: JobId, created_at: Timestamp) -> JobEvent {
        let body = EventBody::Queued { attempts: 0, error: None };
        JobEvent { job_id, seq: FIRST, time: created_at, body }
    }

    /// Whether its deadline passed before it was first begun, or while it waits for space for its result.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        let waits_for_space = self.error.as_ref().is_some_and(JobError::is_of_space);
        self.status == JobStatus::Queued && (self.attempts == 0 || waits_for_space) && now >= self.deadline
    }

    /// Whether it may still be shown.
    pub fn is_shown(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// How many attempts count towards [`ATTEMPTS_MAX`](limits::ATTEMPTS_MAX): not those that were interrupted or
    /// found no space for their result.
    pub const fn counted_attempts(&self) -> u32 {
        self.attempts.saturating_sub(self.interruptions)
    }

    /// The right to write of the attempt that was begun last.
    pub const fn fence(&self) -> Fence {
        Fence { job_id: self.id, attempt: self.attempts }
    }

    /// Begins an attempt. Any earlier attempt loses its right to write.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if the job has ended.
    pub fn begin(&mut self, now: Timestamp) -> PortResult<JobEvent> {
        if self.status.is_terminal() {
            return Err(self.refuse("JobRepo::begin", "the job has already ended"));
        }
        self.status = JobStatus::Running;
        self.attempts += 1;
        self.progress = None;
        self.started_at.get_or_insert(now);
        self.expires_at = self.expires_at.max(now.after(limits::RESULT_RETENTION));
        Ok(self.log(EventBody::Running { attempt: self.attempts }, now))
    }

    /// Notes a step.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if the attempt lost its right to write.
    pub fn advance(&mut self, fence: &Fence, progress: Progress, now: Timestamp) -> PortResult<JobEvent> {
        self.check(fence, "JobRepo::advance")?;
        self.progress = Some(progress);
        Ok(self.log(EventBody::Progress(progress), now))
    }

    /// Puts it back in line after a failed or interrupted attempt, not to be begun before `not_before`.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if the attempt lost its right to write.
    pub fn requeue(
        &mut self,
        fence: &Fence,
        error: JobError,
        not_before: Timestamp,
        now: Timestamp,
    ) -> PortResult<JobEvent> {
        self.check(fence, "JobRepo::requeue")?;
        self.status = JobStatus::Queued;
        self.progress = None;
        self.interruptions += u32::from(!error.counts());
        self.error = Some(error.clone());
        self.not_before = not_before;
        Ok(self.log(EventBody::Queued { attempts: self.attempts, error: Some(error) }, now))
    }

    /// Ends it. `None` if this attempt has ended it before: saying so twice changes nothing.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if the attempt lost its right to write.
    pub fn finish(
        &mut self,
        fence: &Fence,
        outcome: Outcome,
        now: Timestamp,
    ) -> PortResult<Option<JobEvent>> {
        let repeats = match &outcome {
            Outcome::Succeeded { .. } => self.status == JobStatus::Succeeded,
            Outcome::Failed(_) => self.status == JobStatus::Failed,
        };
        if repeats && fence.attempt == self.attempts {
            return Ok(None);
        }
        self.check(fence, "JobRepo::finish")?;
        let event = match outcome {
            Outcome::Succeeded { images, warnings } => {
                self.images.clone_from(&images);
                self.warnings.extend(warnings);
                self.error = None;
                self.end(JobStatus::Succeeded, EventBody::Succeeded { images }, now)
            }
            Outcome::Failed(error) => {
                self.error = Some(error.clone());
                self.end(JobStatus::Failed, EventBody::Failed { error }, now)
            }
        };
        Ok(Some(event))
    }

    /// Stops it for its owner. `None` if it has ended: it stays as it is.
    pub fn cancel(&mut self, now: Timestamp) -> Option<JobEvent> {
        (!self.status.is_terminal()).then(|| self.end(JobStatus::Canceled, EventBody::Canceled {}, now))
    }

    /// Ends it if its deadline passed before it was begun; `None` if not.
    pub fn expire(&mut self, now: Timestamp) -> Option<JobEvent> {
        self.is_overdue(now).then(|| self.end(JobStatus::Expired, EventBody::Expired {}, now))
    }

    fn check(&self, fence: &Fence, operation: &'static str) -> PortResult<()> {
        if self.status.is_terminal() {
            return Err(self.refuse(operation, "the job has already ended"));
        }
        if self.status != JobStatus::Running || fence.attempt != self.attempts {
            return Err(self.refuse(operation, "a later attempt has taken over; this one may not write"));
        }
        Ok(())
    }

    fn refuse(&self, operation: &'static str, message: &str) -> PortError {
        PortError::new(ErrorKind::Conflict, operation, format!("{message} (job {})", self.id))
    }

    fn end(&mut self, status: JobStatus, body: EventBody, now: Timestamp) -> JobEvent {
        self.status = status;
        self.progress = None;
        self.finished_at = Some(now);
        self.expires_at = now.after(limits::RESULT_RETENTION);
        self.log(body, now)
    }

    fn log(&mut self, body: EventBody, time: Timestamp) -> JobEvent {
        self.last_seq = self.last_seq.next();
        JobEvent { job_id: self.id, seq: self.last_seq, time, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Entropy, GenerateInput, ModelCard, Seed, SourceInput};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn job() -> Job {
        let input = GenerateInput { prompt: Some("red heart".into()), ..GenerateInput::default() };
        let request =
            GenerationRequest::resolve(&input, SourceInput::default(), &ModelCard::example(), Seed(1))
                .unwrap();
        let id = JobId::new(NOW, &Entropy([1; 32]));
        Job::accept(NewJob {
            id,
            owner: OwnerId::local(),
            request,
            warnings: vec![],
            retry_of: None,
            now: NOW,
        })
        .0
    }

    const fn success(warnings: Vec<Warning>) -> Outcome {
        Outcome::Succeeded { images: vec![], warnings }
    }

    fn failure() -> JobError {
        JobError { code: "unavailable".into(), message: "no answer".into(), retryable: true }
    }

    #[test]
    fn events_are_numbered_from_one_without_gaps() {
        let mut job = job();
        let running = job.begin(NOW).unwrap();
        let fence = job.fence();
        let step = job.advance(&fence, Progress { image: 0, step: 1, steps: 2 }, NOW).unwrap();
        let end = job.finish(&fence, success(vec![]), NOW).unwrap().unwrap();
        assert_eq!([running.seq, step.seq, end.seq], [Seq(2), Seq(3), Seq(4)]);
    }

    #[test]
    fn an_attempt_that_was_overtaken_may_not_write() {
        let mut job = job();
        job.begin(NOW).unwrap();
        let stale = job.fence();
        job.begin(NOW).unwrap();
        let error = job.finish(&stale, Outcome::Failed(failure()), NOW).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(job.status, JobStatus::Running);
    }

    #[test]
    fn an_attempt_that_was_put_back_may_not_write() {
        let mut job = job();
        job.begin(NOW).unwrap();
        let fence = job.fence();
        job.requeue(&fence, failure(), NOW, NOW).unwrap();
        assert!(job.advance(&fence, Progress { image: 0, step: 1, steps: 2 }, NOW).is_err());
    }

    #[test]
    fn an_interrupted_attempt_does_not_count() {
        let mut job = job();
        job.begin(NOW).unwrap();
        job.requeue(&job.fence(), JobError::interrupted(), NOW, NOW).unwrap();
        job.begin(NOW).unwrap();
        job.requeue(&job.fence(), failure(), NOW, NOW).unwrap();
        assert_eq!((job.attempts, job.counted_attempts()), (2, 1));
    }

    fn no_space() -> JobError {
        JobError::of(&PortError::new(ErrorKind::Exhausted, "ImageStore::put", "the disk is full"))
    }

    #[test]
    fn an_attempt_without_space_for_its_result_does_not_count() {
        let mut job = job();
        for _ in 0..2 * limits::ATTEMPTS_MAX {
            job.begin(NOW).unwrap();
            job.requeue(&job.fence(), no_space(), NOW, NOW).unwrap();
        }
        assert_eq!(job.counted_attempts(), 0);
    }

    #[test]
    fn a_job_that_waits_for_space_expires_at_its_deadline() {
        let mut job = job();
        job.begin(NOW).unwrap();
        job.requeue(&job.fence(), no_space(), NOW, NOW).unwrap();
        let late = NOW.after(Duration::from_secs(limits::DEADLINE_DEFAULT_S.into()));
        assert!(job.expire(NOW).is_none());
        assert!(job.expire(late).is_some());
    }

    #[test]
    fn a_terminal_state_never_changes() {
        let mut job = job();
        job.begin(NOW).unwrap();
        let fence = job.fence();
        job.cancel(NOW).unwrap();
        let canceled = job.clone();
        assert!(job.cancel(NOW).is_none());
        assert!(job.begin(NOW).is_err());
        assert!(job.finish(&fence, success(vec![]), NOW).is_err());
        assert_eq!(job, canceled);
    }

    #[test]
    fn finishing_twice_is_finishing_once() {
        let mut job = job();
        job.begin(NOW).unwrap();
        let fence = job.fence();
        job.finish(&fence, success(vec![]), NOW).unwrap().unwrap();
        assert_eq!(job.finish(&fence, success(vec![]), NOW).unwrap(), None);
    }

    #[test]
    fn what_is_told_at_its_end_comes_after_what_was_told_before() {
        let warning = |code: &str| Warning { code: code.into(), detail: "told".into(), word: None };
        let mut job = Job { warnings: vec![warning("unknown_word")], ..job() };
        job.begin(NOW).unwrap();
        job.finish(&job.fence(), success(vec![warning("unsigned")]), NOW).unwrap().unwrap();
        assert_eq!(job.warnings, [warning("unknown_word"), warning("unsigned")]);
    }

    #[test]
    fn only_a_job_never_begun_expires() {
        let late = NOW.after(Duration::from_secs(limits::DEADLINE_DEFAULT_S.into()));
        let mut waiting = job();
        assert!(waiting.clone().expire(NOW).is_none());
        assert!(waiting.expire(late).is_some());
        let mut begun = job();
        begun.begin(NOW).unwrap();
        begun.requeue(&begun.fence(), failure(), NOW, NOW).unwrap();
        assert!(begun.expire(late).is_none());
    }
}
