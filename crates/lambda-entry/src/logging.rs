//! The functions' log: one JSON object a line. The runtime opens a span around every event, so that each line carries
//! the request's id and the X-Ray trace id; the modules add the job's.

use crate::settings::Environment;
use std::{error::Error, fmt::Write as _};
use tracing_subscriber::{EnvFilter, fmt};

/// Starts the log. `RUST_LOG` chooses what is written, as in `info,tintype_http=debug`; `info` if it is not set or not
/// understood.
pub fn start(environment: &Environment) {
    let filter = environment.optional("RUST_LOG").unwrap_or_default();
    let filter = EnvFilter::builder().parse(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(true)
        .with_env_filter(filter);
    // It fails only where there is a log already.
    drop(log.try_init());
}

/// `error` with all its causes, for the log.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a String can't fail.
        write!(text, ": {error}").ok();
        cause = error.source();
    }
    text
}
