//! `tintype show`: all that is known of an image or a job, a line for each thing.

use crate::args::Show;
use crate::client::{Client, views};
use crate::failure::{Exit, Failure, Outcome};
use crate::library::{check_id, client};
use crate::lines::{self, GAP, Line, plain};
use crate::picture_in_terminal;
use crate::progress::in_words;
use crate::terminal::{Style, Terminal};
use crate::when::ago;
use serde_json::Value;
use std::time::Duration;
use tintype_core::domain::{JobStatus, Seed, Timestamp};

/// A wait that nobody notices.
const AT_ONCE: Duration = Duration::from_millis(500);
/// Shows an image, or a job.
///
/// # Errors
/// If there is neither, or the server does not answer.
pub(crate) fn show(args: &Show, terminal: &Terminal, now: Timestamp) -> Outcome {
    check_id(&args.id)?;
    let client = client(&args.server)?;
    let image = client.get(&format!("/images/{}", args.id));
    let (is_job, answer) = match image {
        Err(failure) if failure.exit == Exit::NotFound => (true, client.get(&format!("/jobs/{}", args.id))),
        image => (false, image),
    };
    let answer = answer.map_err(|failure| {
        if failure.exit != Exit::NotFound {
            return failure;
        }
        Failure::new(Exit::NotFound, format!("there is no image and no job {}", args.id))
            .hint("ids are in the first column of: tintype list, tintype jobs")
    })?;
    if args.json {
        return terminal.json(&answer);
    }
    let show = if is_job { show_job } else { show_image };
    show(&client, &answer, args, terminal, now)
}

fn show_image(client: &Client, answer: &Value, args: &Show, terminal: &Terminal, now: Timestamp) -> Outcome {
    let image: views::Image = views::read(answer)?;
    if !args.no_show && terminal.pictures.is_some() {
        picture_in_terminal::show(terminal, &client.bytes(&image.url)?);
    }
    let mut lines = vec![
        plain("image", &image.id),
        ("title", Style::Bold, image.title.unwrap_or_default()),
        ("prompt", Style::Bold, image.prompt.unwrap_or_default()),
    ];
    lines.extend(image.request.iter().flat_map(request_lines));
    lines.push(plain("seed", image.seed.map(|seed| seed.to_string()).unwrap_or_default()));
    lines.push(plain("size", format!("{} \u{d7} {}", image.width, image.height)));
    lines.push(plain("file", format!("{}, {} bytes", image.content_type, image.bytes)));
    lines.push(plain("tags", image.tags.join(", ")));
    lines.push(GAP);
    lines.push(plain("saved", past(image.saved_at, terminal, now)));
    if let Some(trashed_at) = image.trashed_at {
        lines.push(plain("trashed", past(trashed_at, terminal, now)));
        lines.push(plain("next", format!("take it back: tintype restore {}", image.id)));
    }
    lines::print(terminal, &lines)
}

fn show_job(client: &Client, answer: &Value, args: &Show, terminal: &Terminal, now: Timestamp) -> Outcome {
    let job: views::Job = views::read(answer)?;
    if !args.no_show && terminal.pictures.is_some() {
        for image in &job.images {
            picture_in_terminal::show(terminal, &client.bytes(&image.url)?);
        }
    }
    let mut lines = vec![plain("job", &job.id), ("status", status_style(job.status), status(&job, now))];
    lines.extend(error_lines(&job));
    lines.push(("prompt", Style::Bold, job.request.prompt.clone()));
    lines.extend(request_lines(&job.request));
    lines.push(plain("size", format!("{} \u{d7} {}", job.request.width, job.request.height)));
    lines.push(plain("seed", seeds(&job.request)));
    let labels: Vec<_> = job.request.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    lines.push(plain("labels", labels.join(", ")));
    let warning = |warning: &tintype_core::domain::Warning| ("warning", Style::Amber, in_our_words(warning));
    lines.extend(job.warnings.iter().map(warning));
    lines.push(GAP);
    lines.extend(time_lines(&job, terminal, now));
    lines.push(GAP);
    lines.extend(job.images.iter().map(|image| plain("image", image_line(client, image))));
    lines.push(plain("next", next(&job)));
    lines::print(terminal, &lines)
}

