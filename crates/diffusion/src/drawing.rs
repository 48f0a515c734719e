//! One drawing: a request's pictures, one after the other, with what is told of them on the way.

use crate::config::Sampler;
use crate::error::{EngineError, EngineResult};
use crate::outbox::Outbox;
use crate::pipeline::{Guide, Pipeline, Stage};
use crate::schedule::Schedule;
use candle_core::Tensor;
use std::ops::ControlFlow;
use tintype_core::PortError;
use tintype_core::domain::{GenerationRequest, OutputFormat, Progress, limits};
use tintype_core::imaging;
use tintype_core::ports::{DrawnImage, Preview};

/// The longer side of a preview in latent pixels: 128 pixels where one of them is 8 wide.
const PREVIEW_LATENTS: usize = 16;

/// A request and how it is drawn.
#[derive(Clone, Debug)]
pub(crate) struct Drawing {
    pub(crate) request: GenerationRequest,
    pub(crate) sampler: Sampler,
    /// Steps between two previews; 0 for none.
    pub(crate) preview_every: u32,
}

/// What all pictures of a drawing share.
struct Session<'a> {
    drawing: &'a Drawing,
    pipeline: &'a Pipeline,
    outbox: &'a Outbox,
    guide: Guide,
    schedule: Schedule,
}

impl Drawing {
    /// Draws until it is done or the reader is gone.
    pub(crate) fn run(&self, pipeline: &Pipeline, outbox: &Outbox) -> EngineResult<()> {
        let request = &self.request;
        let negative = request.negative_prompt.as_ref().map(|prompt| prompt.as_str());
        let session = Session {
            drawing: self,
            pipeline,
            outbox,
            guide: pipeline.guide(request.prompt.as_str(), negative, request.guidance_scale.get())?,
            schedule: pipeline.schedule(self.sampler, request.steps),
        };
        for index in 0..request.count {
            if session.picture(index)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Session<'_> {
    fn picture(&self, index: u32) -> EngineResult<ControlFlow<()>> {
        let request = &self.drawing.request;
        if self.outbox.is_canceled() {
            return Ok(ControlFlow::Break(()));
        }
        let seed = request.seed.nth(index);
        let noise = self.pipeline.noise(seed, request.width, request.height)?;
        let watch = |stage: &Stage<'_>| self.tell(index, stage);
        let Some(latents) = self.pipeline.sample(&self.guide, &self.schedule, &noise, watch)? else {
            return Ok(ControlFlow::Break(()));
        };
        let (width, height, pixels) = self.pipeline.decode(&latents)?;
        let picture = imaging::encode_rgb(width, height, pixels, request.output_format).map_err(encoding)?;
        self.outbox.image(DrawnImage { index, picture: picture.blob, width, height, seed });
        Ok(ControlFlow::Continue(()))
    }

    /// Tells of a step, and whether anyone still listens.
    fn tell(&self, index: u32, stage: &Stage<'_>) -> EngineResult<ControlFlow<()>> {
        if self.outbox.is_canceled() {
            return Ok(ControlFlow::Break(()));
        }
        let Drawing { request, preview_every, .. } = self.drawing;
        let steps = request.steps * request.count;
        let progress = Progress { image: index, step: index * request.steps + stage.step, steps };
        self.outbox.progress(progress);
        let due =
            *preview_every > 0 && stage.step.is_multiple_of(*preview_every) && stage.step < request.steps;
        if due && self.outbox.wants_preview() {
            self.preview(progress, &(stage.clean)()?)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn preview(&self, progress: Progress, latents: &Tensor) -> EngineResult<()> {
        let (width, height, pixels) = self.pipeline.decode(&shrink(latents)?)?;
        for format in [OutputFormat::Webp, OutputFormat::Jpeg] {
            let picture = imaging::encode_rgb(width, height, pixels.clone(), format).map_err(encoding)?.blob;
            if picture.bytes().len() <= limits::CHUNK_BYTES {
                self.outbox.preview(Preview { progress, picture });
                break;
            }
        }
        Ok(())
    }
}

/// Decoding costs most of all at full size, and a preview is looked at for a moment: means of latent pixels decode to
/// a small, slightly soft picture of the same.
fn shrink(latents: &Tensor) -> candle_core::Result<Tensor> {
    let (_, _, height, width) = latents.dims4()?;
    let factor = height.max(width).div_ceil(PREVIEW_LATENTS).min(height.min(width));
    if factor > 1 { latents.avg_pool2d(factor) } else { Ok(latents.clone()) }
}

fn encoding(error: PortError) -> EngineError {
    EngineError::Encoding(Box::new(error))
}
