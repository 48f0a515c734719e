//! One attempt at a job: load, draw, store, record, tell.

use super::{deliver, deliver_preview};
use crate::domain::{
    Clock, Fence, GenerationRequest, Job, JobError, JobId, JobImage, Outcome, Timestamp, Warning, limits,
};
use crate::error::{ErrorKind, PortError, PortResult};
use crate::ports::{Drawn, DrawnImage, Generated, ImageModel, Ports, SourceBytes};
use crate::provenance;
use futures_util::{
    StreamExt,
    future::{Either, select},
};
use std::{pin::pin, sync::Arc, time::Duration};

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Ran {
    /// The job has ended. No event follows its last one, so this says whether everybody has heard it.
    Ended(Box<Job>, Told),
    /// The attempt failed; the job waits for another from its `not_before` on.
    Requeued(Box<Job>),
    /// The job had ended, or another attempt took over: nothing was written.
    Superseded,
}

/// Whether those who listen were told what is in the job's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Everybody was, or is gone.
    All,
    /// Somebody could not be: [`deliver`](super::deliver) makes up for it.
    NotAll,
}

/// Makes one attempt at the job `id`: [`begin_job`], the drawing, [`settle_job`].
///
/// Safe to run again at any point, also while another is at it: the later attempt takes over, the earlier one can't
/// write any more. Dropping the future stops the drawing; the job stays `running` until it is begun again.
/// `jitter` is a random fraction in `0.0..1.0` that spreads attempts in time. What can't be delivered stays in the
/// job's log, for the next delivery or subscription; see [`Told`].
///
/// # Errors
/// Those of [`JobRepo`](crate::ports::JobRepo), when what happened could not be recorded: run it again.
pub async fn run_job(ports: &Ports, id: &JobId, clock: &dyn Clock, jitter: f64) -> PortResult<Ran> {
    run_job_until(ports, id, clock, jitter, std::future::pending(), &|_| {}).await
}

/// As [`run_job`], until `stop` is ready: then the drawing stops and the job goes back in line at once, without this
/// attempt counting against it. For a worker that is stopped in good order. `failed` is told of the error that made the
/// attempt fail, with all its causes, for the log: the job keeps only what its owner may see.
///
/// # Errors
/// As [`run_job`].
pub async fn run_job_until(
    ports: &Ports,
    id: &JobId,
    clock: &dyn Clock,
    jitter: f64,
    stop: impl Future<Output = ()> + Send,
    failed: &(dyn Fn(&PortError) + Sync),
) -> PortResult<Ran> {
    let job = match begin_job(ports, id, clock, jitter).await? {
        Begun::Attempt(job) => job,
        Begun::Over(ran) => return Ok(ran),
    };
    let fence = job.fence();
    let drawing = pin!(draw(ports, &job, &fence, clock));
    let drawn = match select(drawing, pin!(stop)).await {
        Either::Left((drawn, _)) => drawn,
        Either::Right(((), _)) => {
            return settle_job(ports, &job, Err(JobError::interrupted()), clock, jitter).await;
        }
    };
    match drawn {
        Ok(images) => settle(ports, &job, Ok(images), clock, jitter, failed).await,
        Err(Stop::Failed(error)) => {
            failed(&error);
            settle_job(ports, &job, Err(JobError::of(&error)), clock, jitter).await
        }
        Err(Stop::Unrecorded(error)) => superseded(error),
    }
}

/// What [`begin_job`] found.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// An attempt has begun: draw, then [`settle_job`].
    Attempt(Box<Job>),
    /// There is nothing to draw.
    Over(Ran),
}

/// The first half of an attempt, for a model that answers elsewhere and later: it takes the right to write from any
/// earlier attempt and tells those who listen. A job that was begun too often is ended.
///
/// # Errors
/// As [`run_job`].
pub async fn begin_job(ports: &Ports, id: &JobId, clock: &dyn Clock, jitter: f64) -> PortResult<Begun> {
    let job = match ports.jobs.begin(id, clock.now()).await {
        Ok(job) => job,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Begun::Over(Ran::Superseded)),
        Err(error) => return superseded(error).map(Begun::Over),
    };
    let told = tell(ports, id, clock.now()).await;
    if job.status.is_terminal() {
        return Ok(Begun::Over(Ran::Ended(Box::new(job), told)));
    }
    if job.counted_attempts() > limits::ATTEMPTS_MAX {
        let ran = settle_job(ports, &job, Err(exhausted(&job)), clock, jitter).await;
        return ran.map(Begun::Over);
    }
    Ok(Begun::Attempt(Box::new(job)))
}

