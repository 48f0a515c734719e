//! The functions' log: one JSON object a line. The runtime opens a span around every event, so that each line carries
//! the request's id and the X-Ray trace id; the modules add the job's.

use crate::settings::Environment;
use std::{error::Error, fmt::Write as _};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer, filter::Targets, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt,
};

/// Starts the log. `RUST_LOG` chooses what is written, as in `info,tintype_http=debug`; `info` if it is not set or not
/// understood.
pub fn start(environment: &Environment) {
    let log = fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(true);
    // It fails only where there is a log already.
    drop(registry().with(log.with_filter(filter(environment))).try_init());
}

fn filter(environment: &Environment) -> Targets {
    let chosen = environment.optional("RUST_LOG").and_then(|filter| filter.parse().ok());
    chosen.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
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

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn without_a_choice_or_with_one_that_is_not_understood_the_log_holds_what_is_info() {
        for environment in [Environment::new(|_| None), Environment::new(|_| Some("info=loud".to_owned()))] {
            let filter = filter(&environment);
            assert!(filter.would_enable("tintype_http", &Level::INFO));
            assert!(!filter.would_enable("tintype_http", &Level::DEBUG));
        }
    }

    #[test]
    fn a_module_can_be_chosen() {
        let filter = filter(&Environment::new(|_| Some("info,tintype_http=debug".to_owned())));
        assert!(filter.would_enable("tintype_http::access", &Level::DEBUG));
        assert!(!filter.would_enable("hyper", &Level::DEBUG));
    }
}
