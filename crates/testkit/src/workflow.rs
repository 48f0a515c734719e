//! The contract of [`Workflow`](tintype_core::ports::Workflow), case by case.

use crate::stub_model::StubModel;
use crate::suites::cases;
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};
use tintype_core::{
    domain::{Job, JobId, Timestamp},
    ports::Ports,
};

/// A workflow whose work is done step by step, under a clock that a case moves.
#[async_trait]
pub trait WorkflowFixture: Send + Sync + 'static {
    /// Every port, with the workflow under test, the jobs it works on and the models the factory was given.
    fn ports(&self) -> Ports;

    /// The time as the workflow sees it. It only moves with [`pass`](Self::pass).
    fn now(&self) -> Timestamp;

    /// Lets time pass.
    fn pass(&self, time: Duration);

    /// Claims the job that is next now and runs one attempt at it to its end, or until the job is canceled. `None`
    /// if there is no job that may run now.
    async fn run_next(&self) -> Option<JobId>;

    /// Claims the job that is next now, begins it, and dies without another write: no heartbeat, no end. Returns the
    /// job as it was begun; `None` if there is no job that may run now.
    async fn die_after_begin(&self) -> Option<Job>;

    /// After how long a job whose worker is silent is given to another.
    fn lease(&self) -> Duration;

    /// Ends the process and opens everything again over what it had stored. Does nothing where the process is the
    /// store.
    async fn restart(&self);
}

/// What a case of the workflow gets.
pub(crate) struct Stage {
    pub(crate) fixture: Arc<dyn WorkflowFixture>,
    pub(crate) model: Arc<StubModel>,
}

cases! { CASES of Stage: }
