use crate::accepted;
use tintype_core::{
    domain::{Clock, Connection, Job, JobStatus, Seq, limits},
    use_cases::{Subscribe, find_job, subscribe},
};
use tintype_lambda::deliver::{Task, handle};
use tintype_memory::{Inbox, Memory};
use tintype_testkit::samples::{alice, job_id};

async fn listener(memory: &Memory, job: &Job) -> Inbox {
    let mut inbox = memory.notifier.connect();
    let (ports, now) = (memory.ports(), memory.clock.now());
    let expires_at = now.after(limits::CONNECTION_LIFE);
    let connection = Connection { id: inbox.id().clone(), owner: alice(), expires_at };
    ports.connections.connect(&connection).await.unwrap();
    let wish = Subscribe { connection, job_id: job.id, after: Seq(0), inline: false };
    subscribe(&ports, wish, now).await.unwrap();
    assert_eq!(kinds(&mut inbox), ["job.queued"]);
    inbox
}

fn kinds(inbox: &mut Inbox) -> Vec<&'static str> {
    inbox.arrived().into_iter().map(|message| message.kind).collect()
}

fn give_up(job: &Job, error: &str) -> Task {
    Task { job_id: job.id, error: Some(error.to_owned()), cause: Some("a secret of the operator".to_owned()) }
}

#[tokio::test]
async fn what_listeners_have_not_been_sent_is_sent_once() {
    let memory = Memory::new();
    let job = accepted(&memory).await;
    let mut inbox = listener(&memory, &job).await;
    memory.ports().jobs.begin(&job.id, memory.clock.now()).await.unwrap();
    let task = Task { job_id: job.id, error: None, cause: None };
    for heard in [&["job.running"][..], &[]] {
        let told = handle(&memory.ports(), task.clone(), &memory.clock).await.unwrap();
        assert_eq!(told.job_id, job.id);
        assert_eq!(kinds(&mut inbox), heard);
    }
}

#[tokio::test]
async fn a_job_that_is_given_up_has_failed_and_its_owner_reads_nothing_of_the_operators() {
    for (error, code) in
        [("States.Timeout", "timeout"), ("Sandbox.Timedout", "timeout"), ("Data", "internal")]
    {
        let memory = Memory::new();
        let job = accepted(&memory).await;
        let mut inbox = listener(&memory, &job).await;
        handle(&memory.ports(), give_up(&job, error), &memory.clock).await.unwrap();
        assert_eq!(kinds(&mut inbox).last(), Some(&"job.failed"));
        let (job, _) = find_job(&memory.ports(), &alice(), &job.id, memory.clock.now()).await.unwrap();
        let failure = job.error.unwrap();
        assert_eq!((job.status, failure.code.as_str()), (JobStatus::Failed, code));
        assert!(!failure.message.contains("secret"), "{}", failure.message);
    }
}

#[tokio::test]
async fn a_job_that_has_ended_stays_as_it_is() {
    let memory = Memory::new();
    let job = accepted(&memory).await;
    memory.run_all().await.unwrap();
    handle(&memory.ports(), give_up(&job, "States.Timeout"), &memory.clock).await.unwrap();
    let (job, _) = find_job(&memory.ports(), &alice(), &job.id, memory.clock.now()).await.unwrap();
    assert_eq!(job.status, JobStatus::Succeeded);
}

#[tokio::test]
async fn a_job_that_is_not_there_is_no_error() {
    let memory = Memory::new();
    let task = Task { job_id: job_id(9, 0), error: Some("Internal".to_owned()), cause: None };
    handle(&memory.ports(), task, &memory.clock).await.unwrap();
}
