//! Tintype over HTTP: one [`axum::Router`] with REST, Server-Sent Events and WebSocket over the use cases of
//! [`tintype_core`]. The server and the Lambda function serve the same one.
//!
//! ```no_run
//! # #[cfg(all(feature = "socket", feature = "server"))]
//! # async fn run(
//! #     clock: std::sync::Arc<dyn tintype_core::domain::Clock>,
//! #     entropy: tintype_http::EntropySource,
//! #     make_ports: fn(std::sync::Arc<tintype_http::SocketHub>) -> tintype_core::ports::Ports,
//! #     cursor_secret: [u8; 32],
//! # ) -> std::io::Result<()> {
//! use std::sync::Arc;
//! use tintype_core::domain::CursorCodec;
//! use tintype_http::{Access, Api, ServerSettings, SocketHub, router, serve};
//! use tokio_util::sync::CancellationToken;
//!
//! let hub = Arc::new(SocketHub::default());
//! let ports = make_ports(hub.clone()); // the hub is the Notifier among the ports
//! let shutdown = CancellationToken::new(); // cancelled on SIGTERM
//! let api = Api::new(ports, clock, entropy, CursorCodec::new(cursor_secret), Access::Open)
//!     .with_hub(hub)
//!     .with_shutdown(shutdown.clone());
//! let tasks = api.tasks();
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:7860").await?;
//! serve(listener, router(api), ServerSettings::default(), tasks, shutdown).await;
//! # Ok(())
//! # }
//! ```

mod accept;
mod access;
mod api;
mod body;
mod collections;
mod conditional;
mod content;
#[cfg(feature = "docs")]
mod docs;
mod edge;
mod gates;
mod generate;
mod health;
mod images;
mod jobs;
mod json;
mod memory;
mod metered_jobs;
mod metrics;
mod models;
mod openapi;
mod page;
mod path;
mod peer;
mod problem;
mod public_links;
mod query;
mod range;
mod request_id;
mod routes;
mod save;
mod security;
mod similar;
mod socket_action;
mod space;
mod tickets;
mod wrong_keys;

#[cfg(feature = "socket")]
mod events;
#[cfg(feature = "socket")]
mod listener;
#[cfg(feature = "socket")]
mod message_rate;
#[cfg(feature = "socket")]
mod place;
#[cfg(feature = "socket")]
mod socket;
#[cfg(feature = "socket")]
mod socket_hub;

#[cfg(feature = "server")]
mod connections;
#[cfg(feature = "server")]
mod guarded_io;
#[cfg(feature = "server")]
mod lingering;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
mod timed_body;

pub use access::{Access, AuthorizedOwner, Key, Keys, ReplacedKeys};
pub use api::{Api, EntropySource};
pub use metrics::{Metrics, StoreStatus};
pub use page::PageFile;
pub use problem::{Code, Problem};
pub use routes::router;
pub use security::Allowed;
pub use socket_action::{Action, action_problem_message, pong_message};
pub use space::{Space, SpaceSource};

#[cfg(feature = "server")]
pub use server::{ServerSettings, serve};
#[cfg(feature = "socket")]
pub use {
    socket::SocketSettings,
    socket_hub::{Line, SocketHub},
};