const fn status_style(status: JobStatus) -> Style {
    match status {
        JobStatus::Queued | JobStatus::Running => Style::Amber,
        JobStatus::Succeeded => Style::Bold,
        JobStatus::Failed | JobStatus::Canceled | JobStatus::Expired => Style::Red,
    }
}

/// Where the job stands, and how much longer it takes.
fn status(job: &views::Job, now: Timestamp) -> String {
    let mut text = job.status.name().to_owned();
    match job.status {
        JobStatus::Queued => {
            match job.queue_position {
                Some(1) => text.push_str(", the next of yours"),
                Some(position) => text.push_str(&format!(", {} of yours before it", position - 1)),
                None => {}
            }
            if let Some(seconds) = job.eta_s {
                let eta = in_words(Duration::from_secs(seconds.into()));
                text.push_str(&format!(", done in about {eta}"));
            }
        }
        JobStatus::Running => {
            if let Some(progress) = job.progress {
                text.push_str(&format!(", step {} of {}", progress.step, progress.steps));
                if job.request.count > 1 {
                    text.push_str(&format!(" of image {} of {}", progress.image + 1, job.request.count));
                }
            }
            if let Some(started) = job.started_at {
                text.push_str(&format!(", since {}", in_words(now.since(started))));
            }
        }
        JobStatus::Expired => {
            let deadline = job.request.deadline_s.map(|seconds| Duration::from_secs(seconds.into()));
            let deadline = deadline.map(|deadline| format!(" of {}", in_words(deadline))).unwrap_or_default();
            text.push_str(&format!(": it was not begun within its deadline{deadline}"));
        }
        JobStatus::Succeeded | JobStatus::Failed | JobStatus::Canceled => {}
    }
    text
}

fn error_lines(job: &views::Job) -> Option<Line> {
    let error = job.error.as_ref()?;
    let text = match job.status {
        JobStatus::Queued | JobStatus::Running => {
            format!("an attempt failed: {}; it is tried again by itself", error.message)
        }
        JobStatus::Succeeded | JobStatus::Failed | JobStatus::Canceled | JobStatus::Expired => {
            format!("{} ({})", error.message, error.code)
        }
    };
    Some(("error", Style::Red, text))
}

/// What a person may want to do with a job that stands so.
fn next(job: &views::Job) -> String {
    let id = &job.id;
    match job.status {
        JobStatus::Queued | JobStatus::Running => format!("stop it: tintype cancel {id}"),
        JobStatus::Succeeded if job.images.len() > 1 => format!("keep one: tintype save {id} INDEX"),
        JobStatus::Succeeded => format!("keep it: tintype save {id}"),
        JobStatus::Failed => match &job.error {
            Some(error) if error.retryable => format!("try again: tintype retry {id}"),
            Some(error) if matches!(error.code.as_str(), "rejected" | "invalid") => {
                "change the request: as it is, it is refused every time".to_owned()
            }
            _ => format!("look into the server's log for the job, then: tintype retry {id}"),
        },
        JobStatus::Canceled | JobStatus::Expired => format!("repeat it: tintype retry {id}"),
    }
}

fn time_lines(job: &views::Job, terminal: &Terminal, now: Timestamp) -> Vec<Line> {
    let mut lines = vec![plain("accepted", past(job.created_at, terminal, now))];
    if let Some(started) = job.started_at {
        let waited = started.since(job.created_at);
        let waited =
            if waited < AT_ONCE { "at once".to_owned() } else { format!("after {}", in_words(waited)) };
        lines.push(plain("started", moment(started, &waited, terminal)));
    }
    if let Some(finished) = job.finished_at {
        lines.push(plain("ended", past(finished, terminal, now)));
        let took = job.started_at.map(|started| in_words(finished.since(started)));
        lines.push(plain("took", took.unwrap_or_default()));
    }
    lines.push(plain("attempts", job.attempts.to_string()));
    lines.push(plain("repeats", job.retry_of.clone().unwrap_or_default()));
    if let Some(expires_at) = job.expires_at.filter(|_| job.status.is_terminal()) {
        let left = format!("another {}", in_words(expires_at.since(now)));
        lines.push(plain("kept until", moment(expires_at, &left, terminal)));
    }
    lines
}

/// A moment in words, and when it was; into a pipe the moment alone.
fn moment(at: Timestamp, words: &str, terminal: &Terminal) -> String {
    if terminal.stdout_is_screen { format!("{words} ({})", for_reading(at)) } else { at.to_string() }
}

