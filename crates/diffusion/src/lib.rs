//! Stable Diffusion on the CPU, as an [`ImageModel`](tintype_core::ports::ImageModel): one small model inside the
//! binary, and any folder in the layout of diffusers whose model is of the Stable Diffusion 1 or 2 family.
//!
//! Read it from the outside in: [`DiffusionModel`] checks a request and hands it to `workers`; a `drawing` runs there
//! on a `pipeline` (tokenizer, text encoder, UNet, VAE, schedule) and speaks through its `outbox`. `folder` and `config`
//! know what a diffusers folder holds; `layers` is the arithmetic; `noise` is what a seed means.

mod card;
mod config;
mod drawing;
#[cfg(feature = "embedded-model")]
mod embedded;
mod error;
mod folder;
mod layers;
mod model;
mod noise;
mod outbox;
mod pipeline;
#[cfg(test)]
#[cfg(feature = "embedded-model")]
mod reference_tests;
mod schedule;
mod settings;
mod text_encoder;
mod tokenizer;
mod unet;
mod vae;
mod workers;

pub use error::EngineError;
pub use model::DiffusionModel;
pub use settings::Settings;
