//! Drawing in this process: the same use cases over ports in memory, or over the data folder where the pictures are to
//! be kept.

use super::{CANCEL_PATIENCE, Drawn, check_succeeded, warn};
use crate::args::Generate;
use crate::client::{problem::of_invalid, views};
use crate::compose;
use crate::failure::{Exit, Failure, Outcome};
use crate::progress::ProgressLine;
use crate::settings::{Env, Flags, Resolved, Settings};
use crate::signals::Interruption;
use crate::system;
use crate::terminal::Terminal;
use async_trait::async_trait;
use serde_json::Value;
use std::sync::Arc;
use tintype_core::domain::{
    Clock, Connection, GenerateInput, ImageEdit, Job, JobError, JobId, JobStatus, OwnerId, Seq, Timestamp,
    limits,
};
use tintype_core::ports::{Place, Ports, QueueCounts, Workflow};
use tintype_core::use_cases::{
    Ran, Save, SaveFrom, Sources, Submit, Subscribe, cancel, find_picture, run_job, save_image, submit,
    subscribe,
};
use tintype_core::views::{JobView, Message};
use tintype_core::{Error, PortResult};
use tintype_local::SystemClock;
use tintype_memory::{ChannelNotifier, Inbox};
use tokio::time::timeout;

/// Draws `input` here.
///
/// # Errors
/// If the request is refused, the job fails, or Ctrl-C is pressed.
pub(super) async fn draw(
    args: &Generate,
    input: &GenerateInput,
    terminal: &Terminal,
    env: Env<'_>,
) -> Outcome<Drawn> {
    let settings = settings(args, env)?;
    let notifier = Arc::new(ChannelNotifier::default());
    let inbox = notifier.connect();
    let ports = if args.save {
        compose::ports_for_one(&settings, notifier, Arc::new(NoLine))?
    } else {
        compose::ports_in_memory(&settings, notifier, Arc::new(NoLine))?
    };
    // The model was chosen by the settings: as a folder, its name is not what was typed.
    let input = GenerateInput { model: None, ..input.clone() };
    let mut interruption = Interruption::listen()?;
    // Not a part of what is interrupted: a job that may be in the data folder has to be known to be stopped there.
    let job = accept(&ports, input, terminal).await?;
    tokio::select! {
        drawn = run(&ports, &job, inbox, args.save, terminal) => drawn,
        () = interruption.came() => Err(stop(&ports, &job, args.save, &mut interruption).await),
    }
}

/// The server's settings, with the model that was asked for.
fn settings(args: &Generate, env: Env<'_>) -> Outcome<Settings> {
    let mut flags = Flags::default();
    if let Some(model) = &args.model {
        flags = flags.with("model", vec![model.clone()]);
    }
    Settings::parse(&Resolved::gather(&flags, env)?)
}

async fn accept(ports: &Ports, input: GenerateInput, terminal: &Terminal) -> Outcome<Job> {
    let now = SystemClock.now();
    let command = Submit { owner: OwnerId::local(), input, sources: Sources::default(), key: None };
    let job = submit(ports, command, now, &system::entropy()).await.map_err(in_words)?.job;
    warn(&views::read(&view(ports, &job, now).await?)?, terminal);
    Ok(job)
}

async fn run(ports: &Ports, job: &Job, inbox: Inbox, save: bool, terminal: &Terminal) -> Outcome<Drawn> {
    let clock = SystemClock;
    listen(ports, &job.owner, &job.id, &inbox, clock.now()).await?;
    let line = ProgressLine::new(terminal);
    let job = tokio::select! {
        ended = to_the_end(ports, &job.id, &clock) => ended?,
        failure = show(inbox, line) => return Err(failure),
    };
    collect(ports, job, save, clock.now()).await
}

/// Stops a job that was interrupted: left in the data folder, it would be drawn by the next server there.
async fn stop(ports: &Ports, job: &Job, kept: bool, interruption: &mut Interruption) -> Failure {
    let failure = Failure::new(Exit::Interrupted, "interrupted");
    if !kept {
        return failure;
    }
    let stopping = timeout(CANCEL_PATIENCE, cancel(ports, &job.owner, &job.id, SystemClock.now()));
    let stopped = tokio::select! {
        stopped = stopping => stopped.ok().and_then(Result::ok),
        () = interruption.came() => None,
    };
    match stopped.map(|job| job.status) {
        Some(JobStatus::Canceled) => failure.hint(format!("canceled the job {}", job.id)),
        Some(status) => {
            failure.hint(format!("the job {} had already ended: it is {}", job.id, status.name()))
        }
        None => failure.hint(format!(
            "the job {} waits in the data folder; stop it there with: tintype serve, tintype cancel {}",
            job.id, job.id
        )),
    }
}

