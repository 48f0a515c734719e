//! Drawing on a server: post, follow, fetch. Ctrl-C cancels the job there.

use super::{CANCEL_PATIENCE, Drawn, check_succeeded, warn};
use crate::client::{Client, Told, views};
use crate::failure::{Exit, Failure, Outcome};
use crate::progress::ProgressLine;
use crate::signals::Interruption;
use crate::terminal::Terminal;
use serde_json::{Value, json};
use tintype_core::domain::GenerateInput;
use tokio::{sync::watch, task::spawn_blocking, time::timeout};

/// Draws `input` on the server of `client`, and keeps the pictures there if `save`.
///
/// # Errors
/// If no server answers, the request is refused, the job fails, or Ctrl-C is pressed.
pub(super) async fn draw(
    client: Client,
    input: &GenerateInput,
    save: bool,
    terminal: &Terminal,
) -> Outcome<Drawn> {
    let body = body(input)?;
    let (accepted, job) = watch::channel(None);
    let mut interruption = Interruption::listen()?;
    let work = {
        let (client, terminal) = (client.clone(), terminal.clone());
        spawn_blocking(move || draw_blocking(&client, &body, save, &terminal, &accepted))
    };
    tokio::select! {
        done = work => done.map_err(|_| Failure::failed("the drawing stopped unexpectedly"))?,
        () = interruption.came() => Err(stop(client, job, &mut interruption).await),
    }
}

/// Stops the job that was interrupted. Its request may still be on its way: what it becomes is to be stopped.
async fn stop(
    client: Client,
    mut job: watch::Receiver<Option<String>>,
    interruption: &mut Interruption,
) -> Failure {
    let failure = Failure::new(Exit::Interrupted, "interrupted");
    let id = async { job.wait_for(Option::is_some).await.ok().and_then(|id| id.clone()) };
    let id = tokio::select! {
        id = timeout(CANCEL_PATIENCE, id) => id.ok().flatten(),
        () = interruption.came() => None,
    };
    let Some(id) = id else { return failure };
    let stopped = tokio::select! {
        stopped = cancel(client, &id) => stopped,
        () = interruption.came() => false,
    };
    failure.hint(if stopped {
        format!("canceled the job {id}")
    } else {
        format!("the job may go on; stop it with: tintype cancel {id}")
    })
}

async fn cancel(client: Client, id: &str) -> bool {
    let path = format!("/jobs/{id}/cancel");
    let call = spawn_blocking(move || client.post(&path, &json!({}), &[]));
    matches!(timeout(CANCEL_PATIENCE, call).await, Ok(Ok(Ok(_))))
}

/// What was given, and nothing else: a server that is older than this command takes it too.
fn body(input: &GenerateInput) -> Outcome<Value> {
    let mut body = serde_json::to_value(input).map_err(|error| Failure::failed(error.to_string()))?;
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    Ok(body)
}

fn draw_blocking(
    client: &Client,
    body: &Value,
    save: bool,
    terminal: &Terminal,
    accepted: &watch::Sender<Option<String>>,
) -> Outcome<Drawn> {
    // The same key when it is sent again: one job, whatever the network does.
    let key = crate::system::random_name();
    let answer = client.post("/generate", body, &[("idempotency-key", &key)])?;
    let job: views::Job = views::read(&answer)?;
    accepted.send_replace(Some(job.id.clone()));
    warn(&job, terminal);
    let mut line = ProgressLine::new(terminal);
    line.waiting(job.queue_position, job.eta_s);
    client.follow(&job.id, |told| match told {
        Told::Event(event) => line.event(event),
        Told::Lost => line.lost(client.base()),
    })?;
    drop(line);
    collect(client, &job.id, save).map_err(|failure| {
        if failure.exit == Exit::NoServer {
            failure.hint(format!("what was drawn is kept there: tintype show {}", job.id))
        } else {
            failure
        }
    })
}

/// The job as it ended, and its pictures.
fn collect(client: &Client, id: &str, save: bool) -> Outcome<Drawn> {
    let answer = client.get(&format!("/jobs/{id}"))?;
    let job: views::Job = views::read(&answer)?;
    check_succeeded(&job)?;
    let mut drawn = Drawn { job: answer, pictures: Vec::new(), saved: Vec::new() };
    for image in &job.images {
        drawn.pictures.push(client.bytes(&image.url)?);
        if save {
            let kept = client.post("/save", &json!({ "job_id": id, "index": image.index }), &[])?;
            drawn.saved.push(views::read::<views::Image>(&kept)?.id);
        }
    }
    Ok(drawn)
}
