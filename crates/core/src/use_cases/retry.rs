//! Repeating a job that came to no result.

use super::submit::{Submitted, accept};
use crate::domain::{
    Blob, BlobId, Entropy, Idempotency, IdempotencyKey, JobId, JobStatus, NewJob, OwnerId, SourceImage,
    Timestamp,
};
use crate::error::{Error, ErrorKind, PortError, Result};
use crate::imaging;
use crate::ports::Ports;

/// Accepts a new job with the request of the owner's job `id`, which stays as it is. Retrying a job again gives the
/// same new job.
///
/// # Errors
/// [`Error::NotFound`], also if a picture that it starts from is not kept any more, [`Error::NotReady`] if the job has not ended or has its images, [`Error::Port`].
pub async fn retry(
    ports: &Ports,
    owner: &OwnerId,
    id: &JobId,
    now: Timestamp,
    entropy: &Entropy,
) -> Result<Submitted> {
    let job = ports.jobs.find(owner, id, now).await?.ok_or(Error::NotFound("job"))?;
    match job.status {
        JobStatus::Failed | JobStatus::Canceled | JobStatus::Expired => {}
        JobStatus::Queued | JobStatus::Running => {
            return Err(Error::NotReady("the job has not ended; cancel it first, or wait".to_owned()));
        }
        JobStatus::Succeeded => {
            return Err(Error::NotReady("the job has its images; generate again for others".to_owned()));
        }
    }
    if let Some(source) = &job.request.source {
        keep(ports, source, now).await?;
    }
    let new = NewJob {
        id: JobId::new(now, entropy),
        owner: owner.clone(),
        request: job.request,
        warnings: job.warnings,
        retry_of: Some(*id),
        now,
    };
    accept(ports, &new, Some(&once(id)?)).await
}

/// Puts the pictures that the request starts from again. That renews their time, so that no sweep takes them before the
/// new job points at them.
async fn keep(ports: &Ports, source: &SourceImage, now: Timestamp) -> Result<()> {
    for id in [Some(source.image), source.mask].into_iter().flatten() {
        let bytes = ports.images.get(&id).await.map_err(|error| {
            if error.kind() == ErrorKind::NotFound {
                Error::NotFound("source picture any more: generate again with it")
            } else {
                error.into()
            }
        })?;
        let content_type = imaging::recognise(&bytes).ok_or_else(|| {
            PortError::new(ErrorKind::Data, "retry::keep", "the source picture is of no known format")
        })?;
        ports.images.put(&Blob::new(bytes, content_type), now).await?;
    }
    Ok(())
}

/// One retry per job: its own idempotency key.
fn once(id: &JobId) -> Result<Idempotency> {
    let text = format!("tintype:retry:{id}");
    let fingerprint = BlobId::of(text.as_bytes());
    let key = IdempotencyKey::try_from(text).map_err(|error| {
        PortError::new(ErrorKind::Internal, "retry::once", "the key is not well formed").with_source(error)
    })?;
    Ok(Idempotency { key, fingerprint })
}
