//! Pictures on their way out of a library and into one: real servers, the real command, real files.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test does not expect fails it")]

mod backup;
mod broken_off;
mod foreign;
mod later_runs;
mod library;
mod refusals;
mod round_trip;
