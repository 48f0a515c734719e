//! Tintype's ports on AWS. A file has the name of the port it implements, as everywhere.

pub mod clients;
mod error;
mod notifier;
mod workflow;

pub use notifier::ApiGatewayNotifier;
pub use workflow::StepFunctionsWorkflow;
