//! `tintype check` and `recover`: what is wrong with a data folder, and how its library comes back.

use crate::args::{Check, Recover};
use crate::failure::{Exit, Failure, Outcome};
use crate::import::foreign;
use crate::progress::CountLine;
use crate::settings::{Env, Flags, Resolved, Settings};
use crate::terminal::Terminal;
use crate::{compose, runtime, system};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use tintype_core::domain::{
    BlobId, Collection, CollectionEdit, ImageEdit, Labels, OwnerId, Prompt, Seed, Timestamp, limits,
};
use tintype_core::imaging::{self, ImageLimits};
use tintype_core::ports::Ports;
use tintype_core::use_cases::{
    Origin, Save, SaveFrom, find_picture, list_collections, make_collection, save_image,
};
use tintype_local::{
    CheckError, LibraryReport, RecoverError, Recovered, check_library, read_unexplained, recover as rebuild,
    repair_library,
};

/// How many addresses of each kind are shown to a person.
const SHOWN: usize = 3;

/// Checks a data folder, and repairs it where that is asked for.
///
/// # Errors
/// [`Exit::Failed`] if something is wrong that was not repaired; if there is no library.
pub(crate) fn check(args: &Check, terminal: &Terminal, env: Env<'_>, now: Timestamp) -> Outcome {
    let data = data_folder(args.data.as_deref(), env)?;
    let repaired = if args.repair {
        Some(repair_library(&data, now).map_err(|error| of_recovery(&error))?)
    } else {
        None
    };
    let mut line = CountLine::new(terminal, "checking", None);
    let report = check_library(&data, now, &mut |blobs, bytes| line.at(blobs, bytes));
    drop(line);
    let report = report.map_err(|error| of_check(&error))?;
    if args.json {
        terminal.json(&json!({
            "data": data.display().to_string(), "sound": report.is_sound(), "database": report.database,
            "blobs": report.blobs, "missing": report.missing, "damaged": report.damaged,
            "orphans": report.orphans, "quarantined": report.quarantined,
            "repaired": repaired.as_ref().map(as_json),
        }))?;
    }
    if let Some(repaired) = &repaired {
        tell_repaired(repaired, terminal);
    }
    tell(&report, terminal);
    if report.is_sound() {
        terminal.note(&format!("{} blobs: the library in {} is sound", report.blobs, data.display()));
        return Ok(());
    }
    let failure = Failure::failed(format!("the library in {} is damaged", data.display()));
    Err(if args.repair {
        failure.hint("what was not repaired is lost here: tintype recover --from BACKUP looks into a backup")
    } else {
        failure
            .hint("stop the server, then, for a lost database or images that have no record: tintype recover")
            .hint("where only single rows or blobs are damaged: tintype check --repair")
    })
}

fn tell(report: &LibraryReport, terminal: &Terminal) {
    for sentence in &report.database {
        terminal.warn(&format!("database: {sentence}"));
    }
    let kinds = [
        ("missing: a record refers to them, and they are not there", &report.missing),
        ("damaged: their bytes do not match their address", &report.damaged),
        ("orphans: no record refers to them, and none says that they were released", &report.orphans),
    ];
    for (what, blobs) in kinds {
        if !blobs.is_empty() {
            terminal.warn(&format!("{} blobs are {what}: {}", blobs.len(), first(blobs)));
        }
    }
    if report.quarantined > 0 {
        terminal.note(&format!(
            "{} blobs are in quarantine, each for {} days; tintype recover brings them back",
            report.quarantined,
            limits::QUARANTINE_RETENTION.as_secs() / 86_400
        ));
    }
}

