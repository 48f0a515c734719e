//! A line of jobs that is worked off step by step, by whoever calls [`MemoryWorkflow::run_next`].

use crate::lock;
use async_trait::async_trait;
use futures_util::future::{Either, select};
use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet, VecDeque},
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};
use tintype_core::{
    PortResult,
    domain::{Clock, Job, JobId, OwnerId, Priority, Timestamp},
    ports::{Place, Ports, QueueCounts, Workflow},
    use_cases::{Ran, run_job},
};
use tokio::sync::Notify;

/// After how long a job whose worker was dropped is given to another.
pub const LEASE: Duration = Duration::from_secs(30);
/// Attempts are spread as if chance always drew the middle.
const JITTER: f64 = 0.5;
/// How many recent jobs an estimate is judged by.
const RECENT: usize = 20;

/// A [`Workflow`] that does nothing until it is told to take the next step.
#[derive(Debug, Default)]
pub struct MemoryWorkflow(Mutex<Line>);

#[derive(Debug, Default)]
struct Line {
    /// Every job that was ever started.
    started: HashSet<JobId>,
    waiting: HashMap<JobId, Waiting>,
    running: HashMap<JobId, Running>,
    /// The last turn of each owner.
    turns: HashMap<OwnerId, u64>,
    /// The number of the last turn of all.
    turn: u64,
    /// How long recent jobs took.
    recent: VecDeque<Duration>,
}

#[derive(Clone, Debug)]
struct Waiting {
    owner: OwnerId,
    priority: Priority,
    created_at: Timestamp,
    not_before: Timestamp,
}

#[derive(Debug)]
struct Running {
    job: Waiting,
    turn: u64,
    stop: Arc<Notify>,
    /// When it is given to another; `None` while its worker lives.
    lease_ends: Option<Timestamp>,
}

impl Waiting {
    /// The order of one owner's jobs.
    fn rank(&self, id: &JobId) -> (Reverse<Priority>, Timestamp, JobId) {
        (Reverse(self.priority), self.created_at, *id)
    }
}

impl Line {
    /// The job whose turn it is, if one may run now.
    fn next(&self, now: Timestamp) -> Option<JobId> {
        let due = self.waiting.iter().filter(|(_, job)| job.not_before <= now);
        let turn = |owner| self.turns.get(owner).copied().unwrap_or(0);
        // An owner counts by name where two had no turn yet, so that all of its jobs stand together.
        due.min_by_key(|(id, job)| (turn(&job.owner), job.owner.clone(), job.rank(id))).map(|(id, _)| *id)
    }

    fn claim(&mut self, now: Timestamp) -> Option<(JobId, u64, Arc<Notify>)> {
        self.take_back_from_the_dead(now);
        let id = self.next(now)?;
        let job = self.waiting.remove(&id)?;
        self.turn += 1;
        let (turn, stop) = (self.turn, Arc::new(Notify::new()));
        self.turns.insert(job.owner.clone(), turn);
        self.running.insert(id, Running { job, turn, stop: stop.clone(), lease_ends: None });
        Some((id, turn, stop))
    }

    fn take_back_from_the_dead(&mut self, now: Timestamp) {
        let given_up = |running: &Running| running.lease_ends.is_some_and(|end| end <= now);
        for (id, running) in self.running.extract_if(|_, running| given_up(running)) {
            self.waiting.insert(id, Waiting { not_before: now, ..running.job });
        }
    }

    /// The running job of this turn, unless it was canceled or given to another.
    fn held(&mut self, id: &JobId, turn: u64) -> Option<&mut Running> {
        self.running.get_mut(id).filter(|running| running.turn == turn)
    }

    fn place(&self, job: &Job) -> Option<Place> {
        let rank = self.waiting.get(&job.id)?.rank(&job.id);
        let mut of_owner: HashMap<&OwnerId, u32> = HashMap::new();
        let mut position = 1;
        for (id, other) in &self.waiting {
            *of_owner.entry(&other.owner).or_default() += 1;
            position += u32::from(other.owner == job.owner && other.rank(id) < rank);
        }
        // Owners take turns: each has had as many as this job's position once it is served.
        let jobs = of_owner.values().map(|count| (*count).min(position)).sum();
        Some(Place { position, eta_s: self.estimate(jobs) })
    }

    fn estimate(&self, jobs: u32) -> Option<u32> {
        let count = u32::try_from(self.recent.len()).ok().filter(|count| *count > 0)?;
        let each = self.recent.iter().sum::<Duration>() / count;
        Some(u32::try_from(each.saturating_mul(jobs).as_secs()).unwrap_or(u32::MAX))
    }
}

