//! `tintype export`: pictures of a server's library as files, with what is known of them.

mod folder;
pub(crate) mod names;

use crate::archive::Archive;
use crate::args::Export;
use crate::client::{Client, views};
use crate::failure::{Exit, Failure, Outcome};
use crate::progress::CountLine;
use crate::table::one_line;
use crate::terminal::Terminal;
use crate::{collections, filter, library};
use folder::{Folder, Written};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tintype_core::domain::{BlobId, ContentType, ImageId, Timestamp};

/// How many pictures are asked for at a time.
const PAGE: usize = 100;
/// How often a picture whose bytes come damaged is asked for.
const TRIES: u32 = 2;
/// What to do about an export that is not whole.
const AGAIN: &str = "run it again: what is there is not fetched again";

/// What an image's file and its name are made of.
#[derive(Clone, Debug, Deserialize)]
struct Image {
    id: ImageId,
    sha256: BlobId,
    content_type: ContentType,
    saved_at: Timestamp,
    title: Option<String>,
    prompt: Option<String>,
}

/// What was done.
#[derive(Debug, Default)]
struct Done {
    new: u64,
    updated: u64,
    there: u64,
    /// Erased on the server while the export ran.
    gone: u64,
    bytes: u64,
    failed: Vec<(ImageId, String)>,
}

/// Exports what the flags choose.
///
/// # Errors
/// If the server does not answer, the folder or zip can't be written, or a picture could not be fetched.
pub(crate) fn run(args: &Export, terminal: &Terminal, now: Timestamp) -> Outcome {
    let client = library::client(&args.server)?;
    let filter = filter::query(&args.filter, Some("oldest"), &client)?;
    let target = Target::of(&args.target);
    // A filter that the server refuses makes no folder.
    let first = page(&client, &filter, None)?;
    let mut folder = Folder::prepare(&target.folder, || target.previous(), now)?;
    folder.write_collections(collections::all(&client)?)?;
    let export = Exporter { client: &client, terminal, lines: !args.json && !terminal.stdout_is_screen };
    let mut done = Done::default();
    let ended =
        export.all(first, &filter, &mut folder, &mut done).map_err(|failure| failure.hint_to_repeat(AGAIN));
    let ended = ended.and_then(|()| folder.finish(done.failed.is_empty()));
    let images = folder.images()?;
    let ended = ended.and_then(|()| target.finish(&mut folder));
    report(&done, images, ended.as_ref().err().map(|_| target.folder.as_path()), args, terminal)?;
    ended?;
    match done.failed.len() {
        0 => Ok(()),
        failed => {
            let message = format!("{failed} of {} pictures could not be exported", done.count());
            Err(Failure::failed(message).hint(AGAIN))
        }
    }
}

type Listed = (Vec<Value>, Option<String>);

fn page(client: &Client, filter: &str, cursor: Option<&str>) -> Outcome<Listed> {
    library::one_page(client, "/images", filter, PAGE, cursor)
}

/// Where the files go.
struct Target {
    /// The folder that is written.
    folder: PathBuf,
    /// The zip that is made of it.
    zip: Option<PathBuf>,
}

impl Target {
    fn of(path: &Path) -> Self {
        // Without a slash at its end, which a shell may add.
        let path: PathBuf = path.components().collect();
        let is_zip = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
        if !is_zip || path.is_dir() {
            return Self { folder: path, zip: None };
        }
        Self { folder: beside(&path, ".parts"), zip: Some(path) }
    }

    /// The zip of an earlier run: what it holds is not fetched again.
    fn previous(&self) -> Outcome<Option<Archive>> {
        let earlier = self.zip.as_deref().filter(|zip| zip.exists()).map(Archive::open).transpose();
        earlier.map_err(|failure| failure.hint("name a zip that tintype wrote, or one that is not there"))
    }

    fn finish(&self, folder: &mut Folder) -> Outcome {
        let Some(zip) = &self.zip else { return Ok(()) };
        let temporary = beside(zip, ".tmp");
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            Failure::failed(format!("can't {what} {}: {error}", zip.display()))
        };
        folder.pack(&temporary).map_err(|error| {
            drop(std::fs::remove_file(&temporary));
            Failure::of_write(zip, &error)
        })?;
        std::fs::rename(&temporary, zip).map_err(|error| failed("write", &error))?;
        std::fs::remove_dir_all(&self.folder).map_err(|error| failed("remove the parts of", &error))
    }
}

/// `path` with more at the end of its name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

struct Exporter<'a> {
    client: &'a Client,
    terminal: &'a Terminal,
    /// Whether each picture is a line on stdout.
    lines: bool,
}

