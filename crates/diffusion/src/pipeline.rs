//! A loaded Stable Diffusion pipeline: a prompt and noise to pixels. Pure arithmetic on the calling thread and its pool.

use crate::config::{PipelineConfig, Sampler};
use crate::error::{EngineError, EngineResult};
use crate::folder::Folder;
use crate::noise::noise;
use crate::schedule::{Blend, Schedule, Step};
use crate::text_encoder::TextEncoder;
use crate::tokenizer::{self, Tokenizer};
use crate::unet::Unet;
use crate::vae::Decoder;
use candle_core::{Device, Result, Tensor};
use std::ops::ControlFlow;
use tintype_core::domain::Seed;

/// What the pipeline draws with: everything but the seed.
#[derive(Clone, Debug)]
pub(crate) struct Guide {
    /// The states of the prompt; those of the negative prompt before them if there is guidance.
    pub(crate) states: Tensor,
    /// The strength of the prompt's pull; none at 1 and below.
    pub(crate) scale: Option<f64>,
}

/// Where a drawing is, after a step.
pub(crate) struct Stage<'a> {
    /// Steps done of this picture, from 1.
    pub(crate) step: u32,
    /// The latents of the picture as the UNet saw it in this step.
    pub(crate) clean: &'a dyn Fn() -> Result<Tensor>,
}

#[derive(Debug)]
pub(crate) struct Pipeline {
    config: PipelineConfig,
    pub(crate) tokenizer: Tokenizer,
    text_encoder: TextEncoder,
    unet: Unet,
    decoder: Decoder,
    /// The states of the empty prompt, which most drawings use.
    empty: Tensor,
}

/// The parts with weights, and how the files with them are called.
const TEXT_ENCODER: (&str, &str) = ("text_encoder", "model");
const UNET: (&str, &str) = ("unet", "diffusion_pytorch_model");
const VAE: (&str, &str) = ("vae", "diffusion_pytorch_model");

impl Pipeline {
    /// Refuses a folder that lacks a file which [`load`](Self::load) reads.
    pub(crate) fn require_files(folder: &Folder) -> EngineResult<()> {
        folder.require(tokenizer::VOCABULARY_FILE)?;
        folder.require(tokenizer::MERGES_FILE)?;
        for (component, stem) in [TEXT_ENCODER, UNET, VAE] {
            folder.weights_file(component, stem)?;
        }
        Ok(())
    }

    /// Reads the tokenizer and all weights.
    pub(crate) fn load(folder: &Folder, config: &PipelineConfig) -> EngineResult<Self> {
        let text = &config.text_encoder;
        let tokenizer = Tokenizer::read(folder, text.positions, text.vocabulary)?;
        let text_encoder = part(folder, TEXT_ENCODER, |weights| TextEncoder::load(weights, text))?;
        let empty = text_encoder.forward(&tokenizer.ids("")?)?;
        Ok(Self {
            tokenizer,
            text_encoder,
            unet: part(folder, UNET, |weights| Unet::load(weights, &config.unet))?,
            decoder: part(folder, VAE, |weights| Decoder::load(weights, &config.vae))?,
            empty,
            config: config.clone(),
        })
    }

    /// What `prompt` says, against `negative`. At a `scale` of 1 and below the negative prompt has no effect.
    pub(crate) fn guide(&self, prompt: &str, negative: Option<&str>, scale: f64) -> EngineResult<Guide> {
        let wanted = self.states(prompt)?;
        if scale <= 1.0 {
            return Ok(Guide { states: wanted, scale: None });
        }
        let unwanted = negative.map_or_else(|| Ok(self.empty.clone()), |text| self.states(text))?;
        Ok(Guide { states: Tensor::cat(&[&unwanted, &wanted], 0)?, scale: Some(scale) })
    }

    fn states(&self, text: &str) -> EngineResult<Tensor> {
        Ok(self.text_encoder.forward(&self.tokenizer.ids(text)?)?)
    }

    /// The way of `sampler` in `steps` steps.
    pub(crate) fn schedule(&self, sampler: Sampler, steps: u32) -> Schedule {
        Schedule::new(&self.config.scheduler, sampler, steps)
    }

    /// The noise of `seed` for a picture of this size in pixels.
    pub(crate) fn noise(&self, seed: Seed, width: u32, height: u32) -> Result<Tensor> {
        let scale = self.config.vae.scale();
        let (channels, rows, columns) =
            (self.config.vae.latent_channels, height as usize / scale, width as usize / scale);
        Tensor::from_vec(noise(seed, channels * rows * columns), (1, channels, rows, columns), &Device::Cpu)
    }

    /// Walks from `noise` to the latents of a picture. After each step `watch` may stop it: then there are none.
    pub(crate) fn sample(
        &self,
        guide: &Guide,
        schedule: &Schedule,
        noise: &Tensor,
        mut watch: impl FnMut(&Stage<'_>) -> EngineResult<ControlFlow<()>>,
    ) -> EngineResult<Option<Tensor>> {
        let mut latents = (noise * schedule.noise_scale)?;
        for (step, number) in schedule.steps.iter().zip(1..) {
            let output = self.predict(guide, step, &latents)?;
            let clean = || blend(step.clean, &latents, &output);
            let stage = Stage { step: number, clean: &clean };
            if watch(&stage)?.is_break() {
                return Ok(None);
            }
            latents = blend(step.next, &latents, &output)?;
        }
        Ok(Some(latents))
    }

    /// What the UNet says of `latents`, with guidance: both prompts in one pass.
    fn predict(&self, guide: &Guide, step: &Step, latents: &Tensor) -> Result<Tensor> {
        let input = if step.input_scale == 1.0 { latents.clone() } else { (latents * step.input_scale)? };
        let Some(scale) = guide.scale else {
            return self.unet.forward(&input, step.timestep, &guide.states);
        };
        let both = self.unet.forward(&Tensor::cat(&[&input, &input], 0)?, step.timestep, &guide.states)?;
        let (unwanted, wanted) = (both.narrow(0, 0, 1)?, both.narrow(0, 1, 1)?);
        blend(Blend { latents: 1.0 - scale, output: scale }, &unwanted, &wanted)
    }

    /// The picture of `latents`: its width, its height and its RGB bytes, row by row.
    pub(crate) fn decode(&self, latents: &Tensor) -> Result<(u32, u32, Vec<u8>)> {
        let picture = self.decoder.decode(latents)?.squeeze(0)?.permute((1, 2, 0))?;
        let (height, width, _) = picture.dims3()?;
        let values = picture.flatten_all()?.to_vec1::<f32>()?;
        Ok((dimension(width)?, dimension(height)?, values.into_iter().map(level).collect()))
    }
}

fn part<T>(
    folder: &Folder,
    (component, stem): (&'static str, &'static str),
    load: impl FnOnce(&candle_nn::VarBuilder<'_>) -> Result<T>,
) -> EngineResult<T> {
    let weights = folder.weights(component, stem)?;
    load(&weights).map_err(|source| EngineError::Weights { component, source })
}

fn blend(blend: Blend, latents: &Tensor, output: &Tensor) -> Result<Tensor> {
    (latents * blend.latents)? + (output * blend.output)?
}

fn dimension(pixels: usize) -> Result<u32> {
    u32::try_from(pixels).map_err(candle_core::Error::wrap)
}

/// From -1..1 to 0..255, rounded to the nearest.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value was clamped to 0..255"
)]
fn level(value: f32) -> u8 {
    ((value.clamp(-1.0, 1.0) + 1.0) * 127.5).round_ties_even() as u8
}
