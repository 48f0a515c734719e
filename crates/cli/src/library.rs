//! `tintype list`, `save`, `trash` and `restore`: the library of a server.

use crate::args::{List, PageArgs, Restore, Save, ServerArgs, Trash};
use crate::bounded;
use crate::client::{Client, views};
use crate::failure::{Exit, Failure, Outcome};
use crate::filter;
use crate::table;
use crate::terminal::Terminal;
use crate::when::ago;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::ErrorKind;
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
    let client = client(&args.server)?;
    if let Some(text) = &args.meaning {
        let items = by_meaning(&client, text, args.page.limit, terminal)?;
        return print(items, args.page.json, terminal, now);
    }
    if args.page.all && args.sort.as_deref() == Some("best") {
        let newest = limits::RANKED_MAX;
        let message = format!("--sort best ranks the newest {newest} that match, so it has no --all");
        return Err(Failure::usage(message).hint("leave one of them away: --all takes every order but best"));
    }
    let filter = filter::query(&args.filter, args.sort.as_deref(), &client)?;
    let items = pages(&client, "/images", &filter, &args.page)?;
    if items.is_empty() && !args.page.json {
        terminal.note(match (is_filtered(&filter), args.filter.trash) {
            (true, _) => "nothing found; fewer words find more",
            (false, true) => "the trash is empty",
            (false, false) => {
                "the library is empty; keep a picture with: tintype generate \"red heart\" --save"
            }
        });
    }
    print(items, args.page.json, terminal, now)
}

fn print(items: Vec<Value>, is_json: bool, terminal: &Terminal, now: Timestamp) -> Outcome {
    if is_json {
        return terminal.json(&Value::Array(items));
    }
    let rows = items.iter().map(|item| Ok(row(&views::read(item)?, terminal, now)));
    let rows: Vec<_> = rows.collect::<Outcome<_>>()?;
    if rows.is_empty() { Ok(()) } else { table::print(terminal, ["ID", "PROMPT", "SIZE", "SAVED"], &rows, 1) }
}

/// The images whose prompts mean something like `text`.
fn by_meaning(client: &Client, text: &str, limit: u32, terminal: &Terminal) -> Outcome<Vec<Value>> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("q", text).append_pair("limit", &limit.min(limits::PAGE_MAX).to_string());
    let answer = client.get(&format!("/images/by-meaning?{}", query.finish()));
    let none = "this server has no search by meaning";
    let mut answer = answer.map_err(|failure| {
        let is_none = failure.exit == Exit::NotFound;
        if is_none { Failure::failed(none).hint("search by words: tintype list WORD") } else { failure }
    })?;
    let unknown: Vec<_> =
        answer["unknown"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !unknown.is_empty() {
        terminal.note(&format!("not known as words: {}", unknown.join(", ")));
    }
    let Value::Array(items) = answer["items"].take() else {
        return Err(Failure::failed("the server's answer holds no list"));
    };
    if items.is_empty() {
        terminal.note("no prompt means anything like it; a search by words: tintype list WORD");
    }
    Ok(items)
}

/// Whether more is asked than which list, and in which order.
fn is_filtered(filter: &str) -> bool {
    form_urlencoded::parse(filter.as_bytes()).any(|(name, _)| !matches!(&*name, "sort" | "trashed"))
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
    let mut cursor = None;
    loop {
        let wanted = if page.all { usize::MAX } else { (page.limit as usize).saturating_sub(items.len()) };
        let limit = wanted.min(limits::PAGE_MAX as usize);
        let (part, next) = one_page(client, path, filter, limit, cursor.as_deref())?;
        items.extend(part);
        match next {
            Some(next) if items.len() < page.limit as usize || page.all => cursor = Some(next),
            _ => return Ok(items),
        }
    }
}

