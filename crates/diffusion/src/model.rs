//! The engine as the port that everything else draws through.

use crate::card;
use crate::config::{PipelineConfig, Sampler};
use crate::drawing::Drawing;
use crate::error::{EngineError, EngineResult};
use crate::folder::Folder;
use crate::outbox::{Inbox, Outbox};
use crate::pipeline::Pipeline;
use crate::settings::Settings;
use crate::workers::Workers;
use async_trait::async_trait;
use futures_util::StreamExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tintype_core::PortResult;
use tintype_core::domain::{FieldError, GenerationRequest, ModelCard};
use tintype_core::ports::{Drawn, ImageModel, SourceBytes};

/// A Stable Diffusion model that draws on this machine's CPU.
///
/// Opening it reads its configurations; its weights are loaded with the first drawing, once, and shared by all. The same
/// request gives the same bytes on any number of threads.
#[derive(Debug)]
pub struct DiffusionModel {
    card: ModelCard,
    settings: Settings,
    engine: Arc<Engine>,
}

#[derive(Debug)]
struct Engine {
    folder: Folder,
    config: PipelineConfig,
    workers: Workers,
    pipeline: Mutex<Option<Arc<Pipeline>>>,
}

impl DiffusionModel {
    /// The model inside the binary, tintype-icons.
    ///
    /// # Errors
    /// None that a build which passed its tests can have.
    #[cfg(feature = "embedded-model")]
    pub fn embedded(settings: Settings) -> Result<Self, EngineError> {
        Self::open(Folder::Embedded(crate::embedded::FILES), settings, card::of_embedded)
    }

    /// The model in a folder in the layout of diffusers, such as a clone of `stabilityai/sd-turbo`. It is named after
    /// the folder.
    ///
    /// # Errors
    /// What the folder lacks, or holds that the engine can't do, by name, with what to do about it. Damaged weights
    /// show only when they are loaded, with the first drawing.
    pub fn from_folder(path: impl Into<PathBuf>, settings: Settings) -> Result<Self, EngineError> {
        let path = path.into();
        Self::open(Folder::Directory(path.clone()), settings, |config| card::of_folder(&path, config))
    }

    fn open(
        folder: Folder,
        settings: Settings,
        card: impl FnOnce(&PipelineConfig) -> ModelCard,
    ) -> EngineResult<Self> {
        let config = PipelineConfig::read(&folder)?;
        Pipeline::require_files(&folder)?;
        let card = card(&config);
        let engine = Engine { folder, config, workers: Workers::new(settings), pipeline: Mutex::new(None) };
        Ok(Self { card, settings, engine: Arc::new(engine) })
    }

    /// What `request` means to this model, if it was resolved against its card.
    fn drawing(&self, request: &GenerationRequest, source: Option<&SourceBytes>) -> EngineResult<Drawing> {
        let ModelCard { width, height, steps, guidance_scale, count, .. } = &self.card;
        width.pick("width", Some(request.width.into())).map_err(|error| refused(&error))?;
        height.pick("height", Some(request.height.into())).map_err(|error| refused(&error))?;
        steps.pick("steps", Some(request.steps.into())).map_err(|error| refused(&error))?;
        count.pick("count", Some(request.count.into())).map_err(|error| refused(&error))?;
        guidance_scale
            .pick("guidance_scale", Some(request.guidance_scale.get()))
            .map_err(|error| refused(&error))?;
        if source.is_some() || request.source.is_some() {
            return Err(EngineError::Request("this model can't start from a picture".to_owned()));
        }
        let sampler = Sampler::named(&request.scheduler).ok_or_else(|| {
            let known = self.card.schedulers.join(", ");
            EngineError::Request(format!("scheduler is {}; must be one of {known}", request.scheduler))
        })?;
        Ok(Drawing { request: request.clone(), sampler, preview_every: self.settings.preview_every })
    }
}

fn refused(error: &FieldError) -> EngineError {
    EngineError::Request(format!("{} {}", error.pointer, error.detail))
}

impl Engine {
    /// The weights, loaded by whoever comes first. What failed is tried again by the next.
    fn pipeline(&self) -> EngineResult<Arc<Pipeline>> {
        let mut loaded = self.pipeline.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipeline) = &*loaded {
            return Ok(Arc::clone(pipeline));
        }
        let pipeline = Arc::new(Pipeline::load(&self.folder, &self.config)?);
        *loaded = Some(Arc::clone(&pipeline));
        Ok(pipeline)
    }

    fn draw(&self, drawing: &Drawing, outbox: Outbox) {
        // A reader that left while the drawing waited for its turn costs nothing, not even the weights.
        let result = if outbox.is_canceled() {
            Ok(())
        } else {
            self.pipeline().and_then(|pipeline| drawing.run(&pipeline, &outbox))
        };
        outbox.finish(result);
    }
}

#[async_trait]
impl ImageModel for DiffusionModel {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    async fn generate(&self, request: &GenerationRequest, source: Option<SourceBytes>) -> PortResult<Drawn> {
        let drawing = self.drawing(request, source.as_ref())?;
        let engine = Arc::clone(&self.engine);
        Ok(Inbox::new(move |outbox| start(&engine, drawing, outbox)).boxed())
    }
}

/// If no worker can take the drawing, its outbox is dropped with it, and says so to the reader.
fn start(engine: &Arc<Engine>, drawing: Drawing, outbox: Outbox) {
    let worker = Arc::clone(engine);
    drop(engine.workers.run(move || worker.draw(&drawing, outbox)));
}
