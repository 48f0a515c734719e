//! Tintype's core: the domain, the ports and the use cases of an asynchronous image generation service.
//!
//! A front end brings adapters for the [`ports`], builds [`ports::Ports`] once, and calls the [`use_cases`]: plain
//! functions that take the ports, what the caller wants and the time. Nothing here reads a clock, a random source or
//! the environment, and nothing here does I/O.

pub mod domain;
pub mod error;
pub mod imaging;
pub mod ports;
pub mod provenance;
pub mod use_cases;
pub mod views;

pub use error::{Error, ErrorKind, PortError, PortResult, Result};
