//! Bedrock's image models as they are asked and answer.

use crate::pictures::{kind_of_drawing, pictures, png_of, request};
use crate::replay::{answering, body, playing, silent};
use aws_sdk_bedrockruntime::Client;
use aws_smithy_mocks::{Rule, mock};
use serde_json::{Value, json};
use tintype_aws::{BedrockModel, BedrockSettings};
use tintype_core::ErrorKind;
use tintype_core::domain::GenerationRequest;

const STABILITY: &str = "stability.sd3-5-large-v1:0";
const NOVA: &str = "amazon.nova-canvas-v1:0";
const TITAN: &str = "amazon.titan-image-generator-v2:0";

fn model(client: Client, model_id: &str) -> BedrockModel {
    let name = "pictures".parse().expect("a good name");
    BedrockModel::new(client, BedrockSettings::new(model_id, name).expect("a known model"))
}

fn square(side: u32) -> GenerationRequest {
    GenerationRequest { width: side, height: side, ..request(1) }
}

/// A model that is asked with this body and gives this answer.
fn asked_and_answering(model_id: &'static str, asked: Value, answer: &Value) -> Rule {
    mock!(Client::invoke_model)
        .match_requests(move |request| {
            let sent: Value = request
                .body()
                .map(|body| serde_json::from_slice(body.as_ref()).expect("JSON"))
                .unwrap_or_default();
            assert_eq!(sent, asked);
            request.model_id() == Some(model_id)
        })
        .sequence()
        .http_status(200, body(answer))
        .build()
}

fn text_image(side: u32) -> Value {
    json!({
        "taskType": "TEXT_IMAGE",
        "textToImageParams": { "text": "red heart", "negativeText": "blur" },
        "imageGenerationConfig": {
            "numberOfImages": 1, "quality": "standard", "width": side, "height": side, "cfgScale": 2.5, "seed": 7
        },
    })
}

#[tokio::test]
async fn every_family_is_asked_and_answers_in_its_own_words() {
    let stability = json!({
        "prompt": "red heart", "negative_prompt": "blur", "seed": 7, "aspect_ratio": "1:1",
        "output_format": "png", "mode": "text-to-image"
    });
    let picture = png_of(512, 512);
    let of_stability = json!({ "seeds": [7], "finish_reasons": [null], "images": [picture] });
    let of_amazon = json!({ "images": [picture], "error": null });
    for (id, asked, answer) in [
        (STABILITY, stability, &of_stability),
        (NOVA, text_image(512), &of_amazon),
        (TITAN, text_image(512), &of_amazon),
    ] {
        let client = playing!(aws_sdk_bedrockruntime, asked_and_answering(id, asked, answer));
        let drawn = pictures(&model(client, id), &square(512)).await.expect("draws");
        assert_eq!((drawn.len(), drawn[0].width, drawn[0].height), (1, 512, 512), "{id}");
    }
}

#[tokio::test]
async fn what_a_card_can_not_say_is_refused_before_the_call() {
    let long = GenerationRequest { prompt: "x".repeat(1_025).try_into().expect("a prompt"), ..square(512) };
    let size = |width, height| GenerationRequest { width, height, ..request(1) };
    for (id, request, says) in [
        (STABILITY, size(1024, 512), "16:9"),
        (NOVA, size(2048, 2048), "4194304"),
        (NOVA, size(2048, 320), "4 times"),
        (NOVA, long.clone(), "1024 at the most"),
        (TITAN, size(1024, 512), "768 x 1152"),
        (TITAN, long, "512 at the most"),
    ] {
        let error = pictures(&model(silent!(aws_sdk_bedrockruntime), id), &request).await;
        let error = error.expect_err("must fail");
        assert_eq!(error.kind(), ErrorKind::Invalid, "{id}");
        assert!(error.message().contains(says), "{id}: {error}");
    }
}

#[tokio::test]
async fn a_picture_that_was_kept_back_is_rejected() {
    for (id, answer) in [
        (STABILITY, json!({ "finish_reasons": ["Filter reason: prompt"] })),
        (
            STABILITY,
            json!({ "seeds": [7], "finish_reasons": ["Filter reason: output image"], "images": [""] }),
        ),
        (NOVA, json!({ "images": [], "error": "All images have been blocked" })),
        (TITAN, json!({ "images": null, "error": "All images have been blocked" })),
    ] {
        let answered = answering!(Client::invoke_model, (200, body(&answer)));
        let client = playing!(aws_sdk_bedrockruntime, answered);
        assert_eq!(kind_of_drawing(&model(client, id), &square(512)).await, ErrorKind::Rejected, "{answer}");
    }
}

#[tokio::test]
async fn the_failures_of_a_call_have_the_kind_their_caller_acts_on() {
    for (status, code, words, kind) in [
        (429, "ThrottlingException", "", ErrorKind::Throttled),
        (400, "ServiceQuotaExceededException", "", ErrorKind::Throttled),
        (429, "ModelNotReadyException", "", ErrorKind::Unavailable),
        (408, "ModelTimeoutException", "", ErrorKind::Unavailable),
        (424, "ModelErrorException", "", ErrorKind::Unavailable),
        (500, "InternalServerException", "", ErrorKind::Unavailable),
        (503, "ServiceUnavailableException", "", ErrorKind::Unavailable),
        (400, "ValidationException", "blocked by our content filters", ErrorKind::Rejected),
        (400, "ValidationException", "Malformed input request", ErrorKind::Invalid),
        (403, "AccessDeniedException", "", ErrorKind::Denied),
        (404, "ResourceNotFoundException", "", ErrorKind::Denied),
        (400, "NobodyMappedThis", "", ErrorKind::Internal),
        (500, "NobodyMappedThis", "", ErrorKind::Unavailable),
    ] {
        let error = json!({ "__type": code, "message": words });
        let client =
            playing!(aws_sdk_bedrockruntime, answering!(Client::invoke_model, (status, body(&error))));
        let found = kind_of_drawing(&model(client, NOVA), &square(512)).await;
        assert_eq!(found, kind, "{status} {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_unavailable() {
    let found = kind_of_drawing(&model(silent!(aws_sdk_bedrockruntime), NOVA), &square(512)).await;
    assert_eq!(found, ErrorKind::Unavailable);
}
