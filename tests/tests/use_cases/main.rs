//! The use cases over the ports in memory: real parts, a clock that a test moves, no socket.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test does not expect fails it")]

mod attempts;
mod delivery;
mod library;
mod provenance;
mod submission;
mod sweeping;
mod turns;
mod world;
