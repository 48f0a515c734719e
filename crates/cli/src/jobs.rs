//! `tintype jobs`, `cancel` and `retry`.

use crate::args::{JobArgs, Jobs};
use crate::client::views;
use crate::failure::{Exit, Failure, Outcome, nearest};
use crate::library::{client, pages};
use crate::table;
use crate::terminal::Terminal;
use crate::when::ago;
use serde_json::{Value, json};
use tintype_core::domain::{JobId, JobStatus, Timestamp};

/// Lists the jobs.
///
/// # Errors
/// If the server does not answer or refuses.
pub(crate) fn list(args: &Jobs, terminal: &Terminal, now: Timestamp) -> Outcome {
    let filter = match &args.status {
        None => String::new(),
        Some(text) => format!("status={}", status(text)?.name()),
    };
    let items = pages(&client(&args.server)?, "/jobs", &filter, &args.page)?;
    if args.page.json {
        return terminal.json(&Value::Array(items));
    }
    if items.is_empty() {
        terminal.note("there are no jobs; a job is kept for a day after it ended");
        return Ok(());
    }
    let rows = items.iter().map(|item| Ok(row(views::read(item)?, terminal, now)));
    let rows: Vec<_> = rows.collect::<Outcome<_>>()?;
    table::print(terminal, ["ID", "STATUS", "PROMPT", "CREATED"], &rows, 2)
}

fn status(text: &str) -> Outcome<JobStatus> {
    text.parse().map_err(|_| {
        let names = JobStatus::ALL.map(JobStatus::name);
        let failure = Failure::usage(format!("--status {text:?} must be one of: {}", names.join(", ")));
        match nearest(text, names) {
            Some(name) => failure.hint(format!("did you mean `{name}`?")),
            None => failure,
        }
    })
}

fn row(job: views::Job, terminal: &Terminal, now: Timestamp) -> [String; 4] {
    let status = match job.progress.filter(|_| job.status == JobStatus::Running) {
        Some(progress) => format!("running {}/{}", progress.step, progress.steps),
        None => job.status.name().to_owned(),
    };
    [job.id, status, job.request.prompt, ago(job.created_at, terminal, now)]
}

/// Stops a job.
///
/// # Errors
/// If there is none, or the server does not answer.
pub(crate) fn cancel(args: &JobArgs, terminal: &Terminal) -> Outcome {
    let (answer, job) = act(args, "cancel")?;
    if args.json {
        return terminal.json(&answer);
    }
    if job.status == JobStatus::Canceled {
        terminal.note(&format!("the job {} is canceled", job.id));
    } else {
        terminal.note(&format!("the job {} had already ended: it is {}", job.id, job.status.name()));
    }
    Ok(())
}

/// Repeats a job.
///
/// # Errors
/// If there is none, or the server does not answer.
pub(crate) fn retry(args: &JobArgs, terminal: &Terminal) -> Outcome {
    let (answer, job) = act(args, "retry")?;
    if args.json {
        return terminal.json(&answer);
    }
    terminal.note(&format!("it is repeated as a new job; look for it with: tintype show {}", job.id));
    terminal.data(&job.id)
}

fn act(args: &JobArgs, verb: &str) -> Outcome<(Value, views::Job)> {
    // Ids are UUIDs: anything else would be another path.
    if args.job.parse::<JobId>().is_err() {
        return Err(Failure::new(Exit::NotFound, format!("{:?} is no job's id", args.job))
            .hint("ids are in the first column of: tintype jobs"));
    }
    let answer = client(&args.server)?.post(&format!("/jobs/{}/{verb}", args.job), &json!({}), &[])?;
    let job = views::read(&answer)?;
    Ok((answer, job))
}