fn first(blobs: &[BlobId]) -> String {
    let shown: Vec<_> = blobs.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = if blobs.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn tell_repaired(recovered: &Recovered, terminal: &Terminal) {
    if recovered.rebuilt {
        let Recovered { images, images_of_copies, collections, jobs, damaged_rows, .. } = recovered;
        terminal.note(&format!(
            "made a new database: {images} images of the old one, {images_of_copies} of snapshots and backups, \
             {collections} collections, {jobs} jobs; {damaged_rows} rows were damaged"
        ));
    }
    if let Some(folder) = &recovered.replaced {
        terminal.note(&format!("the files of the old database are in {}", folder.display()));
    }
    if recovered.blobs_back > 0 {
        terminal.note(&format!("brought back {} blobs", recovered.blobs_back));
    }
    if !recovered.damaged_blobs.is_empty() {
        terminal.warn(&format!(
            "moved {} damaged blobs into quarantine: {}",
            recovered.damaged_blobs.len(),
            first(&recovered.damaged_blobs)
        ));
    }
}

fn as_json(recovered: &Recovered) -> Value {
    json!({
        "rebuilt": recovered.rebuilt, "replaced": recovered.replaced, "images": recovered.images,
        "images_of_copies": recovered.images_of_copies, "collections": recovered.collections,
        "jobs": recovered.jobs, "damaged_rows": recovered.damaged_rows, "blobs_back": recovered.blobs_back,
        "missing": recovered.missing, "damaged_blobs": recovered.damaged_blobs,
        "unexplained": recovered.unexplained.len(),
    })
}

/// What became of the blobs that no record explains.
#[derive(Debug, Default)]
struct Entered {
    images: u64,
    unreadable: Vec<BlobId>,
}

/// Brings a library back: its database of what can be read, and its images of the blobs that are left.
///
/// # Errors
/// If there is nothing to recover, a server runs on the folder, or something can't be read or written.
pub(crate) fn recover(args: &Recover, terminal: &Terminal, env: Env<'_>, now: Timestamp) -> Outcome {
    let settings = settings(args.data.as_deref(), env)?;
    let data = settings.data.clone();
    let recovered = rebuild(&data, &args.from, now).map_err(|error| of_recovery(&error))?;
    tell_repaired(&recovered, terminal);
    let collection = format!("Recovered {}", &now.to_string()[..10]);
    let entered = if recovered.unexplained.is_empty() {
        Entered::default()
    } else {
        let ports = compose::library(&settings)?;
        let enter = Enter { ports: &ports, owner: &args.owner, data: &data, limits: settings.images, now };
        runtime::start()?.block_on(enter.all(&recovered.unexplained, &collection, terminal))?
    };
    if args.json {
        let mut report = as_json(&recovered);
        report["entered"] = json!(entered.images);
        report["collection"] = json!((entered.images > 0).then_some(&collection));
        report["unreadable"] = json!(entered.unreadable);
        terminal.json(&report)?;
    }
    if entered.images > 0 {
        let owner = &args.owner;
        let images = entered.images;
        terminal.note(&format!("entered {images} images into the collection \"{collection}\" of {owner}"));
    }
    if !entered.unreadable.is_empty() {
        let (count, first) = (entered.unreadable.len(), first(&entered.unreadable));
        terminal
            .warn(&format!("{count} blobs are no image that can be read, and stay where they are: {first}"));
    }
    if recovered.missing.is_empty() {
        terminal.note(&format!("the library is back; start with: tintype serve --data {}", data.display()));
        return Ok(());
    }
    let (count, first) = (recovered.missing.len(), first(&recovered.missing));
    Err(Failure::failed(format!("{count} blobs that records refer to are nowhere: {first}"))
        .hint("with a backup of them: tintype recover --from BACKUP"))
}

/// Enters blobs as images of an owner's.
struct Enter<'a> {
    ports: &'a Ports,
    owner: &'a OwnerId,
    data: &'a Path,
    limits: ImageLimits,
    now: Timestamp,
}