/// The second half of an attempt: stores and records what came of it, and tells those who listen. `job` is as
/// [`begin_job`] gave it. A failure that may pass puts the job back in line, unless this was its last attempt.
///
/// # Errors
/// As [`run_job`].
pub async fn settle_job(
    ports: &Ports,
    job: &Job,
    drawn: Result<Vec<DrawnImage>, JobError>,
    clock: &dyn Clock,
    jitter: f64,
) -> PortResult<Ran> {
    settle(ports, job, drawn, clock, jitter, &|_| {}).await
}

async fn settle(
    ports: &Ports,
    job: &Job,
    drawn: Result<Vec<DrawnImage>, JobError>,
    clock: &dyn Clock,
    jitter: f64,
    failed: &(dyn Fn(&PortError) + Sync),
) -> PortResult<Ran> {
    let fence = job.fence();
    let stored = match drawn {
        Ok(images) => keep(ports, job, images, clock).await.map_err(|error| {
            failed(&error);
            JobError::of(&error)
        }),
        Err(error) => Err(error),
    };
    let recorded = match stored {
        Ok(outcome) => ports.jobs.finish(&fence, outcome, clock.now()).await.map(Ended),
        Err(error) if error == JobError::interrupted() => {
            let now = clock.now();
            ports.jobs.requeue(&fence, error, now, now).await.map(Requeued)
        }
        // It waits until there is space: however often that takes, it is no fault of the job's.
        Err(error) if error.is_of_space() => {
            let now = clock.now();
            let not_before = now.after(backoff(job.attempts, jitter));
            ports.jobs.requeue(&fence, error, not_before, now).await.map(Requeued)
        }
        Err(error) if error.retryable && job.counted_attempts() < limits::ATTEMPTS_MAX => {
            let now = clock.now();
            let not_before = now.after(backoff(job.counted_attempts(), jitter));
            ports.jobs.requeue(&fence, error, not_before, now).await.map(Requeued)
        }
        Err(error) => ports.jobs.finish(&fence, Outcome::Failed(error), clock.now()).await.map(Ended),
    };
    let recorded = match recorded {
        Ok(recorded) => recorded,
        Err(error) => return superseded(error),
    };
    let told = tell(ports, &job.id, clock.now()).await;
    Ok(match recorded {
        Ended(job) => Ran::Ended(Box::new(job), told),
        Requeued(job) => Ran::Requeued(Box::new(job)),
    })
}

/// Ends the job `id` as failed with `error`, whoever is at it: for what carries jobs through when it gives one up.
/// A job that has ended stays as it is.
///
/// # Errors
/// As [`run_job`].
pub async fn give_up(ports: &Ports, id: &JobId, error: JobError, clock: &dyn Clock) -> PortResult<Ran> {
    let job = match ports.jobs.begin(id, clock.now()).await {
        Ok(job) => job,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Ran::Superseded),
        Err(error) => return superseded(error),
    };
    let ended = if job.status.is_terminal() {
        job
    } else {
        match ports.jobs.finish(&job.fence(), Outcome::Failed(error), clock.now()).await {
            Ok(job) => job,
            Err(error) => return superseded(error),
        }
    };
    let told = tell(ports, id, clock.now()).await;
    Ok(Ran::Ended(Box::new(ended), told))
}

/// An attempt that lost its right to write has nothing more to do; any other error is the caller's.
fn superseded(error: PortError) -> PortResult<Ran> {
    if error.kind() == ErrorKind::Conflict { Ok(Ran::Superseded) } else { Err(error) }
}

enum Recorded {
    Ended(Job),
    Requeued(Job),
}
use Recorded::{Ended, Requeued};

/// Why an attempt stops early.
enum Stop {
    /// The attempt failed, and that is to be recorded.
    Failed(PortError),
    /// Something could not be recorded.
    Unrecorded(PortError),
}

async fn draw(ports: &Ports, job: &Job, fence: &Fence, clock: &dyn Clock) -> Result<Vec<DrawnImage>, Stop> {
    let model = find_model(ports, &job.request).map_err(Stop::Failed)?;
    let source = load_source(ports, &job.request).await.map_err(Stop::Failed)?;
    let drawn = model.generate(&job.request, source).await.map_err(Stop::Failed)?;
    follow(ports, job, fence, clock, drawn).await
}

/// Stores the pictures, each with how it was made written into it and signed, together, right before they are recorded: one
/// that waited long for the others to be drawn would look to the sweep like one that nothing refers to.
async fn keep(ports: &Ports, job: &Job, images: Vec<DrawnImage>, clock: &dyn Clock) -> PortResult<Outcome> {
    let mut images = check_complete(images, job.request.count)?;
    let mut warnings = Vec::new();
    if is_generated(ports, &job.request) {
        let stated = images.into_iter().map(|image| provenance::state(image, &job.request));
        images = stated.collect::<PortResult<Vec<_>>>()?;
        warnings = sign(ports, &mut images, &job.request).await.into_iter().collect();
    }
    for image in &images {
        ports.images.put(&image.picture, clock.now()).await?;
    }
    Ok(Outcome::Succeeded { images: images.iter().map(by_reference).collect(), warnings })
}

