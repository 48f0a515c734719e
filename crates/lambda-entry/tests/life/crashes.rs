//! A function is killed before a call, or after one whose answer it never sees; whoever called it calls it again. What
//! is left at the end is one job, one picture, one end that was told once.

use crate::{
    state_machine::execute,
    support::{Emulator, exclusions},
    wire::Wire,
    world::{Stores, World},
};
use libtest_mimic::{Completion, Failed, Trial};
use std::{collections::BTreeSet, fmt, time::Duration};
use tintype_core::{
    domain::{BlobId, Job, JobId, JobStatus, Seq},
    views::Message,
};
use tintype_lambda::{metrics::Metrics, sweep};
use tintype_memory::{Inbox, Memory};
use tintype_testkit::{
    faults::{Fault, FaultPlan, When},
    samples::alice,
};

/// When a function is killed.
#[derive(Clone, Copy, Debug)]
struct Kill {
    operation: &'static str,
    /// Which of its calls, from 1.
    call: u64,
    fault: Fault,
}

impl Kill {
    fn plan(self) -> FaultPlan {
        FaultPlan::new(1).with(self.operation, When::Nth(self.call), self.fault)
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.fault == Fault::HangBefore { "before" } else { "after" };
        write!(f, "killed_{when}_call_{}_of_{}", self.call, self.operation)
    }
}

/// One trial for each call of a life in which nothing is killed, before it and after it.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for kill in kills(runtime().block_on(calls())) {
        trials.push(Trial::test(format!("memory::{kill}"), move || {
            runtime().block_on(check(&Stores::Memory, kill.plan()));
            Ok(())
        }));
        trials.push(Trial::ignorable_test(format!("aws::{kill}"), move || emulated(kill)));
    }
    trials
}

fn kills(calls: Vec<(&'static str, u64)>) -> Vec<Kill> {
    let mut kills = Vec::new();
    for (operation, calls) in calls {
        for call in 1..=calls {
            kills.extend([Fault::HangBefore, Fault::HangAfter].map(|fault| Kill { operation, call, fault }));
        }
    }
    kills
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Every call of a life in which nothing is killed.
async fn calls() -> Vec<(&'static str, u64)> {
    let plan = FaultPlan::new(1);
    let world = World::new(&Stores::Memory, plan.clone(), Memory::new()).await;
    live(&world).await;
    plan.all_calls()
}

fn emulated(kill: Kill) -> Result<Completion, Failed> {
    let Some(emulator) = Emulator::from_environment() else {
        return Ok(Completion::ignored_with(
            "TINTYPE_AWS_ENDPOINT is not set: run `bash tests/aws/conformance`",
        ));
    };
    if let Some(why) = exclusions::of_whole_lives() {
        return Ok(Completion::ignored_with(why));
    }
    runtime().block_on(check(&Stores::Emulated(emulator, Wire::new(None)), kill.plan()));
    Ok(Completion::Completed)
}

async fn check(stores: &Stores, plan: FaultPlan) {
    let world = World::new(stores, plan.clone(), Memory::new()).await;
    let (job_id, inbox) = live(&world).await;
    assert_eq!(plan.faults(), 1, "the call was not made");
    plan.heal();
    check_life(&world, &job_id, inbox).await;
}

/// What is left at the end of a life.
pub(crate) async fn check_life(world: &World, job_id: &JobId, inbox: Inbox) {
    check_jobs(world, job_id).await;
    let job = world.job(job_id).await;
    check_events(world, &job, inbox).await;
    check_picture(world, &job).await;
}

/// From the request to the library, with each thing done twice that is done at least once.
pub(crate) async fn live(world: &World) -> (JobId, Inbox) {
    let job_id = world.generate().await.id;
    let inbox = world.listen(&job_id).await;
    world.memory.clock.pass(Duration::from_secs(60));
    sweep(world).await;
    for started in world.executions.started() {
        execute(world, started).await;
        execute(world, started).await;
    }
    assert_eq!(world.generate().await.id, job_id, "the key is the job's");
    world.save(&job_id).await;
    sweep(world).await;
    (job_id, inbox)
}

pub(crate) async fn sweep(world: &World) {
    let metrics = Metrics::with_sink("life", |_| {});
    let swept = async || sweep::handle(world.ports(), &metrics, world.now(), &world.entropy()).await;
    world.call(swept).await.unwrap();
}

/// One job, and its one execution.
async fn check_jobs(world: &World, job_id: &JobId) {
    let jobs = world.ports().jobs.list(&alice(), &Default::default(), world.now()).await.unwrap();
    assert_eq!(jobs.items.iter().map(|job| job.id).collect::<Vec<_>>(), [*job_id]);
    assert_eq!(world.executions.started(), BTreeSet::from([*job_id]));
}

/// One end, in the log and on the socket; a client drops what it has by its number.
async fn check_events(world: &World, job: &Job, mut inbox: Inbox) {
    assert_eq!(job.status, JobStatus::Succeeded);
    let log = world.ports().jobs.events(&alice(), &job.id, Seq(0), 100, world.now()).await.unwrap().unwrap();
    let numbers: Vec<_> = log.iter().map(|event| event.seq.0).collect();
    assert_eq!(numbers, (1..=job.last_seq.0).collect::<Vec<_>>());
    assert_eq!(log.iter().filter(|event| event.body.is_terminal()).count(), 1);
    assert_eq!(heard(&inbox.arrived()), numbers);
}

fn heard(messages: &[Message]) -> Vec<u64> {
    let mut heard = Vec::new();
    for seq in messages.iter().filter_map(|message| message.seq) {
        if heard.last().is_none_or(|last| seq.0 > *last) {
            heard.push(seq.0);
        }
    }
    heard
}

/// One picture in the library, whose bytes are those of its address.
async fn check_picture(world: &World, job: &Job) {
    let library = world.library().await;
    assert_eq!(library.len(), 1);
    assert_eq!(library[0].sha256, job.images[0].sha256);
    let bytes = world.ports().images.get(&library[0].sha256).await.unwrap();
    assert_eq!(BlobId::of(&bytes), library[0].sha256);
}