impl Exporter<'_> {
    fn all(&self, first: Listed, filter: &str, folder: &mut Folder, done: &mut Done) -> Outcome {
        let mut line = CountLine::new(self.terminal, "exporting", self.total(filter));
        let (mut items, mut next) = first;
        loop {
            for item in items {
                self.one(item, folder, done)?;
                line.at(done.count(), done.bytes);
            }
            let Some(cursor) = next else { return Ok(()) };
            (items, next) = page(self.client, filter, Some(&cursor))?;
        }
    }

    /// How many pictures there are to be written, where the server can say so.
    fn total(&self, filter: &str) -> Option<u64> {
        if !self.terminal.stderr_is_screen {
            return None;
        }
        let timeline = self.client.get(&format!("/images/timeline?{filter}")).ok()?;
        let months = timeline["months"].as_array().filter(|_| timeline["complete"] == true)?;
        Some(months.iter().filter_map(|month| month["count"].as_u64()).sum())
    }

    fn one(&self, item: Value, folder: &mut Folder, done: &mut Done) -> Outcome {
        let image: Image = views::read(&item)?;
        let written = folder.write(&image, item, || self.fetch(&image));
        let (outcome, name) = match written {
            Ok((written, name)) => {
                done.note(&written);
                (written.name(), name)
            }
            Err(failure) if failure.exit == Exit::NotFound && self.is_gone(&image)? => {
                done.gone += 1;
                ("gone", String::new())
            }
            Err(failure) if matches!(failure.exit, Exit::Refused | Exit::NotFound) => {
                let problem = failure.in_one_line();
                self.terminal.warn(&format!("{}: {problem}", image.id));
                done.failed.push((image.id, problem.clone()));
                ("failed", problem)
            }
            Err(failure) => return Err(failure),
        };
        if self.lines {
            self.terminal.data(&format!("{outcome}\t{}\t{}", image.id, one_line(&name)))
        } else {
            Ok(())
        }
    }

    /// Whether the image itself was erased, and not just its bytes lost.
    fn is_gone(&self, image: &Image) -> Outcome<bool> {
        match self.client.get(&format!("/images/{}", image.id)) {
            Ok(_) => Ok(false),
            Err(failure) if failure.exit == Exit::NotFound => Ok(true),
            Err(failure) => Err(failure),
        }
    }

    /// The picture's own bytes. A server that has lost those of one picture keeps no other from being exported.
    fn fetch(&self, image: &Image) -> Outcome<Vec<u8>> {
        for _ in 0..TRIES {
            let bytes = self.client.bytes(&format!("/images/{}/content", image.id));
            let bytes = bytes.map_err(|failure| match failure.exit {
                Exit::Failed => Failure { exit: Exit::Refused, ..failure },
                Exit::Usage
                | Exit::NotFound
                | Exit::NoServer
                | Exit::Refused
                | Exit::Canceled
                | Exit::NoSpace
                | Exit::Interrupted => failure,
            })?;
            if BlobId::of(&bytes) == image.sha256 {
                return Ok(bytes);
            }
        }
        Err(Failure::new(Exit::Refused, "the bytes that came do not have the SHA-256 that the server tells"))
    }
}

impl Done {
    fn note(&mut self, written: &Written) {
        match written {
            Written::New(bytes) => {
                self.new += 1;
                self.bytes += bytes;
            }
            Written::Updated => self.updated += 1,
            Written::There => self.there += 1,
        }
    }

    fn count(&self) -> u64 {
        self.new + self.updated + self.there + self.gone + self.failed.len() as u64
    }
}

/// Tells what was done, also where it broke off: then that is in the folder `stopped`.
fn report(done: &Done, images: u64, stopped: Option<&Path>, args: &Export, terminal: &Terminal) -> Outcome {
    if args.json {
        let failed = done.failed.iter().map(|(id, error)| json!({ "id": id, "error": error }));
        terminal.json(&json!({
            "to": args.target.display().to_string(), "complete": stopped.is_none() && done.failed.is_empty(),
            "images": images, "new": done.new, "updated": done.updated, "there": done.there, "gone": done.gone,
            "bytes": done.bytes, "failed": failed.collect::<Vec<_>>(),
        }))?;
    }
    let mut said = format!("{} new, {} updated, {} there already", done.new, done.updated, done.there);
    if done.gone > 0 {
        said.push_str(&format!(", {} erased meanwhile", done.gone));
    }
    let (to, so_far) = stopped.map_or((args.target.as_path(), ""), |folder| (folder, " so far"));
    terminal.note(&format!("{said}; {images} pictures in {}{so_far}", to.display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zip_is_one_also_with_a_slash_behind_its_name() {
        for name in ["x/y.zip", "x/y.zip/", "x//y.zip//"] {
            let target = Target::of(Path::new(name));
            assert_eq!(target.folder, Path::new("x/y.zip.parts"), "{name}");
            assert_eq!(target.zip.as_deref(), Some(Path::new("x/y.zip")), "{name}");
        }
    }
}
