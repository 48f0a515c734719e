//! One job.

use crate::domain::{Job, JobId, JobStatus, OwnerId, Timestamp};
use crate::error::{Error, Result};
use crate::ports::{Place, Ports};

/// The owner's job `id`, and its place in line while it waits.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Port`].
pub async fn find_job(
    ports: &Ports,
    owner: &OwnerId,
    id: &JobId,
    now: Timestamp,
) -> Result<(Job, Option<Place>)> {
    let job = ports.jobs.find(owner, id, now).await?.ok_or(Error::NotFound("job"))?;
    let place = match job.status {
        JobStatus::Queued => ports.workflow.place(&job, now).await?,
        JobStatus::Running
        | JobStatus::Succeeded
        | JobStatus::Failed
        | JobStatus::Canceled
        | JobStatus::Expired => None,
    };
    Ok((job, place))
}
