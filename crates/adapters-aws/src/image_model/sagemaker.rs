//! An [`ImageModel`] behind a SageMaker real-time endpoint.

use super::GENERATE;
use super::answer::Answer;
use super::error::{Failed, failed};
use super::nested_pixels::RawPicture;
use super::one_by_one::{OnePicture, no_retries, one_by_one, read, time_limits};
use super::request::{ENDPOINTS_SCHEDULER, Payload};
use super::shape::{Shape, ShapeChoice};
use async_trait::async_trait;
use aws_sdk_sagemakerruntime::Client;
use aws_sdk_sagemakerruntime::config::Config;
use aws_sdk_sagemakerruntime::primitives::Blob;
use std::sync::{Arc, Mutex, PoisonError};
use tintype_core::domain::{
    FloatRange, GenerationRequest, IntRange, ModelCard, ModelName, OutputFormat, Seed,
};
use tintype_core::ports::{Drawn, ImageModel, SourceBytes};
use tintype_core::{ErrorKind, PortError, PortResult};

/// An endpoint, and what it can do.
#[derive(Clone, Debug)]
pub struct SageMakerSettings {
    /// The endpoint's name.
    pub endpoint: String,
    /// How it is asked.
    pub shape: ShapeChoice,
    /// What requests are checked against: SageMaker does not tell what a model can do.
    pub card: ModelCard,
}

impl SageMakerSettings {
    /// An endpoint with a Stable Diffusion model: sides of 256 to 1,024 pixels in steps of 64 (512 if not asked
    /// otherwise), 1 to 150 steps (50), guidance 0 to 20 (7.5), up to 4 pictures, shape `auto`. Change what is different.
    pub fn stable_diffusion(endpoint: impl Into<String>, name: ModelName) -> Self {
        let side = IntRange { min: 256, max: 1024, step: 64, default: 512 };
        let card = ModelCard {
            title: name.to_string(),
            name,
            description: "A Stable Diffusion model on Amazon SageMaker.".to_owned(),
            width: side,
            height: side,
            steps: IntRange::of(1, 150, 50),
            guidance_scale: FloatRange { min: 0.0, max: 20.0, default: 7.5 },
            count: IntRange::of(1, 4, 1),
            schedulers: vec![ENDPOINTS_SCHEDULER.to_owned()],
            output_formats: OutputFormat::ALL.to_vec(),
            negative_prompt: true,
            init_image: false,
            mask_image: false,
            progress: false,
            previews: false,
            generative: true,
            vocabulary: None,
            license: "That of the model behind the endpoint; whoever runs this server knows it.".to_owned(),
        };
        Self { endpoint: endpoint.into(), shape: ShapeChoice::Auto, card }
    }

    /// The same, asked with [`AsyncInference`](crate::AsyncInference): one inference is one picture, so that its card
    /// allows no more per job.
    #[must_use]
    pub fn answering_later(self) -> Self {
        let card = ModelCard { count: IntRange::only(1), ..self.card };
        Self { card, ..self }
    }
}

/// Draws at a real-time endpoint, one picture per call, in any of the [`Shape`]s.
///
/// With [`ShapeChoice::Auto`] the first request tries the shapes in their order until the endpoint understands one; the
/// process then remembers it, until the endpoint no longer understands it. An answer in the form of another shape than
/// the one that was asked in has that shape asked anew, so that nothing of the request is lost.
///
/// Endpoints of the shape `text` take no size, steps or seed: their pictures are cut to the size, and can't be had again.
#[derive(Clone, Debug)]
pub struct SageMakerModel {
    card: Arc<ModelCard>,
    endpoint: Arc<Endpoint>,
}

#[derive(Debug)]
struct Endpoint {
    client: Client,
    name: String,
    shape: ShapeChoice,
    found: Mutex<Option<Shape>>,
}

impl SageMakerModel {
    /// The model behind this endpoint. Its calls have time limits of their own, whatever the client's are, and are not
    /// repeated by the SDK.
    pub fn new(client: Client, settings: SageMakerSettings) -> Self {
        let SageMakerSettings { endpoint: name, shape, card } = settings;
        let endpoint = Endpoint { client, name, shape, found: Mutex::new(None) };
        Self { card: Arc::new(card), endpoint: Arc::new(endpoint) }
    }
}

#[async_trait]
impl ImageModel for SageMakerModel {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    async fn generate(&self, request: &GenerationRequest, _: Option<SourceBytes>) -> PortResult<Drawn> {
        Ok(one_by_one(self.endpoint.clone(), request.clone()))
    }
}

#[async_trait]
impl OnePicture for Endpoint {
    async fn draw(&self, request: &GenerationRequest, seed: Seed) -> PortResult<RawPicture> {
        let known = match self.shape {
            ShapeChoice::Fixed(shape) => Some(shape),
            ShapeChoice::Auto => self.found(),
        };
        let Some(shape) = known else { return self.find_out(request, seed).await };
        let answer = self.ask(Payload::of(shape, request, seed)?).await.map_err(|failed| {
            if matches!(failed, Failed::Form(_)) {
                self.remember(None);
            }
            failed.into_error()
        })?;
        Ok(answer.picture)
    }
}

impl Endpoint {
    fn found(&self) -> Option<Shape> {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, shape: Option<Shape>) {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = shape;
    }

    async fn ask(&self, payload: Payload) -> Result<Answer, Failed> {
        let Payload { body, content_type, accept } = payload;
        let limits = Config::builder().timeout_config(time_limits()).retry_config(no_retries());
        let answer = self
            .client
            .invoke_endpoint()
            .endpoint_name(&self.name)
            .content_type(content_type)
            .accept(accept)
            .body(Blob::new(body))
            .customize()
            .config_override(limits)
            .send()
            .await
            .map_err(failed)?;
        Ok(read(answer.body.map(Blob::into_inner).unwrap_or_default()).await?)
    }

    /// Tries the shapes until the endpoint understands one. Only a request that can't be put in a shape, or was not
    /// understood in it, leads to the next one: a refusal, or a failure, would be met in every shape.
    async fn find_out(&self, request: &GenerationRequest, seed: Seed) -> PortResult<RawPicture> {
        let mut not_understood = None;
        for asked in Shape::TRIED {
            let answer = match Payload::of(asked, request, seed) {
                Ok(payload) => self.ask(payload).await,
                Err(error) => Err(Failed::Form(error)),
            };
            match answer {
                Ok(answer) => return self.confirm(asked, answer, request, seed).await,
                Err(Failed::Form(error)) => not_understood = Some(error),
                Err(Failed::Otherwise(error)) => return Err(error),
            }
        }
        let error = PortError::new(ErrorKind::Invalid, GENERATE, none_understood());
        Err(match not_understood {
            Some(last) => error.with_source(last),
            None => error,
        })
    }

    async fn confirm(
        &self,
        asked: Shape,
        answer: Answer,
        request: &GenerationRequest,
        seed: Seed,
    ) -> PortResult<RawPicture> {
        let shape = asked.confirmed_by(answer.form);
        self.remember(Some(shape));
        if shape.is_asked_like(asked) {
            return Ok(answer.picture);
        }
        let anew = self.ask(Payload::of(shape, request, seed)?).await;
        anew.map(|answer| answer.picture).map_err(Failed::into_error)
    }
}

fn none_understood() -> String {
    let names: Vec<_> = Shape::TRIED.iter().map(|shape| shape.name()).collect();
    format!(
        "the model takes this request in none of the shapes {}; ask for another size or fewer steps, or have its shape \
         and sizes configured",
        names.join(", ")
    )
}
