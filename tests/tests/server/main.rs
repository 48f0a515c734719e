//! The server as a real process, over real sockets.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test does not expect fails it")]

mod bad_input;
mod concurrent_edits;
mod delivery;
mod draining;
mod floods;
mod hostile_images;
mod jobs;
mod keys;
mod library;
mod logging;
mod lost_database;
mod not_http;
mod ownership;
mod races;
mod red_heart;
mod restart;
mod slow_clients;
