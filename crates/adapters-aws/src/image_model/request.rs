//! What SageMaker endpoints are asked, by shape. Every call asks for one picture: its answer fits in 6 MB, and its
//! seed does not depend on how many others are wanted.

use super::shape::Shape;
use super::{GENERATE, aspect_ratio, seed};
use serde::Serialize;
use tintype_core::domain::{GenerationRequest, OutputFormat, Seed};
use tintype_core::{ErrorKind, PortError, PortResult};

/// A scheduler of this name leaves the choice to the endpoint.
pub(super) const ENDPOINTS_SCHEDULER: &str = "default";

const JSON: &str = "application/json";
/// Pictures as base64 of JPEG, in place of nested numbers.
const JSON_JPEG: &str = "application/json;jpeg";
/// The most bytes of a real-time answer.
const ANSWER_BYTES: u64 = 6 * 1024 * 1024;
/// What one colour value takes in JSON at the most: three digits, a comma, a space.
const VALUE_BYTES: u64 = 5;

/// The body of a call, and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    /// The body.
    pub(crate) body: Vec<u8>,
    /// What the body is.
    pub(crate) content_type: &'static str,
    /// What the answer should be.
    pub(crate) accept: &'static str,
}

impl Payload {
    /// The call for the picture of `seed`.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if the shape has no words for the request.
    pub(crate) fn of(shape: Shape, request: &GenerationRequest, seed: Seed) -> PortResult<Self> {
        match shape {
            Shape::Text => Ok(Self {
                body: request.prompt.as_str().as_bytes().to_vec(),
                content_type: "application/x-text",
                accept: JSON,
            }),
            Shape::Diffusers => json(&Diffusers::of(request, seed), wanted(request)),
            Shape::StabilityV1 | Shape::Artifacts => json(&StabilityV1::of(request, seed), JSON),
            Shape::StabilityV3 => json(&StabilityV3::of(request, seed)?, JSON),
        }
    }
}

fn json(body: &impl Serialize, accept: &'static str) -> PortResult<Payload> {
    Ok(Payload { body: written(body)?, content_type: JSON, accept })
}

/// `body` as JSON.
pub(super) fn written(body: &impl Serialize) -> PortResult<Vec<u8>> {
    serde_json::to_vec(body).map_err(|error| {
        PortError::new(ErrorKind::Internal, GENERATE, "the request can't be written as JSON")
            .with_source(error)
    })
}

/// Nested numbers lose nothing, but a large picture of them does not fit into an answer.
fn wanted(request: &GenerationRequest) -> &'static str {
    let numbers = u64::from(request.width) * u64::from(request.height) * 3 * VALUE_BYTES;
    if request.output_format == OutputFormat::Jpeg || numbers > ANSWER_BYTES { JSON_JPEG } else { JSON }
}

fn negative(request: &GenerationRequest) -> Option<&str> {
    request.negative_prompt.as_ref().map(|prompt| prompt.as_str())
}

fn scheduler(request: &GenerationRequest) -> Option<&str> {
    Some(request.scheduler.as_str()).filter(|name| *name != ENDPOINTS_SCHEDULER)
}

#[derive(Serialize)]
struct Diffusers<'a> {
    prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    negative_prompt: Option<&'a str>,
    width: u32,
    height: u32,
    num_images_per_prompt: u32,
    num_inference_steps: u32,
    guidance_scale: f64,
    seed: u32,
}

impl<'a> Diffusers<'a> {
    fn of(request: &'a GenerationRequest, seed: Seed) -> Self {
        Self {
            prompt: request.prompt.as_str(),
            negative_prompt: negative(request),
            width: request.width,
            height: request.height,
            num_images_per_prompt: 1,
            num_inference_steps: request.steps,
            guidance_scale: request.guidance_scale.get(),
            seed: seed.0,
        }
    }
}

#[derive(Serialize)]
struct TextPrompt<'a> {
    text: &'a str,
    weight: f64,
}

#[derive(Serialize)]
struct StabilityV1<'a> {
    text_prompts: Vec<TextPrompt<'a>>,
    width: u32,
    height: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    sampler: Option<&'a str>,
    cfg_scale: f64,
    steps: u32,
    seed: u32,
}

impl<'a> StabilityV1<'a> {
    /// What is not wanted has a negative weight.
    fn of(request: &'a GenerationRequest, seed: Seed) -> Self {
        let wanted = TextPrompt { text: request.prompt.as_str(), weight: 1.0 };
        let unwanted = negative(request).map(|text| TextPrompt { text, weight: -1.0 });
        Self {
            text_prompts: [Some(wanted), unwanted].into_iter().flatten().collect(),
            width: request.width,
            height: request.height,
            sampler: scheduler(request),
            cfg_scale: request.guidance_scale.get(),
            steps: request.steps,
            seed: seed::for_stability(seed),
        }
    }
}

/// Stability's models of the third generation: on SageMaker and on Bedrock alike.
#[derive(Serialize)]
pub(super) struct StabilityV3<'a> {
    prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    negative_prompt: Option<&'a str>,
    seed: u32,
    aspect_ratio: String,
    output_format: &'static str,
    mode: &'static str,
}

impl<'a> StabilityV3<'a> {
    pub(super) fn of(request: &'a GenerationRequest, seed: Seed) -> PortResult<Self> {
        Ok(Self {
            prompt: request.prompt.as_str(),
            negative_prompt: negative(request),
            seed: seed::for_stability(seed),
            aspect_ratio: aspect_ratio::of(request.width, request.height)?,
            output_format: match request.output_format {
                OutputFormat::Jpeg => "jpeg",
                // They write no WebP everywhere: it is made here, from what loses nothing.
                OutputFormat::Png | OutputFormat::Webp => "png",
            },
            mode: "text-to-image",
        })
    }
}
