//! `tintype list`, `show` and `save`: the library of a server.

use crate::args::{List, PageArgs, Save, ServerArgs, Show};
use crate::client::{Client, views};
use crate::failure::{Exit, Failure, Outcome};
use crate::picture_in_terminal;
use crate::table;
use crate::terminal::{Style, Terminal, printable};
use crate::when::ago;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use std::path::Path;
use tintype_core::domain::{JobId, Timestamp, limits};

/// A client of the server that the flags name.
pub(crate) fn client(args: &ServerArgs) -> Outcome<Client> {
    Client::new(args.server.as_deref(), args.key.clone())
}

/// Lists the library.
///
/// # Errors
/// If the server does not answer or refuses.
pub(crate) fn list(args: &List, terminal: &Terminal, now: Timestamp) -> Outcome {
    let filter = if args.trash { "trashed=true" } else { "" };
    let items = pages(&client(&args.server)?, "/images", filter, &args.page)?;
    if args.page.json {
        return terminal.json(&Value::Array(items));
    }
    if items.is_empty() {
        terminal.note(if args.trash {
            "the trash is empty"
        } else {
            "the library is empty; keep a picture with: tintype generate \"red heart\" --save"
        });
    }
    let rows = items.iter().map(|item| Ok(row(&views::read(item)?, terminal, now)));
    let rows: Vec<_> = rows.collect::<Outcome<_>>()?;
    if rows.is_empty() { Ok(()) } else { table::print(terminal, ["ID", "PROMPT", "SIZE", "SAVED"], &rows, 1) }
}

fn row(image: &views::Image, terminal: &Terminal, now: Timestamp) -> [String; 4] {
    let name = image.title.as_ref().or(image.prompt.as_ref());
    let size = format!("{}\u{d7}{}", image.width, image.height);
    [image.id.clone(), name.cloned().unwrap_or_default(), size, ago(image.saved_at, terminal, now)]
}

/// As many items of a list as were asked for, page by page.
///
/// # Errors
/// If the server does not answer or refuses.
pub(crate) fn pages(client: &Client, path: &str, filter: &str, page: &PageArgs) -> Outcome<Vec<Value>> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let wanted = if page.all { usize::MAX } else { (page.limit as usize).saturating_sub(items.len()) };
        let limit = wanted.min(limits::PAGE_MAX as usize);
        let mut query = vec![format!("limit={limit}")];
        query.extend((!filter.is_empty()).then(|| filter.to_owned()));
        query.extend((!cursor.is_empty()).then(|| format!("cursor={cursor}")));
        let mut answer = client.get(&format!("{path}?{}", query.join("&")))?;
        let Value::Array(part) = answer["items"].take() else {
            return Err(Failure::failed("the server's answer holds no list"));
        };
        items.extend(part);
        match answer["next_cursor"].as_str() {
            Some(next) if items.len() < page.limit as usize || page.all => next.clone_into(&mut cursor),
            _ => return Ok(items),
        }
    }
}

/// Shows an image, or a job.
///
/// # Errors
/// If there is neither, or the server does not answer.
pub(crate) fn show(args: &Show, terminal: &Terminal) -> Outcome {
    // Ids are UUIDs: anything else would be another path.
    if args.id.parse::<JobId>().is_err() {
        return Err(Failure::new(Exit::NotFound, format!("{:?} is no id", args.id))
            .hint("ids are in the first column of: tintype list, tintype jobs"));
    }
    let client = client(&args.server)?;
    match client.get(&format!("/images/{}", args.id)) {
        Ok(answer) => show_image(&client, &answer, args, terminal),
        Err(failure) if failure.exit == Exit::NotFound => match client.get(&format!("/jobs/{}", args.id)) {
            Ok(answer) => show_job(&client, &answer, args, terminal),
            Err(failure) if failure.exit == Exit::NotFound => {
                Err(Failure::new(Exit::NotFound, format!("there is no image and no job {}", args.id))
                    .hint("ids are in the first column of: tintype list, tintype jobs"))
            }
            Err(failure) => Err(failure),
        },
        Err(failure) => Err(failure),
    }
}

