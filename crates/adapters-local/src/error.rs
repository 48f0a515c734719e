//! What went wrong, in the words of the ports: one function for SQLite's errors, one for the file system's. Messages
//! reach the owners of jobs, so they name no path; the error behind them goes to the log.

use rusqlite::ErrorCode;
use std::{io, path::PathBuf};
use tintype_core::{ErrorKind, PortError};

/// Why the data folder could not be opened. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "the data folder {} is in use by another tintype{}; stop that one, or give this one another folder with \
         --data", folder.display(), process(*pid)
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The other process, where it said so.
        pid: Option<u32>,
    },
    /// A newer tintype wrote it.
    #[error(
        "the data folder {} was written by a newer tintype (its layout is {found}, this one knows up to {known}); \
         use that version, or another folder with --data", folder.display()
    )]
    Newer {
        /// The folder.
        folder: PathBuf,
        /// The layout it has.
        found: i64,
        /// The newest layout that this program knows.
        known: i64,
    },
    /// A restoration of a backup broke off in it.
    #[error(
        "a backup was not restored to its end in {}; repeat that (tintype restore-backup), or use another folder with \
         --data", folder.display()
    )]
    Unrestored {
        /// The folder.
        folder: PathBuf,
    },
    /// A recovery broke off in it.
    #[error("a recovery was not brought to its end in {}; repeat it (tintype recover)", folder.display())]
    Unrecovered {
        /// The folder.
        folder: PathBuf,
    },
    /// There are blobs, and no database that knows them.
    #[error(
        "the data folder {} holds images and no database: it was lost or emptied, and the images are safe; bring them back \
         with `tintype recover`, or put a backup of the whole folder in its place (`tintype restore-backup`)", folder.display()
    )]
    LostDatabase {
        /// The folder.
        folder: PathBuf,
    },
    /// The database belongs to other blobs.
    #[error(
        "the database in {} is another library's than the images beside it; put the right one back, or bring the images \
         into this one with `tintype recover`", folder.display()
    )]
    ForeignDatabase {
        /// The folder.
        folder: PathBuf,
    },
    /// The database is an older copy, or lost its last commits.
    #[error(
        "the database in {} is older than the images beside it: at least {missing} of its commits are missing, as after a \
         damaged write-ahead log or an old copy; put the newest one back, or bring back what is missing with \
         `tintype recover`", folder.display()
    )]
    OlderDatabase {
        /// The folder.
        folder: PathBuf,
        /// A lower bound of the commits that are missing.
        missing: u64,
    },
    /// There is no room on its disk, also not with the reserve released and the rendition cache removed.
    #[error(
        "the disk that holds {} is full; remove other files from it and start again: nothing that is stored is lost",
        folder.display()
    )]
    NoSpace {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A file or folder in it can't be made, read or written.
    #[error("{} can't be used; {}", path.display(), remedy(source))]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database can't be opened or brought up to date.
    #[error("the database in {} can't be opened; {}", folder.display(), database_remedy(source))]
    Database {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
}

fn process(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

/// What a person does about a file that can't be used.
#[expect(clippy::wildcard_enum_match_arm, reason = "not our enum: other kinds get the general advice")]
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "its disk is full: remove other files from it and start again; nothing that is stored is lost"
        }
        io::ErrorKind::ReadOnlyFilesystem => "its file system is mounted read-only: mount it for writing",
        io::ErrorKind::PermissionDenied => "this user may not write there",
        _ => "check that it exists and that this user may write there",
    }
}

/// What a person does about a database that can't be opened. Only a damaged one is to be replaced.
fn database_remedy(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "it is damaged: `tintype check` tells what, `tintype recover` brings back what can be read"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program has it open: end that one and start again"
        }
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::SystemIoFailure,
        ) => "check that this user may write there and that the disk is not broken, and start again",
        _ => "`tintype check` tells what is damaged, `tintype recover` brings back what can be read",
    }
}

/// Why a piece of work on the database failed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// SQLite said so.
    Sqlite(rusqlite::Error),
    /// A record is not the JSON it was written as.
    Json(serde_json::Error),
    /// The port's contract says so.
    Port(PortError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

impl From<PortError> for Fault {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

impl Fault {
    /// Whether the database said that the disk is full.
    pub(crate) fn is_full_disk(&self) -> bool {
        matches!(self, Self::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull))
    }

    /// The fault of a step that makes the tables.
    pub(crate) fn into_sqlite(self) -> rusqlite::Error {
        let unreadable =
            |error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error);
        match self {
            Self::Sqlite(error) => error,
            Self::Json(error) => unreadable(error.into()),
            Self::Port(error) => unreadable(error.into()),
        }
    }

    pub(crate) fn into_port(self, operation: &'static str) -> PortError {
        match self {
            Self::Sqlite(error) => of_sqlite(operation, error),
            Self::Json(error) => {
                PortError::new(ErrorKind::Data, operation, "a stored record can't be read").with_source(error)
            }
            Self::Port(error) => error,
        }
    }
}

