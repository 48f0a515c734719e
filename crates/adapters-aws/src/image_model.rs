//! [`ImageModel`](tintype_core::ports::ImageModel) on SageMaker and on Bedrock. Both are asked for one picture at a
//! time, in the forms of [`request`], and answer in one of those that [`answer`] knows.

mod answer;
mod aspect_ratio;
mod bedrock;
mod error;
mod nested_pixels;
mod one_by_one;
mod picture;
mod request;
mod sagemaker;
mod seed;
mod shape;

pub use bedrock::{BedrockModel, BedrockSettings, UnknownModel};
pub use sagemaker::{SageMakerModel, SageMakerSettings};
pub use shape::{Shape, ShapeChoice, UnknownShape};

pub(crate) use error::{failed, of_sentence};
pub(crate) use one_by_one::{ANSWER_BYTES, only_picture};
pub(crate) use request::Payload;

/// The operation that errors name.
pub(crate) const GENERATE: &str = "ImageModel::generate";
