//! The durable workflow of one machine. The queue is a table beside the jobs: [`JobRepo::insert`] has made a job
//! durable and put it in line before `start` is called, so `start` only wakes the dispatcher.
//!
//! A job is claimed under a lease, which its worker keeps alive while it runs. A worker that falls silent loses the
//! job to another; the attempt's number, checked by [`JobRepo`] at each write, keeps the first from writing.
//!
//! [`JobRepo`]: tintype_core::ports::JobRepo
//! [`JobRepo::insert`]: tintype_core::ports::JobRepo::insert

mod claims;
mod pace;
mod running;

use crate::{Database, database::Durability::Relaxed, error::Fault, queue, queue::Claim};
use async_trait::async_trait;
use claims::{Claims, Round};
use futures_util::FutureExt;
use pace::Pace;
use running::Running;
use rusqlite::Connection;
use std::{
    any::Any,
    error::Error as _,
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{Clock, Job, JobId, JobStatus, Timestamp},
    ports::{Place, Ports, QueueCounts, Workflow},
    use_cases::{Ran, run_job_until},
};
use tokio::{sync::Notify, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

/// How long a job rests after an attempt whose end could not be recorded: the disk may be full, or it may have
/// brought its worker down.
const REST: Duration = Duration::from_secs(2);
/// How long the jobs that outlast the grace may take to go back in line.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The longest the dispatcher sleeps: the clock may be set meanwhile.
const NAP_MAX: Duration = Duration::from_secs(5);

/// How long the dispatcher sleeps while there is no space for results.
const SPACE_NAP: Duration = Duration::from_secs(1);

/// How the workflow works.
#[derive(Clone, Debug)]
pub struct WorkflowSettings {
    /// How many jobs run at a time. With 0, jobs are accepted and none is run.
    pub workers: usize,
    /// After how long a job whose worker is silent is given to another.
    pub lease: Duration,
    /// How often a worker says that it is alive; well below `lease`.
    pub heartbeat: Duration,
    /// How long running jobs may go on once the server drains. What has not ended by then returns to the queue for the
    /// next start, and the attempt does not count. Nothing by default: an attempt may take minutes, and a supervisor waits for
    /// seconds.
    pub grace: Duration,
}

impl Default for WorkflowSettings {
    fn default() -> Self {
        Self {
            workers: 1,
            lease: Duration::from_secs(60),
            heartbeat: Duration::from_secs(15),
            grace: Duration::ZERO,
        }
    }
}

/// Runs the jobs in the database; cheap to clone.
#[derive(Clone)]
pub struct LocalWorkflow {
    shared: Arc<Shared>,
}

struct Shared {
    database: Database,
    settings: WorkflowSettings,
    clock: Arc<dyn Clock>,
    claims: Claims,
    running: Running,
    wake: Notify,
    pace: Mutex<Pace>,
    /// Stops what runs: the grace is over.
    stop: CancellationToken,
}

/// How an attempt came to its end here.
enum Ended {
    /// The attempt was made.
    Ran(PortResult<Ran>),
    /// It panicked.
    Panicked(String),
    /// The job was canceled.
    Canceled,
    /// Another worker has the job now.
    LostLease,
}

impl LocalWorkflow {
    /// A workflow over the jobs in `database`. Nothing runs before [`run`](Self::run) or
    /// [`run_next`](Self::run_next).
    pub fn new(database: Database, settings: WorkflowSettings, clock: Arc<dyn Clock>) -> Self {
        let claims = Claims::new(settings.lease);
        let (running, wake, pace) = (Running::default(), Notify::new(), Mutex::default());
        let stop = CancellationToken::new();
        Self { shared: Arc::new(Shared { database, settings, clock, claims, running, wake, pace, stop }) }
    }

    /// Runs jobs until `shutdown`, then lets running ones go on for the grace. Call it once: what it stopped stays
    /// stopped.
    ///
    /// Dropping the future drops the running jobs; they are begun again when their leases have run out, or at the
    /// next start.
    pub async fn run(&self, ports: Ports, shutdown: CancellationToken) {
        let mut attempts = JoinSet::new();
        while !shutdown.is_cancelled() {
            let free = self.shared.settings.workers.saturating_sub(attempts.len());
            let nap = self.fill(free, &ports, &mut attempts).await;
            let is_free = attempts.len() < self.shared.settings.workers;
            tokio::select! {
                () = shutdown.cancelled() => {}
                Some(_) = attempts.join_next() => {}
                () = self.shared.wake.notified(), if is_free => {}
                () = tokio::time::sleep(nap), if is_free => {}
            }
        }
        self.wind_down(attempts).await;
    }

    /// Claims the job whose turn it is and makes one attempt at it, to its end or its cancellation. `None` if there
    /// is no job that may run now.
    ///
    /// # Errors
    /// [`Unavailable`](tintype_core::ErrorKind::Unavailable) and the other errors of the database.
    pub async fn run_next(&self, ports: &Ports) -> PortResult<Option<JobId>> {
        let Some(claim) = self.claim(1).await?.claims.pop() else { return Ok(None) };
        self.attempt(ports, claim).await;
        Ok(Some(claim.job_id))
    }

    /// Claims the job whose turn it is and does nothing with it: what a worker leaves behind that dies. For tests of
    /// what happens then.
    ///
    /// # Errors
    /// As [`run_next`](Self::run_next).
    pub async fn abandon_next(&self) -> PortResult<Option<JobId>> {
        Ok(self.claim(1).await?.claims.pop().map(|claim| claim.job_id))
    }

    /// Starts attempts on up to `free` jobs; returns how long to sleep if nothing else happens.
    async fn fill(&self, free: usize, ports: &Ports, attempts: &mut JoinSet<()>) -> Duration {
        if free == 0 {
            return NAP_MAX;
        }
        if self.shared.database.space().is_read_only() {
            // What a job makes could not be stored: they wait until there is space.
            return SPACE_NAP;
        }
        let round = match self.claim(free).await {
            Ok(round) => round,
            Err(error) => {
                tracing::error!(cause = chain(&error), "no job can be claimed; trying again");
                return REST;
            }
        };
        for claim in round.claims {
            let (workflow, ports) = (self.clone(), ports.clone());
            attempts.spawn(async move { workflow.attempt(&ports, claim).await });
        }
        let now = self.shared.clock.now();
        round.next_due.map_or(NAP_MAX, |due| due.since(now).clamp(Duration::from_millis(1), NAP_MAX))
    }

    async fn wind_down(&self, mut attempts: JoinSet<()>) {
        if all_done(&mut attempts, self.shared.settings.grace).await {
            return;
        }
        tracing::info!(
            jobs = attempts.len(),
            "running jobs return to the queue; they are run after the next start"
        );
        self.shared.stop.cancel();
        if !all_done(&mut attempts, LAST_WORDS).await {
            attempts.shutdown().await;
        }
    }

    async fn claim(&self, most: usize) -> PortResult<Round> {
        let (claims, now) = (self.shared.claims.clone(), self.shared.clock.now());
        let round =
            self.write("Workflow::claim", move |connection| claims.take(connection, most, now)).await?;
        self.shared.claims.passed(&round);
        Ok(round)
    }

    async fn attempt(&self, ports: &Ports, claim: Claim) {
        let began = Instant::now();
        let cause = Mutex::new(None);
        let ended = self.run_claimed(ports, claim, &cause).await;
        let took = began.elapsed();
        let cause = cause.into_inner().unwrap_or_else(PoisonError::into_inner);
        log(&claim.job_id, took, &ended, cause.as_deref());
        match ended {
            Ended::Ran(Ok(Ran::Ended(job, _))) if job.status == JobStatus::Succeeded => {
                self.pace().note(took);
            }
            // What JobRepo recorded has settled the job's place in line as well.
            Ended::Ran(Ok(_)) | Ended::Canceled | Ended::LostLease => {}
            Ended::Ran(Err(_)) | Ended::Panicked(_) => self.rest(claim).await,
        }
    }

    /// Makes the attempt, until its end, its cancellation or the loss of its lease, whichever comes first. If it fails,
    /// `cause` is why.
    async fn run_claimed(&self, ports: &Ports, claim: Claim, cause: &Mutex<Option<String>>) -> Ended {
        let entry = self.shared.running.enter(claim.job_id);
        let (clock, stop) = (&*self.shared.clock, self.shared.stop.cancelled());
        let failed = |error: &PortError| {
            *cause.lock().unwrap_or_else(PoisonError::into_inner) = loggable(error);
        };
        let attempt = run_job_until(ports, &claim.job_id, clock, jitter(), stop, &failed);
        let attempt = AssertUnwindSafe(attempt).catch_unwind();
        tokio::select! {
            biased;
            () = entry.canceled() => Ended::Canceled,
            ran = attempt => match ran {
                Ok(ran) => Ended::Ran(ran),
                Err(panic) => Ended::Panicked(panic_message(&*panic)),
            },
            () = self.keep_lease(claim) => Ended::LostLease,
        }
    }

    /// Keeps the lease alive; returns when it is lost.
    async fn keep_lease(&self, claim: Claim) {
        loop {
            tokio::time::sleep(self.shared.settings.heartbeat).await;
            let until = self.shared.clock.now().after(self.shared.settings.lease);
            let renew = move |connection: &Connection| queue::renew(connection, claim, until);
            match self.write("Workflow::heartbeat", renew).await {
                Ok(true) => {}
                Ok(false) => return,
                // The lease may yet hold until the next heartbeat; if not, fencing protects the job.
                Err(error) => tracing::warn!(job = %claim.job_id, %error, "a heartbeat was not recorded"),
            }
        }
    }

    /// Puts the job back in line for a little later.
    async fn rest(&self, claim: Claim) {
        let due = self.shared.clock.now().after(REST.min(self.shared.settings.lease));
        let give_back = move |connection: &Connection| queue::give_back(connection, claim, due);
        if let Err(error) = self.write("Workflow::rest", give_back).await {
            tracing::warn!(job = %claim.job_id, %error, "the job runs again when its lease has run out");
        }
    }

    async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl Fn(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> PortResult<T> {
        self.shared.database.write(operation, Relaxed, work).await
    }

    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.shared.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Workflow for LocalWorkflow {
    async fn start(&self, _job: &Job) -> PortResult<()> {
        // The insert has put the job in line, durably; it only needs to be looked at.
        self.shared.wake.notify_one();
        Ok(())
    }

    async fn cancel(&self, id: &JobId) -> PortResult<()> {
        self.shared.running.cancel(id);
        Ok(())
    }

    async fn place(&self, job: &Job, _now: Timestamp) -> PortResult<Option<Place>> {
        if job.status != JobStatus::Queued {
            return Ok(None);
        }
        let job = job.clone();
        let place = move |connection: &Connection| queue::place(connection, &job);
        let position = self.shared.database.read("Workflow::place", place).await?;
        let workers = self.shared.settings.workers;
        Ok(position.map(|position| Place { position, eta_s: self.pace().eta_s(position, workers) }))
    }

    async fn queue(&self, _now: Timestamp) -> PortResult<Option<QueueCounts>> {
        self.shared.database.read("Workflow::queue", queue::counts).await.map(Some)
    }
}

impl fmt::Debug for LocalWorkflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalWorkflow").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

/// Whether all attempts came to an end within `patience`.
async fn all_done(attempts: &mut JoinSet<()>, patience: Duration) -> bool {
    let ends = async { while attempts.join_next().await.is_some() {} };
    tokio::time::timeout(patience, ends).await.is_ok()
}

/// A random fraction in `0.0..1.0`: an adapter is an edge, and may draw.
fn jitter() -> f64 {
    let random = RandomState::new().build_hasher().finish() >> 32;
    random as f64 / (f64::from(u32::MAX) + 1.0)
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// An error and all its causes.
fn chain(error: &PortError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// What the log may say of the error of an attempt: a refusal may quote the prompt.
fn loggable(error: &PortError) -> Option<String> {
    (error.kind() != ErrorKind::Rejected).then(|| chain(error))
}

/// One line per attempt, and never a word of the prompt. A failed one tells `cause`.
fn log(job: &JobId, took: Duration, ended: &Ended, cause: Option<&str>) {
    let ms = took.as_millis();
    match ended {
        Ended::Ran(Ok(Ran::Ended(ran, _) | Ran::Requeued(ran))) => {
            let (attempt, status, owner) = (ran.attempts, ran.status.name(), ran.owner.as_str());
            match (&ran.error, cause) {
                (Some(error), Some(_)) => {
                    let error = error.code.as_str();
                    tracing::warn!(%job, owner, attempt, ms, status, error, cause, "an attempt failed");
                }
                (error, _) => {
                    let error = error.as_ref().map(|error| error.code.as_str());
                    tracing::info!(%job, owner, attempt, ms, status, error, "an attempt was made");
                }
            }
        }
        Ended::Ran(Ok(Ran::Superseded)) => tracing::info!(%job, ms, "the attempt was not wanted any more"),
        Ended::Ran(Err(error)) => {
            tracing::error!(%job, ms, cause = chain(error), "an attempt was not recorded");
        }
        Ended::Panicked(message) => tracing::error!(%job, ms, message, "an attempt panicked"),
        Ended::Canceled => tracing::info!(%job, ms, "the attempt was stopped by a cancellation"),
        Ended::LostLease => tracing::warn!(%job, ms, "the attempt lost its lease"),
    }
}