/// SQLite's error as a port's. A broken constraint is a bug here: where one can be meant, the caller looks for it.
pub(crate) fn of_sqlite(operation: &'static str, error: rusqlite::Error) -> PortError {
    let (kind, message) = meaning(&error);
    PortError::new(kind, operation, message).with_source(error)
}

/// What is told of a write that there is no room for.
pub(crate) const NO_SPACE: &str = "the server's disk is full: nothing can be added until there is room; reading, deleting, \
     the trash, restoring and canceling still work";

/// Whether this is a full disk, or a quota that is used up.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// What SQLite's error means to the caller of a port.
pub(crate) fn meaning(error: &rusqlite::Error) -> (ErrorKind, &'static str) {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
    let unreadable = (ErrorKind::Data, "a stored record can't be read");
    if matches!(
        error,
        FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..)
    ) {
        return unreadable;
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (ErrorKind::Unavailable, "the database is busy; try again")
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            (ErrorKind::Data, "the database is damaged")
        }
        Some(ErrorCode::DiskFull) => (ErrorKind::Exhausted, NO_SPACE),
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::OutOfMemory) => {
            (ErrorKind::Unavailable, "the database can't be read or written just now")
        }
        Some(
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied,
        ) => (ErrorKind::Denied, "the database may not be written"),
        Some(ErrorCode::TypeMismatch) => unreadable,
        _ => (ErrorKind::Internal, "the database did not understand the query"),
    }
}

/// The file system's error as a port's.
#[expect(clippy::wildcard_enum_match_arm, reason = "not our enum: a kind nobody has looked at may pass")]
pub(crate) fn of_io(operation: &'static str, error: io::Error) -> PortError {
    let (kind, message) = match error.kind() {
        io::ErrorKind::NotFound => (ErrorKind::NotFound, "there are no such bytes"),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            (ErrorKind::Denied, "the file may not be read or written")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (ErrorKind::Exhausted, NO_SPACE),
        // Files that can't be had now may be had later: too many open, a disk that does not answer.
        _ => (ErrorKind::Unavailable, "the file can't be read or written just now"),
    };
    PortError::new(kind, operation, message).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(code: i32) -> ErrorKind {
        let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        of_sqlite("test", error).kind()
    }

    #[test]
    fn sqlite_codes_have_the_kind_that_their_caller_acts_on() {
        assert_eq!(kind_of(rusqlite::ffi::SQLITE_BUSY), ErrorKind::Unavailable);
        assert_eq!(kind_of(rusqlite::ffi::SQLITE_FULL), ErrorKind::Exhausted);
        assert_eq!(kind_of(rusqlite::ffi::SQLITE_IOERR_FSYNC), ErrorKind::Unavailable);
        assert_eq!(kind_of(rusqlite::ffi::SQLITE_CORRUPT), ErrorKind::Data);
        assert_eq!(kind_of(rusqlite::ffi::SQLITE_NOTADB), ErrorKind::Data);
        assert_eq!(kind_of(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE), ErrorKind::Internal);
        assert_eq!(kind_of(rusqlite::ffi::SQLITE_MISUSE), ErrorKind::Internal);
    }

    #[test]
    fn a_message_names_no_path() {
        let error = of_io("ImageStore::get", io::Error::new(io::ErrorKind::StorageFull, "/home/someone/x"));
        assert_eq!(error.to_string(), format!("ImageStore::get: {NO_SPACE}"));
    }

    #[test]
    fn a_full_disk_and_a_used_up_quota_are_exhausted() {
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            assert_eq!(of_io("test", kind.into()).kind(), ErrorKind::Exhausted);
        }
        // EDQUOT and ENOSPC as the system gives them.
        #[cfg(target_os = "linux")]
        for code in [122, 28] {
            assert!(is_full(&io::Error::from_raw_os_error(code)), "{code}");
        }
    }

    #[test]
    fn what_can_t_be_opened_says_what_to_do_about_just_that() {
        let file =
            |kind: io::ErrorKind| OpenError::File { path: "x".into(), source: kind.into() }.to_string();
        assert!(file(io::ErrorKind::StorageFull).contains("is full"));
        assert!(file(io::ErrorKind::ReadOnlyFilesystem).contains("read-only"));
        assert!(!file(io::ErrorKind::PermissionDenied).contains("full"));
        let database = |code| {
            let source = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            OpenError::Database { folder: "x".into(), source }.to_string()
        };
        assert!(database(rusqlite::ffi::SQLITE_NOTADB).contains("damaged"));
        assert!(!database(rusqlite::ffi::SQLITE_CANTOPEN).contains("move the folder away"));
    }
}