fn show_image(client: &Client, answer: &Value, args: &Show, terminal: &Terminal) -> Outcome {
    if args.json {
        return terminal.json(answer);
    }
    let image: views::Image = views::read(answer)?;
    if !args.no_show && terminal.pictures.is_some() {
        picture_in_terminal::show(terminal, &client.bytes(&image.url)?);
    }
    let mut lines = vec![
        ("image", image.id.clone()),
        ("title", image.title.unwrap_or_default()),
        ("prompt", image.prompt.unwrap_or_default()),
    ];
    lines.extend(image.request.iter().flat_map(request_lines));
    lines.push(("seed", image.seed.map(|seed| seed.to_string()).unwrap_or_default()));
    lines.push(("size", format!("{} \u{d7} {}", image.width, image.height)));
    lines.push(("file", format!("{}, {} bytes", image.content_type, image.bytes)));
    lines.push(("tags", image.tags.join(", ")));
    lines.push(("saved", image.saved_at.to_string()));
    print_lines(terminal, &lines)
}

fn show_job(client: &Client, answer: &Value, args: &Show, terminal: &Terminal) -> Outcome {
    if args.json {
        return terminal.json(answer);
    }
    let job: views::Job = views::read(answer)?;
    if !args.no_show && terminal.pictures.is_some() {
        for image in &job.images {
            picture_in_terminal::show(terminal, &client.bytes(&image.url)?);
        }
    }
    let progress = job.progress.map(|progress| format!("step {} of {}", progress.step, progress.steps));
    let mut lines = vec![
        ("job", job.id.clone()),
        ("status", job.status.name().to_owned()),
        ("progress", progress.unwrap_or_default()),
        ("error", job.error.map(|error| error.message).unwrap_or_default()),
        ("prompt", job.request.prompt.clone()),
    ];
    lines.extend(request_lines(&job.request));
    lines.push(("size", format!("{} \u{d7} {}", job.request.width, job.request.height)));
    lines.push(("seed", job.request.seed.to_string()));
    lines.push(("count", job.request.count.to_string()));
    lines.push(("created", job.created_at.to_string()));
    print_lines(terminal, &lines)
}

fn request_lines(request: &views::Request) -> Vec<(&'static str, String)> {
    vec![
        ("negative", request.negative_prompt.clone().unwrap_or_default()),
        ("model", request.model.clone()),
        ("steps", request.steps.to_string()),
        ("guidance", request.guidance_scale.to_string()),
        ("scheduler", request.scheduler.clone()),
    ]
}

fn print_lines(terminal: &Terminal, lines: &[(&str, String)]) -> Outcome {
    for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        let value = terminal.wrap_out(&printable(value), 11);
        terminal.data(&format!("{} {value}", terminal.paint_out(Style::Dim, &format!("{name:<10}"))))?;
    }
    Ok(())
}

/// Keeps an image of a job, or a file.
///
/// # Errors
/// If there is none, it is no picture, or the server does not answer.
pub(crate) fn save(args: &Save, terminal: &Terminal) -> Outcome {
    let client = client(&args.server)?;
    let mut body = Map::new();
    if args.what.parse::<JobId>().is_ok() {
        body.insert("job_id".to_owned(), json!(args.what));
        body.insert("index".to_owned(), json!(args.index));
    } else {
        body.insert("image".to_owned(), json!(STANDARD.encode(read_picture(Path::new(&args.what))?)));
    }
    for (name, value) in [("title", &args.title), ("prompt", &args.prompt)] {
        if let Some(value) = value {
            body.insert(name.to_owned(), json!(value));
        }
    }
    if !args.tag.is_empty() {
        body.insert("tags".to_owned(), json!(args.tag));
    }
    let answer = client.post("/save", &Value::Object(body), &[])?;
    if args.json { terminal.json(&answer) } else { terminal.data(&views::read::<views::Image>(&answer)?.id) }
}

fn read_picture(path: &Path) -> Outcome<Vec<u8>> {
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::new(Exit::NotFound, format!("{} is neither a job's id nor a file: {error}", path.display()))
    })?;
    if bytes.len() > limits::UPLOAD_BYTES {
        let limit = limits::UPLOAD_BYTES / (1024 * 1024);
        return Err(Failure::new(Exit::Refused, format!("{} is larger than {limit} MB", path.display())));
    }
    Ok(bytes)
}
