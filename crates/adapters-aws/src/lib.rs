//! Tintype's ports on AWS. A file has the name of the port it implements, as everywhere.

mod async_inference;
pub mod clients;
mod error;
mod image_model;
mod notifier;
mod workflow;

pub use async_inference::{Answered, AsyncClients, AsyncInference, AsyncSettings, Collected, Task};
pub use image_model::{
    BedrockModel, BedrockSettings, SageMakerModel, SageMakerSettings, Shape, ShapeChoice, UnknownModel,
    UnknownShape,
};
pub use notifier::ApiGatewayNotifier;
pub use workflow::StepFunctionsWorkflow;
