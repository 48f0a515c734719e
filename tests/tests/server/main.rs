//! The server as a real process, over real sockets.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test does not expect fails it")]

mod bad_input;
mod delivery;
mod draining;
mod hostile_images;
mod jobs;
mod library;
mod not_http;
mod ownership;
mod races;
mod red_heart;
mod restart;
mod slow_clients;