/// A worker's hold on a job. Dropped before the job was settled, it is a worker that died.
struct Claim<'a> {
    line: &'a Mutex<Line>,
    clock: &'a dyn Clock,
    id: JobId,
    turn: u64,
    began: Timestamp,
}

impl Claim<'_> {
    fn put_back(self, not_before: Timestamp) {
        let mut line = lock(self.line);
        if line.held(&self.id, self.turn).is_some()
            && let Some(running) = line.running.remove(&self.id)
        {
            line.waiting.insert(self.id, Waiting { not_before, ..running.job });
        }
    }

    fn end(self) {
        let mut line = lock(self.line);
        if line.held(&self.id, self.turn).is_some() {
            line.running.remove(&self.id);
        }
    }

    fn end_and_time(self) {
        let took = self.clock.now().since(self.began);
        let line = self.line;
        self.end();
        let recent = &mut lock(line).recent;
        recent.truncate(RECENT - 1);
        recent.push_front(took);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let lease_ends = self.clock.now().after(LEASE);
        if let Some(running) = lock(self.line).held(&self.id, self.turn) {
            running.lease_ends = Some(lease_ends);
        }
    }
}

impl MemoryWorkflow {
    /// Makes one attempt at the job that is next now, and returns its id; `None` if no job may run now. A future that
    /// is dropped on the way is a worker that died: another gets the job after [`LEASE`].
    ///
    /// # Errors
    /// Those of [`run_job`]; the job is run again after [`LEASE`].
    pub async fn run_next(&self, ports: &Ports, clock: &dyn Clock) -> PortResult<Option<JobId>> {
        let Some((claim, stop)) = self.claim(clock) else { return Ok(None) };
        let id = claim.id;
        let ran = {
            let running = pin!(run_job(ports, &id, clock, JITTER));
            match select(running, pin!(stop.notified())).await {
                Either::Left((ran, _)) => ran?,
                Either::Right(((), _)) => Ran::Superseded,
            }
        };
        match ran {
            Ran::Ended(..) => claim.end_and_time(),
            Ran::Requeued(job) => claim.put_back(job.not_before),
            Ran::Superseded => claim.end(),
        }
        Ok(Some(id))
    }

    /// Begins the job that is next now, and dies: nothing more is written, and another worker gets the job after
    /// [`LEASE`]. Returns the job as it was begun; `None` if no job may run now.
    ///
    /// # Errors
    /// Those of [`JobRepo::begin`](tintype_core::ports::JobRepo::begin).
    pub async fn die_after_begin(&self, ports: &Ports, clock: &dyn Clock) -> PortResult<Option<Job>> {
        let Some((claim, _)) = self.claim(clock) else { return Ok(None) };
        ports.jobs.begin(&claim.id, clock.now()).await.map(Some)
    }

    fn claim<'a>(&'a self, clock: &'a dyn Clock) -> Option<(Claim<'a>, Arc<Notify>)> {
        let began = clock.now();
        let (id, turn, stop) = lock(&self.0).claim(began)?;
        Some((Claim { line: &self.0, clock, id, turn, began }, stop))
    }
}

#[async_trait]
impl Workflow for MemoryWorkflow {
    async fn start(&self, job: &Job) -> PortResult<()> {
        let mut line = lock(&self.0);
        if line.started.insert(job.id) {
            let waiting = Waiting {
                owner: job.owner.clone(),
                priority: job.request.priority,
                created_at: job.created_at,
                not_before: job.not_before,
            };
            line.waiting.insert(job.id, waiting);
        }
        Ok(())
    }

    async fn cancel(&self, id: &JobId) -> PortResult<()> {
        let mut line = lock(&self.0);
        line.waiting.remove(id);
        if let Some(running) = line.running.remove(id) {
            running.stop.notify_one();
        }
        Ok(())
    }

    async fn place(&self, job: &Job, _: Timestamp) -> PortResult<Option<Place>> {
        Ok(lock(&self.0).place(job))
    }

    async fn queue(&self, _: Timestamp) -> PortResult<Option<QueueCounts>> {
        let line = lock(&self.0);
        let count = |jobs: usize| u32::try_from(jobs).unwrap_or(u32::MAX);
        Ok(Some(QueueCounts {
            queued: count(line.waiting.len()).min(QueueCounts::COUNTED_MAX),
            running: count(line.running.len()),
            oldest: line.waiting.values().map(|job| job.created_at).min(),
        }))
    }
}
