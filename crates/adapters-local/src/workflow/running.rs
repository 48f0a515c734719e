//! The jobs that run in this process, so that they can be stopped.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tintype_core::domain::JobId;
use tokio_util::sync::CancellationToken;

/// The running jobs. The same job may be here twice, while one that lost its lease has not noticed.
#[derive(Debug, Default)]
pub(super) struct Running {
    jobs: Mutex<HashMap<JobId, Vec<CancellationToken>>>,
}

impl Running {
    /// Adds a job for as long as the entry lives.
    pub(super) fn enter(&self, id: JobId) -> Entry<'_> {
        let token = CancellationToken::new();
        self.jobs().entry(id).or_default().push(token.clone());
        Entry { running: self, id, token }
    }

    /// Stops every run of the job; none is fine.
    pub(super) fn cancel(&self, id: &JobId) {
        for token in self.jobs().get(id).into_iter().flatten() {
            token.cancel();
        }
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<JobId, Vec<CancellationToken>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running job's place among the others.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    running: &'a Running,
    id: JobId,
    token: CancellationToken,
}

impl Entry<'_> {
    /// Returns when the job is canceled.
    pub(super) async fn canceled(&self) {
        self.token.cancelled().await;
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut jobs = self.running.jobs();
        // Canceled or not, the token of this run goes; another run's stays.
        self.token.cancel();
        if let Some(tokens) = jobs.get_mut(&self.id) {
            tokens.retain(|token| !token.is_cancelled());
            if tokens.is_empty() {
                jobs.remove(&self.id);
            }
        }
    }
}
