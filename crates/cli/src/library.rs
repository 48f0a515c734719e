//! `tintype list`, `save`, `trash` and `restore`: the library of a server.

use crate::args::{List, PageArgs, Restore, Save, ServerArgs, Trash};
use crate::client::{Client, views};
use crate::failure::{Exit, Failure, Outcome};
use crate::table;
use crate::terminal::Terminal;
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
    let filter = filter(args);
    let items = pages(&client(&args.server)?, "/images", &filter, &args.page)?;
    if args.page.json {
        return terminal.json(&Value::Array(items));
    }
    if items.is_empty() {
        terminal.note(match (is_filtered(&filter), args.trash) {
            (true, _) => "nothing found; fewer words find more",
            (false, true) => "the trash is empty",
            (false, false) => {
                "the library is empty; keep a picture with: tintype generate \"red heart\" --save"
            }
        });
    }
    let rows = items.iter().map(|item| Ok(row(&views::read(item)?, terminal, now)));
    let rows: Vec<_> = rows.collect::<Outcome<_>>()?;
    if rows.is_empty() { Ok(()) } else { table::print(terminal, ["ID", "PROMPT", "SIZE", "SAVED"], &rows, 1) }
}

/// Whether more is asked than which list, and in which order.
fn is_filtered(filter: &str) -> bool {
    form_urlencoded::parse(filter.as_bytes()).any(|(name, _)| !matches!(&*name, "sort" | "trashed"))
}

/// The flags as parameters of the list.
fn filter(args: &List) -> String {
    let mut filter = form_urlencoded::Serializer::new(String::new());
    let one = |name, value: Option<String>| value.map(|value| (name, value));
    let words = (!args.words.is_empty()).then(|| args.words.join(" "));
    filter.extend_pairs(one("q", words)).extend_pairs(args.tag.iter().map(|tag| ("tag", tag)));
    filter.extend_pairs(args.favorite.then_some(("favorite", "true")));
    filter.extend_pairs(one("rating", args.rating.map(|rating| rating.to_string())));
    filter
        .extend_pairs(one("model", args.model.clone()))
        .extend_pairs(one("seed", args.seed.map(|seed| seed.to_string())));
    filter.extend_pairs(one("from", args.from.clone())).extend_pairs(one("to", args.to.clone()));
    filter
        .extend_pairs(one("sort", args.sort.clone()))
        .extend_pairs(args.trash.then_some(("trashed", "true")));
    filter.finish()
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
