//! `tintype import`: an export, or pictures of other tools, into a server's library.

pub(crate) mod foreign;
mod links;
mod plan;

use crate::archive::Archive;
use crate::args::Import;
use crate::bounded;
use crate::client::{Client, views};
use crate::failure::{Exit, Failure, Outcome};
use crate::library;
use crate::progress::CountLine;
use crate::table::one_line;
use crate::terminal::Terminal;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use links::Links;
use plan::{Place, Plan};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use tintype_core::domain::{BlobId, folded, has_lines, limits};
use tintype_core::imaging;

/// The largest picture that a Lambda function is handed, in bytes: it comes as base64, in a request of 6 MB.
const AWS_BYTES: usize = 4_500_000;

/// A picture to be saved.
#[derive(Debug)]
pub(crate) struct Picture {
    bytes: Vec<u8>,
    /// What is sent beside it.
    pub(crate) fields: Map<String, Value>,
}

/// What became of one file.
#[derive(Debug)]
enum Became {
    /// It is a new image, of this id; in a dry run it would be.
    New(Option<String>),
    /// It is this image, which was there already; in a dry run it may be one that this run would have made.
    There(Option<String>),
    /// It was refused.
    Failed(String),
}

/// Imports what the paths hold.
///
/// # Errors
/// If the server does not answer, or a file could not be imported.
pub(crate) fn run(args: &Import, terminal: &Terminal) -> Outcome {
    let client = library::client(&args.server)?;
    let mut importer = Importer {
        links: Links::read(&client, args.dry_run)?,
        library: if args.dry_run { known_pictures(&client)? } else { HashMap::new() },
        args,
        client,
        terminal,
        report: Report::default(),
    };
    let ended = importer.all();
    importer.finish(ended)
}

/// The library's pictures by their hash, for telling what a run would do.
fn known_pictures(client: &Client) -> Outcome<HashMap<String, Option<String>>> {
    let mut known = HashMap::new();
    for trashed in ["false", "true"] {
        let mut cursor = None;
        loop {
            let filter = format!("trashed={trashed}");
            let limit = limits::PAGE_MAX as usize;
            let (items, next) = library::one_page(client, "/images", &filter, limit, cursor.as_deref())?;
            for item in items {
                let text = |name: &str| item[name].as_str().map(str::to_owned);
                known.extend(text("sha256").map(|sha256| (sha256, text("id"))));
            }
            match next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
    }
    Ok(known)
}

#[derive(Debug, Default)]
struct Report {
    new: u64,
    there: u64,
    failed: u64,
    bytes: u64,
    items: Vec<Value>,
}

struct Importer<'a> {
    args: &'a Import,
    client: Client,
    terminal: &'a Terminal,
    links: Links,
    /// The id of each picture that is there, by its hash; filled for a dry run only.
    library: HashMap<String, Option<String>>,
    report: Report,
}

