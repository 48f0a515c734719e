//! Repeating a job that came to no result.

use super::submit::{Submitted, accept};
use crate::domain::{
    BlobId, Entropy, Idempotency, IdempotencyKey, JobId, JobStatus, NewJob, OwnerId, Timestamp,
};
use crate::error::{Error, ErrorKind, PortError, Result};
use crate::ports::Ports;

/// Accepts a new job with the request of the owner's job `id`, which stays as it is. Retrying a job again gives the
/// same new job.
///
/// # Errors
/// [`Error::NotFound`], [`Error::NotReady`] if the job has not ended or has its images, [`Error::Port`].
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

/// One retry per job: its own idempotency key.
fn once(id: &JobId) -> Result<Idempotency> {
    let text = format!("tintype:retry:{id}");
    let fingerprint = BlobId::of(text.as_bytes());
    let key = IdempotencyKey::try_from(text).map_err(|error| {
        PortError::new(ErrorKind::Internal, "retry::once", "the key is not well formed").with_source(error)
    })?;
    Ok(Idempotency { key, fingerprint })
}
