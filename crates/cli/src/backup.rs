//! `tintype backup` and `restore-backup`: a data folder of this machine, while its server runs.

use crate::args::{Backup, RestoreBackup};
use crate::failure::{Exit, Failure, Outcome};
use crate::progress::CountLine;
use crate::settings::{Env, Flags, Resolved, Settings};
use crate::terminal::Terminal;
use serde_json::json;
use std::path::{Path, PathBuf};
use tintype_core::domain::Timestamp;
use tintype_local::{BackupError, Copied, back_up as copy, restore_backup};

/// Copies the library.
///
/// # Errors
/// If there is none, the folder can't be written, or a picture of the library is missing or damaged.
pub(crate) fn back_up(args: &Backup, terminal: &Terminal, env: Env<'_>, now: Timestamp) -> Outcome {
    let data = data_folder(args.data.as_deref(), env)?;
    let copied = with_line(terminal, "copying", |progress| copy(&data, &args.to, now, progress))?;
    let to = args.to.display().to_string();
    if args.json {
        terminal.json(&json!({
            "data": data.display().to_string(), "to": to, "blobs": copied.blobs, "new": copied.new,
            "bytes": copied.bytes, "missing": copied.missing,
        }))?;
    }
    terminal.note(&format!("{} pictures in {to}, {} of them new", copied.blobs, copied.new));
    match copied.missing.as_slice() {
        [] => Ok(()),
        [first, ..] => {
            let message = format!("{} pictures of the library are missing or damaged", copied.missing.len());
            Err(Failure::failed(message).hint(format!("the first is {first}; the backup has all the others")))
        }
    }
}

/// Makes a data folder of a backup.
///
/// # Errors
/// If there is no whole backup, or the data folder is not empty.
pub(crate) fn restore(args: &RestoreBackup, terminal: &Terminal, env: Env<'_>) -> Outcome {
    let data = data_folder(args.data.as_deref(), env)?;
    let restored = with_line(terminal, "restoring", |progress| restore_backup(&args.from, &data, progress))?;
    let shown = data.display().to_string();
    if args.json {
        terminal.json(&json!({ "data": shown, "blobs": restored.blobs, "missing": restored.missing }))?;
    }
    terminal.note(&format!("{} pictures are back; start with: tintype serve --data {shown}", restored.blobs));
    Ok(())
}

/// The folder that is named, or that of `tintype serve`.
fn data_folder(given: Option<&Path>, env: Env<'_>) -> Outcome<PathBuf> {
    match given {
        Some(path) => Ok(path.to_owned()),
        None => Ok(Settings::parse(&Resolved::gather(&Flags::default(), env)?)?.data),
    }
}

fn with_line(
    terminal: &Terminal,
    verb: &'static str,
    work: impl FnOnce(&mut dyn FnMut(u64, u64, u64)) -> Result<Copied, BackupError>,
) -> Outcome<Copied> {
    let mut line = CountLine::new(terminal, verb, None);
    work(&mut |done, total, bytes| {
        line.set_total(total);
        line.at(done, bytes);
    })
    .map_err(|error| in_words(&error))
}

fn in_words(error: &BackupError) -> Failure {
    let exit = match error {
        BackupError::NoLibrary { .. } | BackupError::NoBackup { .. } => Exit::NotFound,
        BackupError::NotEmpty { .. } => Exit::Usage,
        BackupError::Busy { .. }
        | BackupError::Damaged { .. }
        | BackupError::Folder(_)
        | BackupError::File { .. }
        | BackupError::Database { .. } => Exit::Failed,
    };
    let failure = Failure::new(exit, error.to_string());
    match std::error::Error::source(error) {
        Some(cause) => failure.hint(format!("because: {cause}")),
        None => failure,
    }
}