fn past(at: Timestamp, terminal: &Terminal, now: Timestamp) -> String {
    moment(at, &ago(at, terminal, now), terminal)
}

/// Day and time, without what only machines need.
fn for_reading(at: Timestamp) -> String {
    let text = at.to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    format!("{} UTC", seconds.replace('T', " "))
}

fn image_line(client: &Client, image: &views::JobImage) -> String {
    let views::JobImage { index, content_type, bytes, seed, .. } = image;
    let format = content_type.trim_start_matches("image/");
    format!("{index}: {format} of {bytes} bytes, seed {seed} {}", client.url(&image.url))
}

/// The seed of every image: they count up.
fn seeds(request: &views::Request) -> String {
    let first = request.seed;
    match request.count.checked_sub(1) {
        None | Some(0) => first.to_string(),
        Some(more) => format!("{first} to {}", Seed(first).nth(more).0),
    }
}

fn in_our_words(warning: &tintype_core::domain::Warning) -> String {
    // Its own way to the list, in place of the API's.
    warning.detail.replace("GET /models", "tintype models")
}

fn request_lines(request: &views::Request) -> Vec<Line> {
    vec![
        plain("negative", request.negative_prompt.clone().unwrap_or_default()),
        plain("model", &request.model),
        plain("steps", request.steps.to_string()),
        plain("guidance", request.guidance_scale.to_string()),
        plain("scheduler", &request.scheduler),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn job(change: &Value) -> views::Job {
        let mut job = json!({
            "id": "J", "status": "queued", "attempts": 0, "created_at": NOW.to_string(),
            "request": {
                "prompt": "red heart", "width": 64, "height": 64, "steps": 20, "guidance_scale": 4.0, "seed": 7,
                "count": 1, "model": "noop", "scheduler": "ddim", "deadline_s": 60,
            },
        });
        for (name, value) in change.as_object().unwrap() {
            job[name] = value.clone();
        }
        views::read(&job).unwrap()
    }

    #[test]
    fn a_job_that_waits_says_its_place_and_how_long() {
        let first = job(&json!({ "queue_position": 1, "eta_s": 75 }));
        assert_eq!(status(&first, NOW), "queued, the next of yours, done in about 1 min 15 s");
        assert_eq!(status(&job(&json!({ "queue_position": 3 })), NOW), "queued, 2 of yours before it");
        assert_eq!(next(&first), "stop it: tintype cancel J");
    }

    #[test]
    fn a_job_at_work_says_how_far_it_is() {
        let running = json!({
            "status": "running", "started_at": NOW.to_string(), "progress": { "image": 0, "step": 5, "steps": 20 },
        });
        assert_eq!(
            status(&job(&running), NOW.after(Duration::from_secs(4))),
            "running, step 5 of 20, since 4 s"
        );
    }

    #[test]
    fn a_job_that_failed_says_why_and_what_to_do() {
        let failed = |code: &str, retryable: bool| {
            job(&json!({
                "status": "failed", "error": { "code": code, "message": "no", "retryable": retryable },
            }))
        };
        assert_eq!(error_lines(&failed("unavailable", true)).unwrap().2, "no (unavailable)");
        assert_eq!(next(&failed("unavailable", true)), "try again: tintype retry J");
        assert!(next(&failed("rejected", false)).starts_with("change the request"));
        assert!(next(&failed("data", false)).contains("log"));
        let again = json!({ "error": { "code": "throttled", "message": "no", "retryable": true } });
        assert_eq!(
            error_lines(&job(&again)).unwrap().2,
            "an attempt failed: no; it is tried again by itself"
        );
    }

    #[test]
    fn a_job_that_expired_says_its_deadline() {
        let expired = job(&json!({ "status": "expired" }));
        assert_eq!(status(&expired, NOW), "expired: it was not begun within its deadline of 1 min 0 s");
    }

    #[test]
    fn a_moment_is_read_without_its_milliseconds() {
        assert_eq!(for_reading(NOW), "1970-01-01 00:16:40 UTC");
    }

    #[test]
    fn several_seeds_are_a_range() {
        let mut request = job(&json!({})).request;
        assert_eq!(seeds(&request), "7");
        request.count = 4;
        assert_eq!(seeds(&request), "7 to 10");
    }
}
