//! How a command ends when it does not succeed: an exit code, a sentence and what to do next.

use std::io::ErrorKind;
use std::path::Path;
use std::{fmt, io};

/// Why the command ends, as its exit code. `tintype --help` shows this table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It went wrong.
    Failed = 1,
    /// The command line or a setting is wrong.
    Usage = 2,
    /// There is no such job, image or key.
    NotFound = 3,
    /// No server answers.
    NoServer = 4,
    /// The input was refused, or the model refused the prompt.
    Refused = 5,
    /// The job was canceled before it was done.
    Canceled = 6,
    /// There is no space left, on the server's disk or here.
    NoSpace = 7,
    /// Stopped with Ctrl-C.
    Interrupted = 130,
}

impl Exit {
    /// Every way to end without success.
    pub(crate) const ALL: [Self; 8] = [
        Self::Failed,
        Self::Usage,
        Self::NotFound,
        Self::NoServer,
        Self::Refused,
        Self::Canceled,
        Self::NoSpace,
        Self::Interrupted,
    ];

    /// What it means, for `--help`.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "the command line or a setting is wrong",
            Self::NotFound => "no such job, image or key",
            Self::NoServer => "no server answers",
            Self::Refused => "the input was refused, or the model refused the prompt",
            Self::Canceled => "the job was canceled or expired",
            Self::NoSpace => "no space is left, on the server's disk or here",
            Self::Interrupted => "stopped with Ctrl-C",
        }
    }
}

/// A command that did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the process exits.
    pub(crate) exit: Exit,
    /// What went wrong, without a full stop.
    pub(crate) message: String,
    /// Further lines: wrong fields, what to do next.
    pub(crate) hints: Vec<String>,
}

/// The result of a command.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// A failure that ends the process with `exit`.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hints: Vec::new() }
    }

    /// A wrong command line or setting.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Something that went wrong.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// A file that could not be written.
    pub(crate) fn of_write(path: &Path, error: &io::Error) -> Self {
        let is_full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        let exit = if is_full { Exit::NoSpace } else { Exit::Failed };
        Self::new(exit, format!("can't write {}: {error}", path.display()))
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a line that says to do it again, unless it was refused: then it would be refused again.
    #[must_use]
    pub(crate) fn hint_to_repeat(self, hint: &str) -> Self {
        if self.exit == Exit::Refused { self } else { self.hint(hint) }
    }

    /// What went wrong and what to do next, where there is one line for both.
    pub(crate) fn in_one_line(&self) -> String {
        let hints = self.hints.iter().map(|hint| format!("; {hint}"));
        format!("{}{}", self.message, hints.collect::<String>())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<tintype_core::PortError> for Failure {
    fn from(error: tintype_core::PortError) -> Self {
        use tintype_core::ErrorKind;
        let exit = match error.kind() {
            ErrorKind::NotFound => Exit::NotFound,
            ErrorKind::Invalid | ErrorKind::Rejected => Exit::Refused,
            ErrorKind::Exhausted => Exit::NoSpace,
            ErrorKind::Conflict
            | ErrorKind::Denied
            | ErrorKind::Throttled
            | ErrorKind::Unavailable
            | ErrorKind::Data
            | ErrorKind::Internal => Exit::Failed,
        };
        let mut failure = Self::new(exit, error.message());
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            failure = failure.hint(format!("because: {cause}"));
            source = cause.source();
        }
        failure
    }
}

/// The name nearest to `name`, if one is near enough to be a slip.
pub(crate) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