/// Signs the pictures, where there is a signer. No picture is lost over it: one that can't be signed stays as it is, and
/// the job's owner is told.
async fn sign(ports: &Ports, images: &mut [DrawnImage], request: &GenerationRequest) -> Option<Warning> {
    let signer = ports.signer.as_ref()?;
    let mut failed = None;
    for image in images.iter_mut().filter(|image| !provenance::is_signed(image)) {
        match signer.sign(&image.picture, &provenance::title(request)).await {
            Ok(signed) => image.picture = signed,
            Err(error) => failed = Some(error),
        }
    }
    failed.map(|error| Warning {
        code: Warning::UNSIGNED.to_owned(),
        detail: format!("not every picture could be signed with Content Credentials: {}", error.message()),
        word: None,
    })
}

/// Whether the pictures of this request must say that they are generated: also those of a model that is gone.
fn is_generated(ports: &Ports, request: &GenerationRequest) -> bool {
    ports.models.get(&request.model).is_none_or(|model| model.card().generative)
}

fn find_model<'a>(ports: &'a Ports, request: &GenerationRequest) -> PortResult<&'a Arc<dyn ImageModel>> {
    ports.models.get(&request.model).ok_or_else(|| {
        let message = format!("the model {} is not here any more; generate with another", request.model);
        PortError::new(ErrorKind::Invalid, "run_job::find_model", message)
    })
}

/// The pictures that the request starts from, for a model that is asked elsewhere than in [`run_job`].
///
/// # Errors
/// Those of [`ImageStore`](crate::ports::ImageStore).
pub async fn load_source(ports: &Ports, request: &GenerationRequest) -> PortResult<Option<SourceBytes>> {
    let Some(source) = &request.source else { return Ok(None) };
    let image = ports.images.get(&source.image).await?;
    let mask = match &source.mask {
        Some(mask) => Some(ports.images.get(mask).await?),
        None => None,
    };
    Ok(Some(SourceBytes { image, mask }))
}

/// Follows the model to the end of its stream: notes steps, shows previews, collects pictures.
async fn follow(
    ports: &Ports,
    job: &Job,
    fence: &Fence,
    clock: &dyn Clock,
    mut drawn: Drawn,
) -> Result<Vec<DrawnImage>, Stop> {
    let mut images = Vec::new();
    while let Some(generated) = drawn.next().await {
        match generated.map_err(Stop::Failed)? {
            Generated::Progress(progress) => {
                match ports.jobs.advance(fence, progress, clock.now()).await {
                    // A step less in the log: by the end of the drawing there may be space.
                    Err(error) if error.kind() == ErrorKind::Exhausted => continue,
                    noted => noted.map_err(Stop::Unrecorded)?,
                }
                tell(ports, &job.id, clock.now()).await;
            }
            Generated::Preview(preview) => {
                // Shown to those who are there, or to nobody.
                drop(deliver_preview(ports, &job.id, &preview, clock.now()).await);
            }
            Generated::Image(image) => images.push(image),
        }
    }
    Ok(images)
}

fn by_reference(image: &DrawnImage) -> JobImage {
    JobImage {
        index: image.index,
        sha256: *image.picture.id(),
        content_type: image.picture.content_type(),
        bytes: image.picture.bytes().len() as u64,
        width: image.width,
        height: image.height,
        seed: image.seed,
    }
}

fn check_complete(mut images: Vec<DrawnImage>, count: u32) -> PortResult<Vec<DrawnImage>> {
    images.sort_by_key(|image| image.index);
    if images.iter().map(|image| image.index).eq(0..count) {
        return Ok(images);
    }
    let message = format!("the model gave {} images where {count} were asked for", images.len());
    Err(PortError::new(ErrorKind::Data, "ImageModel::generate", message))
}

fn exhausted(job: &Job) -> JobError {
    JobError {
        code: "attempts_exhausted".to_owned(),
        message: format!(
            "given up: {} attempts were begun and none came to an end; the worker may have died each time",
            job.counted_attempts() - 1
        ),
        retryable: true,
    }
}

/// Exponential, with half of it left to chance, so that jobs that failed together don't come back together.
fn backoff(attempts: u32, jitter: f64) -> Duration {
    let doubled = limits::BACKOFF_BASE.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    doubled.min(limits::BACKOFF_MAX).mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
}

/// How often a delivery is tried: after a job's last event no other one follows that would make up for it.
const TELLS: u32 = 3;

/// Tells those who listen. What fails here is made up for by the next delivery or subscription: it is all in the log.
async fn tell(ports: &Ports, id: &JobId, now: Timestamp) -> Told {
    for _ in 0..TELLS {
        if deliver(ports, id, now).await.is_ok() {
            return Told::All;
        }
    }
    Told::NotAll
}
