//! Tintype's ports on AWS. A file has the name of the port it implements, as everywhere.

mod async_inference;
pub mod clients;
mod collection_repo;
mod connection_registry;
mod credential_repo;
mod dynamodb;
mod error;
mod image_model;
mod image_store;
mod integrity;
mod job_repo;
mod link_signer;
mod metadata_repo;
mod notifier;
mod workflow;

pub use async_inference::{Answered, AsyncClients, AsyncInference, AsyncSettings, Collected, Task};
pub use collection_repo::DynamoCollectionRepo;
pub use connection_registry::DynamoConnectionRegistry;
pub use credential_repo::DynamoCredentialRepo;
pub use dynamodb::cursor_secret;
pub use image_model::{
    BedrockModel, BedrockSettings, SageMakerModel, SageMakerSettings, Shape, ShapeChoice, UnknownModel,
    UnknownShape,
};
pub use image_store::S3ImageStore;
pub use integrity::AwsIntegrity;
pub use job_repo::DynamoJobRepo;
pub use link_signer::CloudLinkSigner;
pub use metadata_repo::DynamoMetadataRepo;
pub use notifier::ApiGatewayNotifier;
pub use workflow::StepFunctionsWorkflow;
