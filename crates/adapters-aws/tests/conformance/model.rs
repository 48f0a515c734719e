//! A model on an endpoint that answers from what it is asked.

use aws_sdk_sagemakerruntime::{
    Client,
    operation::invoke_endpoint::{InvokeEndpointInput, InvokeEndpointOutput},
    primitives::Blob,
};
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::sync::Arc;
use tintype_aws::{SageMakerModel, SageMakerSettings};
use tintype_core::{
    domain::{GenerateInput, GenerationRequest, ModelCard, OutputFormat, Seed, SourceInput},
    imaging,
    ports::ImageModel,
};
use tintype_testkit::ModelFixture;

/// The model, with a request that it draws and one that it refuses.
pub(crate) fn fixture() -> ModelFixture {
    let name = "sd".parse().expect("a good name");
    let settings = SageMakerSettings::stable_diffusion("pictures", name);
    let model = SageMakerModel::new(endpoint(), settings);
    let card = model.card().clone();
    ModelFixture {
        request: request("red heart", &card),
        refused: Some(request("a forbidden thing", &card)),
        repeatable: true,
        model: Arc::new(model),
    }
}

fn request(prompt: &str, card: &ModelCard) -> GenerationRequest {
    let smallest = Some(card.width.min.into());
    let input = GenerateInput {
        prompt: Some(prompt.to_owned()),
        width: smallest,
        height: smallest,
        ..GenerateInput::default()
    };
    GenerationRequest::resolve(&input, SourceInput::default(), card, Seed(1)).expect("a good request")
}

/// An endpoint of the shape `diffusers` that draws the colour of the seed, and refuses what is forbidden.
fn endpoint() -> Client {
    let drawing = mock!(Client::invoke_endpoint).then_compute_output(|asked: &InvokeEndpointInput| {
        let asked: Value = serde_json::from_slice(asked.body().expect("a body").as_ref()).expect("JSON");
        let answer = answer(&asked);
        InvokeEndpointOutput::builder().body(Blob::new(answer.to_string())).build()
    });
    mock_client!(aws_sdk_sagemakerruntime, RuleMode::MatchAny, &[&drawing])
}

fn answer(asked: &Value) -> Value {
    if asked["prompt"].as_str().is_some_and(|prompt| prompt.contains("forbidden")) {
        return json!({ "artifacts": [{ "finishReason": "CONTENT_FILTERED" }] });
    }
    let number = |field: &str| asked[field].as_u64().and_then(|n| u32::try_from(n).ok()).expect("a number");
    let (width, height) = (number("width"), number("height"));
    let rgb = number("seed").to_be_bytes()[1..].repeat((width * height) as usize);
    let picture = imaging::encode_rgb(width, height, rgb, OutputFormat::Png).expect("a picture");
    json!({ "generated_images": [STANDARD.encode(picture.blob.bytes())] })
}
