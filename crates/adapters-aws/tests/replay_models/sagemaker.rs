//! SageMaker's endpoints as they are asked and answer, shape by shape.

use crate::pictures::{kind_of_drawing, pictures, png_of, request};
use crate::replay::{answering, body, playing, silent};
use aws_sdk_sagemakerruntime::Client;
use aws_smithy_mocks::{Rule, mock};
use serde_json::{Value, json};
use tintype_aws::{SageMakerModel, SageMakerSettings};
use tintype_core::ErrorKind;
use tintype_core::domain::GenerationRequest;

fn model(client: Client, shape: &str) -> SageMakerModel {
    let name = "sd".parse().expect("a good name");
    let mut settings = SageMakerSettings::stable_diffusion("pictures", name);
    settings.shape = shape.parse().expect("a shape");
    SageMakerModel::new(client, settings)
}

/// An endpoint that is asked with this body and gives this answer.
fn asked_and_answering(content_type: &'static str, asked: &str, answer: &Value) -> Rule {
    let asked = asked.to_owned();
    mock!(Client::invoke_endpoint)
        .match_requests(move |request| {
            let sent = request.body().map(|body| String::from_utf8_lossy(body.as_ref()).into_owned());
            let same = sent.as_deref() == Some(&asked);
            assert!(same, "asked {sent:?}\nwanted {asked}");
            request.endpoint_name() == Some("pictures") && request.content_type() == Some(content_type)
        })
        .sequence()
        .http_status(200, body(answer))
        .build()
}

fn failing(status: u16, code: &str, original: u16, words: &str) -> Rule {
    let error = json!({
        "__type": code,
        "Message": "Received an error from primary",
        "OriginalStatusCode": original,
        "OriginalMessage": words,
    });
    answering!(Client::invoke_endpoint, (status, body(&error)))
}

/// A picture of 64 x 64 as nested numbers.
fn numbers() -> Value {
    json!(vec![vec![[200, 10, 10]; 64]; 64])
}

async fn draws(shape: &str, rule: &Rule, request: &GenerationRequest) {
    let drawn = pictures(&model(playing!(aws_sdk_sagemakerruntime, *rule), shape), request).await;
    let drawn = drawn.expect("draws");
    assert_eq!(drawn.len(), 1);
    assert_eq!((drawn[0].width, drawn[0].height, drawn[0].seed), (64, 64, request.seed));
}

const DIFFUSERS: &str = r#"{"prompt":"red heart","negative_prompt":"blur","width":64,"height":64,"num_images_per_prompt":1,"num_inference_steps":4,"guidance_scale":2.5,"seed":7}"#;
const STABILITY_V1: &str = r#"{"text_prompts":[{"text":"red heart","weight":1.0},{"text":"blur","weight":-1.0}],"width":64,"height":64,"sampler":"ddim","cfg_scale":2.5,"steps":4,"seed":7}"#;
const STABILITY_V3: &str = r#"{"prompt":"red heart","negative_prompt":"blur","seed":7,"aspect_ratio":"1:1","output_format":"png","mode":"text-to-image"}"#;

#[tokio::test]
async fn every_shape_is_asked_and_answers_in_its_own_words() {
    let picture = png_of(64, 64);
    let json = "application/json";
    for (shape, content_type, asked, answer) in [
        (
            "text",
            "application/x-text",
            "red heart",
            json!({ "generated_image": numbers(), "prompt": "red heart" }),
        ),
        ("diffusers", json, DIFFUSERS, json!({ "generated_images": [numbers()], "prompt": "red heart" })),
        ("diffusers", json, DIFFUSERS, json!({ "generated_images": [picture], "prompt": "red heart" })),
        ("stability-v1", json, STABILITY_V1, json!({ "generated_image": picture })),
        (
            "artifacts",
            json,
            STABILITY_V1,
            json!({ "artifacts": [{ "base64": picture, "seed": 7, "finishReason": "SUCCESS" }] }),
        ),
        ("stability-v3", json, STABILITY_V3, json!({ "body": { "images": [picture] } })),
        ("stability-v3", json, STABILITY_V3, json!({ "images": [picture], "finish_reasons": [null] })),
    ] {
        draws(shape, &asked_and_answering(content_type, asked, &answer), &request(1)).await;
    }
}

#[tokio::test]
async fn every_picture_is_a_call_with_a_seed_of_its_own() {
    let answer = json!({ "generated_images": [png_of(64, 64)] });
    let calls = [7, 8, 9].map(|seed| {
        let asked = DIFFUSERS.replace("\"seed\":7", &format!("\"seed\":{seed}"));
        asked_and_answering("application/json", &asked, &answer)
    });
    let [one, two, three] = &calls;
    let client = playing!(aws_sdk_sagemakerruntime, *one, *two, *three);
    let drawn = pictures(&model(client, "diffusers"), &request(3)).await.expect("draws");
    assert_eq!(
        drawn.iter().map(|image| (image.index, image.seed.0)).collect::<Vec<_>>(),
        [(0, 7), (1, 8), (2, 9)]
    );
}

