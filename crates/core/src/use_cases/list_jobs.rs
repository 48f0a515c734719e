//! The list of jobs.

use super::Listed;
use crate::domain::{CursorCodec, Job, JobQuery, JobStatus, OwnerId, PageSize, Timestamp};
use crate::error::Result;
use crate::ports::Ports;

/// Which jobs a client wants to see.
#[derive(Clone, Debug, Default)]
pub struct JobListing {
    /// Only those of this status.
    pub status: Option<JobStatus>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// The page's size.
    pub limit: PageSize,
}

/// A page of the owner's jobs, the newest first.
///
/// # Errors
/// [`Invalid`](crate::Error::Invalid) for a cursor of another list, [`Port`](crate::Error::Port).
pub async fn list_jobs(
    ports: &Ports,
    codec: &CursorCodec,
    owner: &OwnerId,
    listing: &JobListing,
    now: Timestamp,
) -> Result<Listed<Job>> {
    let status = listing.status.map_or("any", JobStatus::name);
    let scope = format!("jobs {owner} status={status}");
    let after = listing.cursor.as_deref().map(|cursor| codec.decode(&scope, cursor)).transpose()?;
    let query = JobQuery { status: listing.status, after, limit: listing.limit };
    let page = ports.jobs.list(owner, &query, now).await?;
    let next_cursor = page.next.map(|position| codec.encode(&scope, &position));
    Ok(Listed { items: page.items, next_cursor })
}
