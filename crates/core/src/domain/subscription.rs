//! Who listens to which job.

use super::{ConnectionId, JobId, OwnerId, Seq, Timestamp};

/// A client's open connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its name.
    pub id: ConnectionId,
    /// Who opened it.
    pub owner: OwnerId,
    /// When it ends at the latest; from then on it is never shown.
    pub expires_at: Timestamp,
}

/// A connection's wish to hear of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The connection that listens.
    pub connection: ConnectionId,
    /// The job it listens to.
    pub job_id: JobId,
    /// Whose both are.
    pub owner: OwnerId,
    /// The last event it has: it is sent those after.
    pub after: Seq,
    /// Whether it wants the images' bytes as messages too.
    pub inline: bool,
    /// When the connection ends at the latest.
    pub expires_at: Timestamp,
}
