//! The contract of [`ImageModel`], case by case.

use crate::suites::cases;
use std::sync::Arc;
use tintype_core::{domain::GenerationRequest, ports::ImageModel};

/// A model and what to ask of it.
#[derive(Clone, Debug)]
pub struct ModelFixture {
    /// The model.
    pub model: Arc<dyn ImageModel>,
    /// A request that it can draw, as small as it can be. The cases change its count, seed and encoding, as the card
    /// allows.
    pub request: GenerationRequest,
    /// A request that it refuses, if there is one.
    pub refused: Option<GenerationRequest>,
    /// Whether the same request gives the same pictures.
    pub repeatable: bool,
}

cases! { CASES of ModelFixture: }
