//! A client's wish to hear of a job, from any place in its log.

use super::deliver::send_missed;
use crate::domain::{Connection, JobId, Seq, Subscription, Timestamp};
use crate::error::{Error, Result};
use crate::ports::Ports;

/// What a client wants to hear.
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// The connection that listens.
    pub connection: Connection,
    /// The job.
    pub job_id: JobId,
    /// The last event it has; 0 for none.
    pub after: Seq,
    /// Whether it wants the images' bytes as messages too.
    pub inline: bool,
}

/// Registers the subscription, then sends what was missed: in this order, so that nothing falls in between.
///
/// # Errors
/// [`Error::NotFound`] if the connection's owner has no such job, [`Error::Port`].
pub async fn subscribe(ports: &Ports, wish: Subscribe, now: Timestamp) -> Result<()> {
    let Subscribe { connection, job_id, after, inline } = wish;
    let job = ports.jobs.find(&connection.owner, &job_id, now).await?.ok_or(Error::NotFound("job"))?;
    let subscription = Subscription {
        connection: connection.id,
        job_id,
        owner: connection.owner,
        // A place past the end would hide what is yet to come.
        after: after.min(job.last_seq),
        inline,
        expires_at: connection.expires_at,
    };
    ports.connections.subscribe(&subscription).await?;
    Ok(send_missed(ports, &subscription, now).await?)
}
