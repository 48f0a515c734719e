//! An [`ImageModel`] on Amazon Bedrock: Stability's and Amazon's text-to-image models.

mod amazon;
mod family;

use super::error::failed;
use super::nested_pixels::RawPicture;
use super::one_by_one::{OnePicture, no_retries, one_by_one, read, time_limits};
use async_trait::async_trait;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::Config;
use aws_sdk_bedrockruntime::primitives::Blob;
use family::Family;
pub use family::UnknownModel;
use std::sync::Arc;
use tintype_core::PortResult;
use tintype_core::domain::{GenerationRequest, ModelCard, ModelName, Seed};
use tintype_core::ports::{Drawn, ImageModel, SourceBytes};

/// A model on Bedrock, and what it can do.
#[derive(Clone, Debug)]
pub struct BedrockSettings {
    model_id: String,
    family: Family,
    card: ModelCard,
}

impl BedrockSettings {
    /// The model `model_id`, such as `stability.sd3-5-large-v1:0`, or an inference profile that ends so; `name` is its
    /// name in requests. Its card follows from the id.
    ///
    /// # Errors
    /// The ids that are known, if this is none.
    pub fn new(model_id: impl Into<String>, name: ModelName) -> Result<Self, UnknownModel> {
        let model_id = model_id.into();
        let family = Family::of(&model_id)?;
        Ok(Self { card: family.card(name), model_id, family })
    }

    /// What the model can do.
    pub const fn card(&self) -> &ModelCard {
        &self.card
    }
}

/// Draws with a model on Bedrock, one picture per call.
#[derive(Clone, Debug)]
pub struct BedrockModel {
    card: Arc<ModelCard>,
    artist: Arc<Artist>,
}

#[derive(Debug)]
struct Artist {
    client: Client,
    model_id: String,
    family: Family,
}

impl BedrockModel {
    /// The model of these settings. Its calls have time limits of their own, whatever the client's are, and are not
    /// repeated by the SDK.
    pub fn new(client: Client, settings: BedrockSettings) -> Self {
        let BedrockSettings { model_id, family, card } = settings;
        Self { card: Arc::new(card), artist: Arc::new(Artist { client, model_id, family }) }
    }
}

#[async_trait]
impl ImageModel for BedrockModel {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    async fn generate(&self, request: &GenerationRequest, _: Option<SourceBytes>) -> PortResult<Drawn> {
        Ok(one_by_one(self.artist.clone(), request.clone()))
    }
}

#[async_trait]
impl OnePicture for Artist {
    async fn draw(&self, request: &GenerationRequest, seed: Seed) -> PortResult<RawPicture> {
        let body = self.family.body(request, seed)?;
        let limits = Config::builder().timeout_config(time_limits()).retry_config(no_retries());
        let answer = self
            .client
            .invoke_model()
            .model_id(&self.model_id)
            .content_type("application/json")
            .accept("application/json")
            .body(Blob::new(body))
            .customize()
            .config_override(limits)
            .send()
            .await
            .map_err(|error| failed(error).into_error())?;
        Ok(read(answer.body.into_inner()).await?.picture)
    }
}