#[tokio::test]
async fn a_shape_that_is_not_understood_leads_to_the_next_one_which_is_remembered() {
    let answer = json!({ "artifacts": [{ "base64": png_of(64, 64), "finishReason": "SUCCESS" }] });
    let understood = || asked_and_answering("application/json", STABILITY_V1, &answer);
    let client = playing!(
        aws_sdk_sagemakerruntime,
        failing(424, "ModelError", 400, "text_prompts is required"),
        failing(424, "ModelError", 500, "KeyError: 'text_prompts'"),
        understood(),
        understood()
    );
    let model = model(client, "auto");
    for _ in 0..2 {
        assert_eq!(pictures(&model, &request(1)).await.expect("draws").len(), 1);
    }
}

#[tokio::test]
async fn an_answer_in_another_shapes_form_has_that_shape_asked_anew() {
    let answer = json!({ "body": { "images": [png_of(64, 64)] } });
    let client = playing!(
        aws_sdk_sagemakerruntime,
        asked_and_answering("application/json", DIFFUSERS, &answer),
        asked_and_answering("application/json", STABILITY_V3, &answer)
    );
    assert_eq!(pictures(&model(client, "auto"), &request(1)).await.expect("draws").len(), 1);
}

#[tokio::test]
async fn a_refusal_is_not_tried_in_other_shapes() {
    let refused = failing(424, "ModelError", 400, "{\"name\": \"content_moderation\"}");
    let client = playing!(aws_sdk_sagemakerruntime, refused);
    assert_eq!(kind_of_drawing(&model(client, "auto"), &request(1)).await, ErrorKind::Rejected);
}

#[tokio::test]
async fn an_endpoint_that_understands_no_shape_says_which_were_tried() {
    let not = || failing(424, "ModelError", 422, "no");
    let client = playing!(aws_sdk_sagemakerruntime, not(), not(), not(), not());
    let error = pictures(&model(client, "auto"), &request(1)).await.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("diffusers, stability-v3, stability-v1, text"), "{error}");
}

#[tokio::test]
async fn the_failures_of_a_call_have_the_kind_their_caller_acts_on() {
    for (status, code, original, kind) in [
        (424, "ModelError", 400, ErrorKind::Invalid),
        (424, "ModelError", 403, ErrorKind::Denied),
        (424, "ModelError", 413, ErrorKind::Invalid),
        (424, "ModelError", 429, ErrorKind::Throttled),
        (424, "ModelError", 500, ErrorKind::Unavailable),
        (424, "ModelError", 504, ErrorKind::Unavailable),
        (429, "ModelNotReadyException", 0, ErrorKind::Unavailable),
        (400, "ThrottlingException", 0, ErrorKind::Throttled),
        (400, "ValidationError", 0, ErrorKind::Denied),
        (403, "AccessDeniedException", 0, ErrorKind::Denied),
        (503, "ServiceUnavailable", 0, ErrorKind::Unavailable),
        (530, "InternalDependencyException", 0, ErrorKind::Unavailable),
        (500, "NobodyMappedThis", 0, ErrorKind::Unavailable),
        (400, "NobodyMappedThis", 0, ErrorKind::Internal),
    ] {
        let client = playing!(aws_sdk_sagemakerruntime, failing(status, code, original, "no"));
        let found = kind_of_drawing(&model(client, "diffusers"), &request(1)).await;
        assert_eq!(found, kind, "{status} {code} {original}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_unavailable_and_says_what_to_do() {
    let error = pictures(&model(silent!(aws_sdk_sagemakerruntime), "diffusers"), &request(1)).await;
    let error = error.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("fewer steps"), "{error}");
}

#[tokio::test]
async fn an_answer_without_a_picture_has_the_kind_its_caller_acts_on() {
    for (answer, kind) in [
        (
            json!({ "artifacts": [{ "base64": png_of(64, 64), "finishReason": "CONTENT_FILTERED" }] }),
            ErrorKind::Rejected,
        ),
        (json!({ "finish_reasons": ["Filter reason: prompt"] }), ErrorKind::Rejected),
        (json!({ "generated_images": [vec![vec![[1, 2, 3]; 128]; 64]] }), ErrorKind::Data),
        (json!("body"), ErrorKind::Data),
    ] {
        let answered = answering!(Client::invoke_endpoint, (200, body(&answer)));
        let client = playing!(aws_sdk_sagemakerruntime, answered);
        assert_eq!(kind_of_drawing(&model(client, "diffusers"), &request(1)).await, kind, "{answer}");
    }
}
