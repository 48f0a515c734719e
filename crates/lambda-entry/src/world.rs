//! A deployment in memory, for the tests of this crate.

use tintype_core::{
    ErrorKind,
    domain::{Clock, Connection, Job, JobError, JobStatus, NewJob, Seq, limits},
    ports::Ports,
    use_cases::{Begun, Subscribe, begin_job, subscribe},
};
use tintype_memory::{Inbox, Memory};
use tintype_testkit::{
    faults::{Fault, FaultPlan, When, wrap},
    samples,
};

/// The middle of every wait.
pub(crate) const JITTER: f64 = 0.5;

/// One job, and what a function needs to work on it.
pub(crate) struct World {
    pub(crate) memory: Memory,
    pub(crate) new: NewJob,
}

impl World {
    /// A deployment with one job that waits.
    pub(crate) async fn new() -> Self {
        let (memory, new) = (Memory::new(), samples::new_job(1, 0));
        memory.clock.pass_until(samples::START);
        memory.ports().jobs.insert(&new, None).await.unwrap();
        Self { memory, new }
    }

    pub(crate) fn ports(&self) -> Ports {
        self.memory.ports()
    }

    /// The ports of a deployment in which no connection can be reached just now.
    pub(crate) fn mute(&self) -> Ports {
        let fault = Fault::FailBefore(ErrorKind::Unavailable);
        wrap(self.ports(), &FaultPlan::new(0).with("Notifier::send", When::Always, fault))
    }

    pub(crate) async fn job(&self) -> Job {
        let (owner, id) = (&self.new.owner, &self.new.id);
        self.ports().jobs.find(owner, id, self.memory.clock.now()).await.unwrap().unwrap()
    }

    pub(crate) async fn status(&self) -> JobStatus {
        self.job().await.status
    }

    /// Begins an attempt: the job as it is then.
    pub(crate) async fn begun(&self) -> Job {
        match begin_job(&self.ports(), &self.new.id, &self.memory.clock, JITTER).await.unwrap() {
            Begun::Attempt(job) => *job,
            Begun::Over(ran) => panic!("not begun: {ran:?}"),
        }
    }

    /// A connection of the owner that listens to the job.
    pub(crate) async fn listener(&self) -> Inbox {
        let (inbox, now) = (self.memory.notifier.connect(), self.memory.clock.now());
        let expires_at = now.after(limits::CONNECTION_LIFE);
        let connection = Connection { id: inbox.id().clone(), owner: self.new.owner.clone(), expires_at };
        self.ports().connections.connect(&connection).await.unwrap();
        let wish = Subscribe { connection, job_id: self.new.id, after: Seq(0), inline: false };
        subscribe(&self.ports(), wish, now).await.unwrap();
        inbox
    }
}

/// The types of the messages that have arrived.
pub(crate) fn heard(inbox: &mut Inbox) -> Vec<&'static str> {
    inbox.arrived().iter().map(|message| message.kind).collect()
}

/// A failure that may pass.
pub(crate) fn away() -> JobError {
    JobError { code: "unavailable".into(), message: "no answer".into(), retryable: true }
}

/// A failure that does not.
pub(crate) fn refusal() -> JobError {
    JobError { code: "rejected".into(), message: "not this".into(), retryable: false }
}
