//! `tintype generate`: draws on a server, or in this process where none runs, and brings the pictures here.

mod in_process;
mod remote;

use crate::args::Generate;
use crate::client::{Client, views};
use crate::failure::{Exit, Failure, Outcome};
use crate::output_file::{Output, Picture};
use crate::settings::Env;
use crate::terminal::{Style, Terminal};
use crate::{picture_in_terminal, progress};
use serde_json::{Value, json};
use std::io::{IsTerminal, Read};
use std::time::Duration;
use tintype_core::domain::{GenerateInput, JobStatus, Warning};
use tokio::task::spawn_blocking;

/// A job that is done, and its pictures.
#[derive(Debug)]
struct Drawn {
    /// The job as the API shows it.
    job: Value,
    /// Each image's bytes, in order.
    pictures: Vec<Vec<u8>>,
    /// The ids under which they were kept.
    saved: Vec<String>,
}

/// Draws.
///
/// # Errors
/// If the request is refused, the job fails, or a file can't be written.
pub(crate) fn run(args: &Generate, terminal: &Terminal, env: Env<'_>) -> Outcome {
    let output = Output::of(args.output.as_deref());
    check_stdout(&output, args, terminal)?;
    let output_format = output.format(args.format.as_deref())?;
    let input = GenerateInput { output_format, ..input(args, terminal)? };
    output.prepare()?;
    let runtime = crate::runtime::start()?;
    let drawn = runtime.block_on(draw(args, &input, terminal, env));
    // What is still at work, is so for nobody.
    runtime.shutdown_background();
    hand_over(&drawn?, &output, args, terminal)
}

async fn draw(args: &Generate, input: &GenerateInput, terminal: &Terminal, env: Env<'_>) -> Outcome<Drawn> {
    if args.local {
        return in_process::draw(args, input, terminal, env).await;
    }
    let client = Client::new(args.server.server.as_deref(), args.server.key.clone())?;
    if client.named || is_there(client.clone()).await {
        return remote::draw(client, input, args.save, terminal).await;
    }
    terminal.note(&terminal.paint(Style::Dim, "no server is running; drawing in this process"));
    in_process::draw(args, input, terminal, env).await
}

/// Whether a server answers, in whatever way: asked before, so that one that dies later is not taken for none.
async fn is_there(client: Client) -> bool {
    let asked = spawn_blocking(move || client.get("/version")).await;
    !matches!(asked, Ok(Err(failure)) if failure.exit == Exit::NoServer)
}

/// The request that the flags make.
fn input(args: &Generate, terminal: &Terminal) -> Outcome<GenerateInput> {
    Ok(GenerateInput {
        prompt: Some(prompt(&args.prompt, terminal)?),
        negative_prompt: args.negative.clone(),
        width: args.width,
        height: args.height,
        steps: args.steps,
        guidance_scale: args.guidance,
        seed: args.seed,
        count: args.count,
        model: args.model.clone(),
        scheduler: args.scheduler.clone(),
        labels: (!args.label.is_empty()).then(|| args.label.iter().cloned().collect()),
        ..GenerateInput::default()
    })
}

fn prompt(words: &[String], terminal: &Terminal) -> Outcome<String> {
    if words != ["-"] {
        return Ok(words.join(" "));
    }
    let mut stdin = std::io::stdin();
    if stdin.is_terminal() {
        terminal.note("reading the prompt; end it with Ctrl-D");
    }
    let mut text = String::new();
    stdin
        .read_to_string(&mut text)
        .map_err(|error| Failure::failed(format!("can't read the prompt from stdin: {error}")))?;
    Ok(text.trim().to_owned())
}

