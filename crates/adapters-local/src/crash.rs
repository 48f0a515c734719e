//! Charges the death of the last process to the work that it was doing, when the database is opened.
//!
//! 1. Background work on an image was in progress: the death is charged to that work alone, which is given up after
//!    [`BACKGROUND_ATTEMPTS_MAX`](limits::BACKGROUND_ATTEMPTS_MAX) attempts. Jobs that ran beside it are requeued, and their
//!    attempts do not count.
//! 2. Exactly one job was running: its attempt counts.
//! 3. Several jobs were running: none of their attempts counts, since nobody knows which of them it was.
//!
//! In the cases 2 and 3 those jobs are run alone next, one after the other, before any other job: if one of them brings the
//! process down again, case 2 charges it.

use crate::{background, error::Fault, job_repo, queue};
use rusqlite::{Connection, TransactionBehavior};
use tintype_core::domain::{Timestamp, limits};

/// Charges the death of the last process, if it left work behind, and voids its leases.
pub(crate) fn charge(connection: &mut Connection, now: Timestamp) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let work = background::end_of_dead(&transaction)?;
    let jobs = queue::leased(&transaction)?;
    for (kind, image, attempts) in &work {
        let most = limits::BACKGROUND_ATTEMPTS_MAX;
        tracing::error!(%image, kind, attempts, most, "the last process died during background work on an image");
    }
    let is_charged = work.is_empty() && jobs.len() == 1;
    if !is_charged {
        for job in &jobs {
            job_repo::requeue_uncharged(&transaction, job, now)?;
        }
    }
    queue::void_leases(&transaction)?;
    if work.is_empty() {
        for job in &jobs {
            tracing::warn!(%job, charged = is_charged, "the job was running when the last process died; it is run alone");
            queue::suspect(&transaction, job)?;
        }
    }
    // A change in any case: its commit flushes those of the last process that were not flushed, so that the counter that is
    // written beside the blobs next is on the disk here too.
    transaction.execute("UPDATE library SET commits = commits + 1", [])?;
    Ok(transaction.commit()?)
}
