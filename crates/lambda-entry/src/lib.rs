//! What Tintype's Lambda functions share. Each function is a thin binary beside this.

pub mod authorizer;
pub mod logging;
pub mod settings;
pub mod system;