/// Refuses what stdout can't take.
fn check_stdout(output: &Output, args: &Generate, terminal: &Terminal) -> Outcome {
    if *output != Output::Stdout {
        return Ok(());
    }
    if args.json {
        return Err(
            Failure::usage("--json and `-o -` both want stdout").hint("write the picture to a file: -o FILE")
        );
    }
    if args.count.is_some_and(|count| count > 1) {
        return Err(Failure::usage("stdout takes one picture").hint("write several into a folder: -o DIR"));
    }
    if terminal.stdout_is_screen {
        return Err(Failure::usage("a picture's bytes are not for the screen")
            .hint("pipe them on, or write them to a file: -o FILE"));
    }
    Ok(())
}

/// Says why a job that ended has no pictures.
fn check_succeeded(job: &views::Job) -> Outcome {
    match job.status {
        JobStatus::Succeeded => Ok(()),
        JobStatus::Failed => Err(failed(job)),
        JobStatus::Canceled => Err(Failure::new(Exit::Canceled, format!("the job {} was canceled", job.id))),
        JobStatus::Expired => {
            Err(Failure::new(Exit::Canceled, format!("the job {} expired before it was begun", job.id)))
        }
        JobStatus::Queued | JobStatus::Running => Err(Failure::failed(format!(
            "the job {} is still {}, although its events say it ended",
            job.id,
            job.status.name()
        ))),
    }
}

fn failed(job: &views::Job) -> Failure {
    let Some(error) = &job.error else { return Failure::failed(format!("the job {} failed", job.id)) };
    let refused = matches!(error.code.as_str(), "rejected" | "invalid");
    let failure = Failure::new(if refused { Exit::Refused } else { Exit::Failed }, error.message.as_str());
    if error.retryable { failure.hint(format!("try again: tintype retry {}", job.id)) } else { failure }
}

fn warn(job: &views::Job, terminal: &Terminal) {
    for warning in &job.warnings {
        // Its own way to the list, in place of the API's.
        terminal.warn(&warning.detail.replace("GET /models", "tintype models"));
    }
}

/// What is told of a job at its end alone.
fn warn_of_the_end(job: &views::Job, terminal: &Terminal) {
    for warning in job.warnings.iter().filter(|warning| warning.code == Warning::UNSIGNED) {
        terminal.warn(&warning.detail);
    }
}

/// Writes the pictures, shows them and says where they are.
fn hand_over(drawn: &Drawn, output: &Output, args: &Generate, terminal: &Terminal) -> Outcome {
    let job: views::Job = views::read(&drawn.job)?;
    warn_of_the_end(&job, terminal);
    let mut files = Vec::new();
    for (index, (image, bytes)) in job.images.iter().zip(&drawn.pictures).enumerate() {
        let picture = Picture {
            prompt: &job.request.prompt,
            seed: image.seed,
            content_type: &image.content_type,
            bytes,
        };
        let path = output.write(&picture, index, drawn.pictures.len())?;
        if !args.no_show {
            picture_in_terminal::show(terminal, bytes);
        }
        terminal.note(&terminal.paint(Style::Dim, &summary(&job, image)));
        match path {
            Some(path) => {
                let path = path.display().to_string();
                if !args.json {
                    terminal.data(&path)?;
                }
                files.push(path);
            }
            None => terminal.bytes(bytes)?,
        }
    }
    for id in &drawn.saved {
        terminal.note(&terminal.paint(Style::Dim, &format!("kept in the library as {id}")));
    }
    if args.json {
        let mut job = drawn.job.clone();
        job["files"] = json!(files);
        job["saved"] = json!(drawn.saved);
        terminal.json(&job)?;
    }
    Ok(())
}

fn summary(job: &views::Job, image: &views::JobImage) -> String {
    let time = match (job.started_at, job.finished_at) {
        (Some(started), Some(finished)) => format!(", {}", progress::in_words(finished.since(started))),
        _ => String::new(),
    };
    let views::JobImage { width, height, seed, .. } = image;
    let views::Request { steps, model, .. } = &job.request;
    format!("{width} \u{d7} {height}, seed {seed}, {steps} steps, {model}{time}")
}

/// How long a job that is being canceled may take to say so.
const CANCEL_PATIENCE: Duration = Duration::from_secs(3);
