//! The server's log, on stderr.

use crate::failure::{Failure, Outcome};
use crate::settings::{LogFormat, Settings};
use crate::terminal::Terminal;
use std::io;
use tracing_subscriber::{EnvFilter, fmt};

/// What is logged where nobody said: for people, the requests are left out.
const fn default_filter(format: LogFormat) -> &'static str {
    match format {
        LogFormat::Human => "info,tintype_http=warn",
        LogFormat::Json => "info",
    }
}

/// Starts the log in the form and at the level of the settings.
///
/// # Errors
/// If the filter can't be understood.
pub(crate) fn start(settings: &Settings, terminal: &Terminal) -> Outcome {
    let filter = settings.log_filter.as_deref().unwrap_or_else(|| default_filter(settings.log_format));
    let filter = EnvFilter::builder().parse(filter).map_err(|error| {
        Failure::usage(format!("the log filter {filter:?} is not understood: {error}"))
            .hint("a level is enough: error, warn, info, debug or trace; by module: info,tintype_http=debug")
    })?;
    // Where nobody reads stderr any more, the log is lost: to tell that on stderr too would be a panic.
    let log = fmt().with_env_filter(filter).with_writer(io::stderr).log_internal_errors(false);
    let started = match settings.log_format {
        LogFormat::Human => log.with_ansi(terminal.stderr_color()).with_target(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failure::failed(format!("can't start the log: {error}")))
}