/// The items of one page of a list, and the cursor of the next one.
///
/// # Errors
/// If the server does not answer or refuses.
pub(crate) fn one_page(
    client: &Client,
    path: &str,
    filter: &str,
    limit: usize,
    cursor: Option<&str>,
) -> Outcome<(Vec<Value>, Option<String>)> {
    let mut query = vec![format!("limit={limit}")];
    query.extend((!filter.is_empty()).then(|| filter.to_owned()));
    query.extend(cursor.map(|cursor| format!("cursor={cursor}")));
    let mut answer = client.get(&format!("{path}?{}", query.join("&")))?;
    let Value::Array(items) = answer["items"].take() else {
        return Err(Failure::failed("the server's answer holds no list"));
    };
    Ok((items, answer["next_cursor"].as_str().map(str::to_owned)))
}

/// Refuses what is no id. Ids are UUIDs: anything else would be another path.
///
/// # Errors
/// If it is none.
pub(crate) fn check_id(id: &str) -> Outcome {
    match id.parse::<JobId>() {
        Ok(_) => Ok(()),
        Err(_) => Err(Failure::new(Exit::NotFound, format!("{id:?} is no id"))
            .hint("ids are in the first column of: tintype list, tintype jobs")),
    }
}

/// Puts an image in the trash, or erases it.
///
/// # Errors
/// If there is none, nobody agreed to erase it, or the server does not answer.
pub(crate) fn trash(args: &Trash, terminal: &Terminal) -> Outcome {
    check_id(&args.image)?;
    let (client, path) = (client(&args.server)?, format!("/images/{}", args.image));
    if args.permanent {
        return erase(&client, &path, args, terminal);
    }
    let answer = client.delete(&path)?.unwrap_or_default();
    if args.json {
        return terminal.json(&answer);
    }
    let days = limits::TRASH_RETENTION.as_secs() / (24 * 3_600);
    let id = views::read::<views::Image>(&answer)?.id;
    terminal.note(&format!("in the trash for {days} days; take it back with: tintype restore {id}"));
    Ok(())
}

fn erase(client: &Client, path: &str, args: &Trash, terminal: &Terminal) -> Outcome {
    if !args.yes {
        let image: views::Image = views::read(&client.get(path)?)?;
        let name = image.title.or(image.prompt).map(|name| format!("{name:?}, ")).unwrap_or_default();
        let question = format!("erase {name}{} for good?", image.id);
        if !terminal.can_ask() {
            return Err(Failure::usage(question).hint("what is erased can't be restored; if so, say --yes"));
        }
        if !terminal.confirms(&question) {
            return Err(Failure::failed("nothing was erased"));
        }
    }
    client.delete(&format!("{path}?permanent=true"))?;
    if args.json {
        return terminal.json(&json!({ "id": args.image, "erased": true }));
    }
    terminal.note(&format!("erased {}", args.image));
    Ok(())
}

/// Takes an image out of the trash.
///
/// # Errors
/// If there is none, or the server does not answer.
pub(crate) fn restore(args: &Restore, terminal: &Terminal) -> Outcome {
    check_id(&args.image)?;
    let answer = client(&args.server)?.post(&format!("/images/{}/restore", args.image), &json!({}), &[])?;
    if args.json {
        return terminal.json(&answer);
    }
    let id = views::read::<views::Image>(&answer)?.id;
    terminal.note(&format!("back in the library; look at it with: tintype show {id}"));
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
        body.insert("index".to_owned(), json!(args.index.unwrap_or_default()));
    } else if let Some(index) = args.index {
        return Err(Failure::usage(format!("{} is no job, so it has no image {index}", args.what))
            .hint("leave the number out for a file; a job's id is in the first column of: tintype jobs"));
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
    let read = File::open(path).and_then(|file| bounded::read(file, limits::IMAGES.max_bytes));
    read.map_err(|error| {
        let path = path.display();
        if error.kind() == ErrorKind::FileTooLarge {
            Failure::new(Exit::Refused, format!("{path} {error}"))
        } else {
            Failure::new(Exit::NotFound, format!("{path} is neither a job's id nor a file: {error}"))
        }
    })
}