impl Importer<'_> {
    fn all(&mut self) -> Outcome {
        let mut plan = Plan::of(&self.args.paths);
        for (path, problem) in std::mem::take(&mut plan.problems) {
            self.note(&path, &Became::Failed(problem))?;
        }
        for archive in &mut plan.archives {
            self.begin(archive)?;
        }
        let shared = self.shared()?;
        let mut line = CountLine::new(self.terminal, "importing", Some(plan.entries.len() as u64));
        for (n, entry) in plan.entries.iter().enumerate() {
            let picture = match &entry.place {
                Place::File(path) => read_file(path).and_then(|bytes| foreign::picture(path, bytes)),
                Place::Alone { archive, picture } => {
                    let archive = &mut plan.archives[*archive];
                    let path = archive.path().join(picture);
                    let bytes = archive.read(picture, limits::IMAGES.max_bytes);
                    bytes.and_then(|bytes| foreign::picture(&path, bytes))
                }
                Place::Archive { archive, sidecar } => {
                    self.exported(&mut plan.archives[*archive], *archive, sidecar)
                }
            };
            let became = self.settle(entry, picture, &shared)?;
            if matches!(became, Became::Failed(_)) {
                line.wipe();
            }
            self.note(&entry.name, &became)?;
            line.at(n as u64 + 1, self.report.bytes);
        }
        line.wipe();
        if plan.others > 0 {
            self.terminal.note(&format!("{} other files were passed over", plan.others));
        }
        Ok(())
    }

    /// Makes an export's collections be there, and says if it is not whole.
    fn begin(&mut self, archive: &mut Archive) -> Outcome {
        if !archive.is_complete() {
            let path = archive.path().display().to_string();
            self.terminal.warn(&format!("{path} is not a whole export; what it holds is imported"));
        }
        for (name, problem) in self.links.add_collections(&self.client, archive)? {
            self.note(&name, &Became::Failed(problem))?;
        }
        Ok(())
    }

    /// What the flags say of every picture.
    fn shared(&mut self) -> Outcome<(Vec<String>, Vec<String>)> {
        let mut collections = Vec::new();
        for name in &self.args.collection {
            let made = self.links.collection(&self.client, name);
            collections
                .extend(made.map_err(|failure| failure.hint(format!("that is of --collection {name:?}")))?);
        }
        Ok((self.args.tag.clone(), collections))
    }

    /// A picture of an export, with what is known of it in this library's terms.
    fn exported(&mut self, archive: &mut Archive, number: usize, sidecar: &str) -> Outcome<Picture> {
        let known = archive.json(sidecar)?;
        let picture = archive.picture_of(sidecar, &known)?;
        let bytes = archive.read(&picture, limits::IMAGES.max_bytes)?;
        if known["sha256"] != BlobId::of(&bytes).to_string() {
            return Err(refused("its bytes are not those that were exported"));
        }
        Ok(Picture { bytes, fields: self.links.fields(&self.client, number, &known)? })
    }

    /// Saves the picture; in a dry run only looks at it. What stops one file only is told of it.
    fn settle(
        &mut self,
        entry: &plan::Entry,
        picture: Outcome<Picture>,
        shared: &(Vec<String>, Vec<String>),
    ) -> Outcome<Became> {
        let became = picture.and_then(|picture| {
            self.report.bytes += picture.bytes.len() as u64;
            let size = picture.bytes.len();
            if self.args.dry_run { self.look(picture) } else { self.save(&entry.name, picture, shared) }
                .map_err(|failure| if size > AWS_BYTES { failure.hint(AWS_HINT) } else { failure })
        });
        match became {
            Ok(became) => {
                if let (Some(old), Became::New(id) | Became::There(id)) = (&entry.id, &became) {
                    // A dry run makes no ids: that of there stands for the one that it would get here.
                    self.links.imported(old, id.as_deref().unwrap_or(old));
                }
                Ok(became)
            }
            // Those that follow would fare no better.
            Err(failure) if matches!(failure.exit, Exit::NoServer | Exit::NoSpace) => Err(failure),
            Err(failure) => Ok(Became::Failed(failure.in_one_line())),
        }
    }

    fn save(&self, name: &str, picture: Picture, shared: &(Vec<String>, Vec<String>)) -> Outcome<Became> {
        let mut fields = picture.fields;
        add(&mut fields, "tags", &shared.0);
        add(&mut fields, "collections", &shared.1);
        fields.insert("merge".to_owned(), json!(true));
        fields.insert("image".to_owned(), json!(STANDARD.encode(&picture.bytes)));
        let sent = Value::Object(fields);
        let (is_new, answer) = self.client.post_new("/save", &sent)?;
        let left_out = without_room(&sent, &answer);
        if !left_out.is_empty() {
            let left_out = left_out.join(", ");
            self.terminal
                .warn(&one_line(&format!("{name}: it is there already, with no room for {left_out}")));
        }
        let id = views::read::<views::Image>(&answer)?.id;
        Ok(if is_new { Became::New(Some(id)) } else { Became::There(Some(id)) })
    }

    fn look(&mut self, picture: Picture) -> Outcome<Became> {
        let sha256 = BlobId::of(&picture.bytes).to_string();
        imaging::check(picture.bytes.into()).map_err(|(_, detail)| refused(detail))?;
        if let Some(id) = self.library.get(&sha256) {
            return Ok(Became::There(id.clone()));
        }
        self.library.insert(sha256, None);
        Ok(Became::New(None))
    }

    /// Counts what became of a file, and tells it.
    fn note(&mut self, name: &str, became: &Became) -> Outcome {
        let (outcome, more) = match became {
            Became::New(id) => ("new", id.as_deref()),
            Became::There(id) => ("there", id.as_deref()),
            Became::Failed(problem) => ("failed", Some(problem.as_str())),
        };
        let (counter, member) = match became {
            Became::New(_) => (&mut self.report.new, "id"),
            Became::There(_) => (&mut self.report.there, "id"),
            Became::Failed(_) => (&mut self.report.failed, "error"),
        };
        *counter += 1;
        if self.args.json {
            self.report.items.push(json!({ "file": name, "outcome": outcome, member: more }));
        } else if !self.terminal.stdout_is_screen || self.args.dry_run {
            let cells = [outcome, name, more.unwrap_or_default()].map(one_line);
            self.terminal.data(&cells.join("\t"))?;
        }
        if let Became::Failed(problem) = became {
            self.terminal.warn(&one_line(&format!("{name}: {problem}")));
        }
        Ok(())
    }

    /// Tells what was done, also where it broke off.
    fn finish(&self, ended: Outcome) -> Outcome {
        let (report, dry_run) = (&self.report, self.args.dry_run);
        let left_out = self.links.left_out();
        if self.args.json {
            self.terminal.json(&json!({
                "dry_run": dry_run, "complete": ended.is_ok(), "new": report.new, "there": report.there,
                "failed": report.failed, "parents_left_out": left_out, "items": report.items,
            }))?;
        }
        let Report { new, there, failed, .. } = report;
        let would = if dry_run { "nothing was changed; it would be: " } else { "" };
        self.terminal.note(&format!("{would}{new} new, {there} there already, {failed} failed"));
        if left_out > 0 {
            self.terminal.note(&format!("{left_out} came from a picture that is not here; that is left out"));
        }
        ended.map_err(|failure| {
            failure.hint_to_repeat("do it again: what is there already stays one picture")
        })?;
        match (*failed, new + there) {
            (0, 0) => Err(Failure::new(Exit::NotFound, "there is no picture (PNG, JPEG, WebP) to import")),
            (0, _) => Ok(()),
            (failed, done) => {
                Err(Failure::failed(format!("{failed} of {} could not be imported", failed + done)))
            }
        }
    }
}

