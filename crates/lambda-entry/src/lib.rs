//! What Tintype's Lambda functions share. Each function is a thin binary beside this: it starts the log, reads its
//! settings, builds the ports once, and hands every event to the module of its name.

pub mod aside;
pub mod async_result;
pub mod authorizer;
pub mod compose;
pub mod deliver;
pub mod failure;
pub mod generate_image;
pub mod logging;
pub mod metered_jobs;
pub mod metrics;
pub mod publish_page;
pub mod rest_api;
pub mod settings;
pub mod sweep;
pub mod system;
pub mod websocket;

#[cfg(test)]
mod world;
