//! The API as its clients meet it: over the router for what is one request, over a real socket for what is not.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bad_input;
mod closing;
mod collections;
mod desk;
mod drain;
mod events;
mod failures;
mod generate;
mod images;
mod imports;
mod jobs;
mod keys;
mod operator;
mod owners;
mod pictures;
mod public_url;
mod renditions;
mod security;
mod similar;
mod slow_clients;
mod socket;
mod tickets;
mod variants;
