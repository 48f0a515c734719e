//! `tintype backup` and `restore-backup`: a data folder of this machine, while its server runs.

use crate::args::{Backup, RestoreBackup};
use crate::failure::{Exit, Failure, Outcome};
use crate::progress::CountLine;
use crate::settings::{Env, Flags, Resolved, Settings};
use crate::system;
use crate::terminal::Terminal;
use serde_json::json;
use std::path::{Path, PathBuf};
use tintype_core::domain::Timestamp;
use tintype_local::{BackupError, Copied, Earlier, OnDamage, back_up as copy, restore_backup};

/// Copies the library.
///
/// # Errors
/// If there is none, the folder can't be written, or a picture of the library is missing or damaged.
pub(crate) fn back_up(args: &Backup, terminal: &Terminal, env: Env<'_>, now: Timestamp) -> Outcome {
    system::keep_files_private();
    let data = data_folder(args.data.as_deref(), env)?;
    let earlier = if args.check { Earlier::Checked } else { Earlier::Trusted };
    let copied = with_line(terminal, "copying", |progress| copy(&data, &args.to, earlier, now, progress))?;
    let to = args.to.display().to_string();
    if args.json {
        terminal.json(&json!({
            "data": data.display().to_string(), "to": to, "blobs": copied.blobs, "new": copied.new,
            "bytes": copied.bytes, "missing": copied.missing,
        }))?;
    }
    terminal.note(&format!("{} pictures and results in {to}, {} of them new", held(&copied), copied.new));
    match copied.missing.as_slice() {
        [] => Ok(()),
        [first, ..] => {
            let missing = format!("{} of {}", copied.missing.len(), copied.blobs);
            let message =
                format!("{missing} pictures and results of the library are missing, damaged or unreadable");
            Err(Failure::failed(message).hint(format!("the first is {first}; the backup has all the others")))
        }
    }
}

/// Makes a data folder of a backup.
///
/// # Errors
/// If there is no whole backup, the data folder is not empty, or pictures of the backup are damaged.
pub(crate) fn restore(args: &RestoreBackup, terminal: &Terminal, env: Env<'_>) -> Outcome {
    system::keep_files_private();
    let data = data_folder(args.data.as_deref(), env)?;
    let on_damage = if args.without_damaged { OnDamage::LeaveOut } else { OnDamage::Refuse };
    let restored =
        with_line(terminal, "restoring", |progress| restore_backup(&args.from, &data, on_damage, progress))?;
    let shown = data.display().to_string();
    if args.json {
        terminal.json(&json!({
            "data": shown, "blobs": restored.blobs, "missing": restored.missing, "damaged": restored.damaged,
        }))?;
    }
    if let [first, ..] = restored.missing.as_slice() {
        let missing = format!("{} of {}", restored.missing.len(), restored.blobs);
        terminal.warn(&format!("{missing} pictures and results are missing; the first is {first}"));
    }
    let back = held(&restored);
    terminal.note(&format!("{back} pictures and results are back; start with: tintype serve --data {shown}"));
    tell_damaged(&restored, terminal, args.json)
}

/// Says which pictures were left out: their SHA-256, as the library tells it of each.
fn tell_damaged(restored: &Copied, terminal: &Terminal, as_json: bool) -> Outcome {
    if restored.damaged.is_empty() {
        return Ok(());
    }
    if !as_json {
        restored.damaged.iter().try_for_each(|id| terminal.data(&id.to_string()))?;
    }
    let message =
        format!("{} pictures and results of the backup are damaged or missing", restored.damaged.len());
    Err(Failure::failed(message).hint("all the others were restored"))
}

/// How many pictures and results are where they were copied to.
fn held(copied: &Copied) -> u64 {
    copied.blobs.saturating_sub((copied.missing.len() + copied.damaged.len()) as u64)
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
        BackupError::NotEmpty { .. } | BackupError::OtherLibrary { .. } | BackupError::Nested { .. } => {
            Exit::Usage
        }
        BackupError::NoSpace { .. } => Exit::NoSpace,
        BackupError::OlderLibrary { .. }
        | BackupError::Busy { .. }
        | BackupError::Damaged { .. }
        | BackupError::DamagedDatabase { .. }
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

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_core::domain::BlobId;

    #[test]
    fn a_restoration_that_left_pictures_out_ends_with_how_many() {
        let terminal = Terminal::detect(&|_| None);
        let whole = Copied::default();
        assert!(tell_damaged(&whole, &terminal, true).is_ok());
        let damaged = vec![BlobId::of(b"first"), BlobId::of(b"second")];
        let failure = tell_damaged(&Copied { damaged, ..whole }, &terminal, true).unwrap_err();
        assert_eq!(failure.exit, Exit::Failed);
        assert!(failure.message.starts_with("2 pictures"), "{}", failure.message);
    }
}