async fn listen(ports: &Ports, owner: &OwnerId, id: &JobId, inbox: &Inbox, now: Timestamp) -> Outcome {
    let expires_at = now.after(limits::CONNECTION_LIFE);
    let connection = Connection { id: inbox.id().clone(), owner: owner.clone(), expires_at };
    ports.connections.connect(&connection).await?;
    let wish = Subscribe { connection, job_id: *id, after: Seq(0), inline: false };
    subscribe(ports, wish, now).await.map_err(in_words)
}

/// Runs a job again until it has ended.
async fn to_the_end(ports: &Ports, id: &JobId, clock: &SystemClock) -> Outcome<Job> {
    loop {
        match run_job(ports, id, clock, system::entropy().fraction()).await? {
            Ran::Ended(job, _) => return Ok(*job),
            Ran::Requeued(job) if job.error.as_ref().is_some_and(JobError::is_of_space) => {
                return Err(no_space(ports, &job).await);
            }
            Ran::Requeued(job) => tokio::time::sleep(job.not_before.since(clock.now())).await,
            Ran::Superseded => {
                return Err(Failure::failed(format!("another process took over the job {id}")));
            }
        }
    }
}

/// Stops a job whose images there is no space for: nobody may be there to make any.
async fn no_space(ports: &Ports, job: &Job) -> Failure {
    drop(cancel(ports, &job.owner, &job.id, SystemClock.now()).await);
    Failure::new(Exit::NoSpace, "the disk of the data folder is full: the images could not be kept")
        .hint("make room on it and do it again, or leave --save away")
}

/// Shows what is told of the job, for as long as it is polled.
async fn show(mut inbox: Inbox, mut line: ProgressLine) -> Failure {
    while let Some(message) = inbox.next().await {
        if let Ok(event) = to_json(&message).and_then(|value| views::read(&value)) {
            line.event(&event);
        }
    }
    Failure::failed("the job's events ended before the job did")
}

fn to_json(message: &Message) -> Outcome<Value> {
    serde_json::to_value(message).map_err(|error| Failure::failed(error.to_string()))
}

async fn view(ports: &Ports, job: &Job, now: Timestamp) -> Outcome<Value> {
    let view = JobView::of(job.clone(), None, &*ports.links, now).await?;
    serde_json::to_value(view).map_err(|error| Failure::failed(error.to_string()))
}

async fn collect(ports: &Ports, job: Job, save: bool, now: Timestamp) -> Outcome<Drawn> {
    let mut drawn = Drawn { job: view(ports, &job, now).await?, pictures: Vec::new(), saved: Vec::new() };
    check_succeeded(&views::read(&drawn.job)?)?;
    for image in &job.images {
        drawn.pictures.push(ports.images.get(&image.sha256).await?.to_vec());
        if save {
            let from = SaveFrom::Job { id: job.id, index: image.index };
            // Nobody else waits for this thread.
            let draft = find_picture(ports, &job.owner, from, now)
                .await
                .map_err(in_words)?
                .looked_at(&limits::IMAGES);
            let command = Save { owner: job.owner.clone(), draft, edit: ImageEdit::default() };
            let saved = save_image(ports, command, now, &system::entropy()).await.map_err(in_words)?;
            drawn.saved.push(saved.image.id.to_string());
        }
    }
    Ok(drawn)
}

fn in_words(error: Error) -> Failure {
    match error {
        Error::Invalid(invalid) => of_invalid(&invalid),
        Error::NotFound(_) => Failure::new(Exit::NotFound, error.to_string()),
        Error::KeyReused | Error::NotReady(_) | Error::Stale { .. } => Failure::failed(error.to_string()),
        Error::Port(error) => error.into(),
    }
}

/// No line to wait in: the one job is run by the one who submitted it.
#[derive(Debug)]
struct NoLine;

#[async_trait]
impl Workflow for NoLine {
    async fn start(&self, _job: &Job) -> PortResult<()> {
        Ok(())
    }

    async fn cancel(&self, _id: &JobId) -> PortResult<()> {
        Ok(())
    }

    async fn place(&self, _job: &Job, _now: Timestamp) -> PortResult<Option<Place>> {
        Ok(None)
    }

    async fn queue(&self, _now: Timestamp) -> PortResult<Option<QueueCounts>> {
        Ok(None)
    }
}
