//! What Amazon's own models are asked: a `TEXT_IMAGE` task.

use crate::image_model::{GENERATE, seed};
use serde::Serialize;
use tintype_core::domain::{GenerationRequest, Prompt, Seed};
use tintype_core::{ErrorKind, PortError, PortResult};

/// The longest prompt of Nova Canvas, in characters.
const NOVA_CHARS: usize = 1_024;
/// The most pixels of Nova Canvas.
const NOVA_PIXELS: u32 = 4_194_304;
/// The most that one side may be longer than the other, of Nova Canvas.
const NOVA_RATIO: u32 = 4;
/// The longest prompt of Titan, in characters.
const TITAN_CHARS: usize = 512;
/// The sizes of Titan that are upright or square; it takes them lying, too.
const TITAN_SIZES: [(u32, u32); 13] = [
    (512, 512),
    (768, 768),
    (1024, 1024),
    (384, 576),
    (768, 1152),
    (384, 640),
    (768, 1280),
    (448, 576),
    (896, 1152),
    (384, 704),
    (768, 1408),
    (320, 704),
    (640, 1408),
];
/// One more that is lying only.
const TITAN_WIDE: (u32, u32) = (1152, 640);

/// The task.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TextImage<'a> {
    task_type: &'static str,
    text_to_image_params: Text<'a>,
    image_generation_config: Config,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Text<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    negative_text: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    number_of_images: u32,
    quality: &'static str,
    width: u32,
    height: u32,
    cfg_scale: f64,
    seed: u32,
}

impl<'a> TextImage<'a> {
    pub(super) fn for_nova(request: &'a GenerationRequest, seed: Seed) -> PortResult<Self> {
        let (width, height) = (request.width, request.height);
        let (short, long) = (width.min(height), width.max(height));
        if width * height >= NOVA_PIXELS || long > short * NOVA_RATIO {
            let message = format!(
                "{width} x {height} is no size of this model: it draws fewer than {NOVA_PIXELS} pixels, and no side may \
                 be more than {NOVA_RATIO} times the other"
            );
            return Err(refused(message));
        }
        Self::of(request, seed, NOVA_CHARS)
    }

    pub(super) fn for_titan(request: &'a GenerationRequest, seed: Seed) -> PortResult<Self> {
        let (width, height) = (request.width, request.height);
        if (width, height) != TITAN_WIDE && !TITAN_SIZES.contains(&(width.min(height), width.max(height))) {
            let sizes: Vec<_> = TITAN_SIZES.iter().map(|(short, long)| format!("{short} x {long}")).collect();
            let message = format!(
                "{width} x {height} is no size of this model: it draws {} (also lying), and 1152 x 640",
                sizes.join(", ")
            );
            return Err(refused(message));
        }
        Self::of(request, seed, TITAN_CHARS)
    }

    fn of(request: &'a GenerationRequest, seed: Seed, chars: usize) -> PortResult<Self> {
        let negative_text = request.negative_prompt.as_ref().map(Prompt::as_str);
        for text in [Some(request.prompt.as_str()), negative_text].into_iter().flatten() {
            check_length(text, chars)?;
        }
        Ok(Self {
            task_type: "TEXT_IMAGE",
            text_to_image_params: Text { text: request.prompt.as_str(), negative_text },
            image_generation_config: Config {
                number_of_images: 1,
                quality: "standard",
                width: request.width,
                height: request.height,
                cfg_scale: request.guidance_scale.get(),
                seed: seed::for_amazon(seed),
            },
        })
    }
}

fn check_length(text: &str, chars: usize) -> PortResult<()> {
    let length = text.chars().count();
    if length <= chars {
        return Ok(());
    }
    Err(refused(format!("the prompt has {length} characters; this model takes {chars} at the most")))
}

fn refused(message: String) -> PortError {
    PortError::new(ErrorKind::Invalid, GENERATE, message)
}