impl Enter<'_> {
    async fn all(&self, blobs: &[BlobId], name: &str, terminal: &Terminal) -> Outcome<Entered> {
        let collection = self.collection(name).await?;
        let mut line = CountLine::new(terminal, "recovering", Some(blobs.len() as u64));
        let mut entered = Entered::default();
        for (n, id) in (1..).zip(blobs) {
            let bytes = read_unexplained(self.data, id).unwrap_or_default();
            if self.one(bytes, &collection).await? {
                entered.images += 1;
            } else {
                entered.unreadable.push(*id);
            }
            line.at(n, 0);
        }
        Ok(entered)
    }

    /// The collection of this name; one that is there is used again.
    async fn collection(&self, name: &str) -> Outcome<Collection> {
        let there = list_collections(self.ports, self.owner).await.map_err(of_core)?;
        if let Some(collection) = there.into_iter().find(|collection| collection.name == name) {
            return Ok(collection);
        }
        let edit = CollectionEdit { name: Some(name.to_owned()), ..CollectionEdit::default() };
        make_collection(self.ports, self.owner.clone(), &edit, self.now, &system::entropy())
            .await
            .map_err(of_core)
    }

    /// Enters one image with what the file says of itself; `false` if it is none.
    async fn one(&self, bytes: Vec<u8>, collection: &Collection) -> Outcome<bool> {
        let Ok(found) = foreign::picture(Path::new(""), bytes.clone()) else { return Ok(false) };
        let Ok(picture) = imaging::check_within(bytes.into(), &self.limits) else { return Ok(false) };
        let mut fields = found.fields;
        let origin = Origin {
            prompt: text(&mut fields, "prompt").and_then(|text| Prompt::try_from(text).ok()),
            request: fields.remove("request").and_then(|request| serde_json::from_value(request).ok()),
            seed: fields.remove("seed").and_then(|seed| serde_json::from_value::<Seed>(seed).ok()),
            ..Origin::default()
        };
        let note = text(&mut fields, "note").map(|note| note.chars().take(limits::NOTE_CHARS).collect());
        let edit = ImageEdit {
            note: note.map(Some),
            collections: Some(vec![collection.id]),
            labels: Some(Labels::from([("tool".to_owned(), "recover".to_owned())])),
            ..ImageEdit::default()
        };
        let from = SaveFrom::Upload { picture: Box::new(picture), origin: Box::new(origin) };
        let draft = find_picture(self.ports, self.owner, from, self.now).await.map_err(of_core)?;
        let command =
            Save { owner: self.owner.clone(), draft: draft.looked_at(&self.limits).merging(), edit };
        save_image(self.ports, command, self.now, &system::entropy()).await.map_err(of_core)?;
        Ok(true)
    }
}

fn text(fields: &mut Map<String, Value>, name: &str) -> Option<String> {
    match fields.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn of_core(error: tintype_core::Error) -> Failure {
    match error {
        tintype_core::Error::Port(error) => error.into(),
        error @ (tintype_core::Error::Invalid(_)
        | tintype_core::Error::NotFound(_)
        | tintype_core::Error::KeyReused
        | tintype_core::Error::NotReady(_)
        | tintype_core::Error::Stale { .. }) => Failure::failed(error.to_string()),
    }
}

fn settings(data: Option<&Path>, env: Env<'_>) -> Outcome<Settings> {
    let flags = Flags::default();
    let flags = match data {
        Some(data) => flags.with("data", vec![data.display().to_string()]),
        None => flags,
    };
    Settings::parse(&Resolved::gather(&flags, env)?)
}

fn data_folder(data: Option<&Path>, env: Env<'_>) -> Outcome<PathBuf> {
    Ok(settings(data, env)?.data)
}

fn of_check(error: &CheckError) -> Failure {
    let exit = match error {
        CheckError::NoLibrary { .. } => Exit::NotFound,
        CheckError::File { .. } => Exit::Failed,
    };
    with_cause(Failure::new(exit, error.to_string()), error)
}

fn of_recovery(error: &RecoverError) -> Failure {
    let exit = match error {
        RecoverError::Nothing { .. } | RecoverError::NoBackup { .. } => Exit::NotFound,
        RecoverError::TooManyOrphans { .. }
        | RecoverError::Folder(_)
        | RecoverError::File { .. }
        | RecoverError::Database { .. } => Exit::Failed,
    };
    with_cause(Failure::new(exit, error.to_string()), error)
}

fn with_cause(failure: Failure, error: &dyn std::error::Error) -> Failure {
    match error.source() {
        Some(cause) => failure.hint(format!("because: {cause}")),
        None => failure,
    }
}
