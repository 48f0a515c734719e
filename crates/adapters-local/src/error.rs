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
    /// A file or folder in it can't be made, read or written.
    #[error("{} can't be used; check that it exists, that this user may write there, and that the disk is not full",
        path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database can't be opened or brought up to date.
    #[error(
        "the database in {} can't be opened; `tintype check` tells what is damaged, `tintype recover` brings back what can \
         be read", folder.display()
    )]
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
        Some(ErrorCode::DiskFull) => (ErrorKind::Unavailable, "the disk is full"),
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
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (ErrorKind::Unavailable, "the disk is full")
        }
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
        assert_eq!(kind_of(rusqlite::ffi::SQLITE_FULL), ErrorKind::Unavailable);
        assert_eq!(kind_of(rusqlite::ffi::SQLITE_IOERR_FSYNC), ErrorKind::Unavailable);
        assert_eq!(kind_of(rusqlite::ffi::SQLITE_CORRUPT), ErrorKind::Data);
        assert_eq!(kind_of(rusqlite::ffi::SQLITE_NOTADB), ErrorKind::Data);
        assert_eq!(kind_of(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE), ErrorKind::Internal);
        assert_eq!(kind_of(rusqlite::ffi::SQLITE_MISUSE), ErrorKind::Internal);
    }

    #[test]
    fn a_message_names_no_path() {
        let error = of_io("ImageStore::get", io::Error::new(io::ErrorKind::StorageFull, "/home/someone/x"));
        assert_eq!(error.to_string(), "ImageStore::get: the disk is full");
    }
}