const AWS_HINT: &str = "on AWS a picture may have about 4.5 MB";

/// Adds to a list of names that may not be there yet.
fn add(fields: &mut Map<String, Value>, name: &str, more: &[String]) {
    if more.is_empty() {
        return;
    }
    if let Value::Array(all) = fields.entry(name).or_insert_with(|| json!([])) {
        for one in
            more.iter().filter(|one| !all.contains(&json!(one))).map(|one| json!(one)).collect::<Vec<_>>()
        {
            all.push(one);
        }
    }
}

/// What the image that was there has not taken: it may have so much and no more.
fn without_room(sent: &Value, image: &Value) -> Vec<String> {
    let texts = |of: &Value| -> Vec<String> {
        of.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let have: Vec<_> = texts(&image["tags"]).iter().map(|tag| folded(tag)).collect();
    let tags = texts(&sent["tags"]).into_iter().filter(|tag| !have.contains(&folded(tag.trim())));
    let mut left_out: Vec<_> = tags.map(|tag| format!("the tag {tag:?}")).collect();
    let have = texts(&image["collections"]);
    match texts(&sent["collections"]).iter().filter(|id| !have.contains(id)).count() {
        0 => {}
        1 => left_out.push("a collection".to_owned()),
        count => left_out.push(format!("{count} collections")),
    }
    let labels = sent["labels"].as_object().into_iter().flatten();
    let labels = labels.filter(|(name, _)| image["labels"].get(name.as_str()).is_none());
    left_out.extend(labels.map(|(name, _)| format!("the label {name:?}")));
    let note = sent["note"].as_str().unwrap_or_default().trim();
    if !note.is_empty() && !has_lines(image["note"].as_str().unwrap_or_default(), note) {
        left_out.push("the note".to_owned());
    }
    left_out
}

fn refused(problem: impl Into<String>) -> Failure {
    Failure::new(Exit::Refused, problem)
}

fn read_file(path: &Path) -> Outcome<Vec<u8>> {
    let read = File::open(path).and_then(|file| bounded::read(file, limits::IMAGES.max_bytes));
    read.map_err(|error| refused(error.to_string()))
}
