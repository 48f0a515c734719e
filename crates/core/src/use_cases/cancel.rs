//! Stopping a job.

use super::deliver;
use crate::domain::{Job, JobId, OwnerId, Timestamp};
use crate::error::{Error, Result};
use crate::ports::Ports;

/// Stops the owner's job and frees its worker. A job that has ended stays as it is.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Port`].
pub async fn cancel(ports: &Ports, owner: &OwnerId, id: &JobId, now: Timestamp) -> Result<Job> {
    let job = ports.jobs.cancel(owner, id, now).await?.ok_or(Error::NotFound("job"))?;
    ports.workflow.cancel(id).await?;
    // Those who can't be told now find it in the log.
    drop(deliver(ports, id, now).await);
    Ok(job)
}
