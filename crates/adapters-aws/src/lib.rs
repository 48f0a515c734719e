//! Tintype's ports on AWS. A file has the name of the port it implements, as everywhere.

pub mod clients;
mod credential_repo;
mod error;

pub use credential_repo::DynamoCredentialRepo;
