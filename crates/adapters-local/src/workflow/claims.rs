//! Taking jobs out of the line: whose turn it is.

use crate::{error::Fault, queue, queue::Claim};
use rusqlite::Connection;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tintype_core::domain::Timestamp;

/// Hands out claims, to one owner after the other.
#[derive(Clone, Debug)]
pub(super) struct Claims {
    lease: Duration,
    /// The owner who had the last turn. It need not survive a restart: the turns just start anew.
    last_owner: Arc<Mutex<String>>,
    /// Every claim has a number of its own. At a start all older leases are void, so they may start anew too.
    next_holder: Arc<AtomicI64>,
}

/// What a look at the line gave.
#[derive(Debug)]
pub(super) struct Round {
    /// The jobs that were claimed.
    pub(super) claims: Vec<Claim>,
    /// Whose turn it was last.
    last_owner: String,
    /// When another job becomes ready by itself.
    pub(super) next_due: Option<Timestamp>,
}

impl Claims {
    pub(super) fn new(lease: Duration) -> Self {
        Self { lease, last_owner: Arc::default(), next_holder: Arc::new(AtomicI64::new(1)) }
    }

    /// Notes whose turn it was, once the claims are committed: their work may be run twice, the first time in vain.
    pub(super) fn passed(&self, round: &Round) {
        let mut last_owner = self.last_owner.lock().unwrap_or_else(PoisonError::into_inner);
        last_owner.clone_from(&round.last_owner);
    }

    /// Claims up to `most` jobs. One that is to run alone is claimed when nothing runs, and nothing is claimed before it.
    pub(super) fn take(&self, connection: &Connection, most: usize, now: Timestamp) -> Result<Round, Fault> {
        queue::wake_due(connection, now)?;
        let mut last_owner = self.last_owner.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut claims = Vec::new();
        let suspect = queue::next_suspect(connection)?;
        let most = match suspect {
            Some(_) if queue::is_any_leased(connection)? => 0,
            Some(_) => most.min(1),
            None if queue::is_suspect_running(connection)? => 0,
            None => most,
        };
        while claims.len() < most {
            let next = suspect
                .clone()
                .map_or_else(|| queue::first_ready(connection, &last_owner), |next| Ok(Some(next)))?;
            let Some((job_id, owner)) = next else { break };
            let claim = Claim { job_id, holder: self.next_holder.fetch_add(1, Ordering::Relaxed) };
            queue::lease(connection, claim, now.after(self.lease))?;
            claims.push(claim);
            last_owner = owner;
        }
        Ok(Round { claims, last_owner, next_due: queue::next_due(connection)? })
    }
}
