//! What clients get wrong, and what they are told.

use crate::desk::{Desk, ask, ask_json, ask_text, with_header};
use axum::{body::Body, http::Request};
use serde_json::{Value, json};

const ID: &str = "0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";

/// Each body of `/generate` with the field that is wrong in it.
fn generate_bodies() -> Vec<(Value, &'static str)> {
    let labels: Value = (0..17).map(|n| (n.to_string(), json!(""))).collect::<serde_json::Map<_, _>>().into();
    let cases = [
        (json!({}), "/prompt"),
        (json!({ "prompt": null }), "/prompt"),
        (json!({ "prompt": "" }), "/prompt"),
        (json!({ "prompt": " \n" }), "/prompt"),
        (json!({ "prompt": 7 }), "/prompt"),
        (json!({ "prompt": ["a"] }), "/prompt"),
        (json!({ "prompt": "a\u{0}b" }), "/prompt"),
        (json!({ "prompt": "a".repeat(2_001) }), "/prompt"),
        (json!({ "prompt": "a".repeat(1_000_000) }), "/prompt"),
        (json!({ "negative_prompt": "a".repeat(2_001) }), "/negative_prompt"),
        (json!({ "width": 0 }), "/width"),
        (json!({ "width": -64 }), "/width"),
        (json!({ "width": 65 }), "/width"),
        (json!({ "width": 64.5 }), "/width"),
        (json!({ "width": "64" }), "/width"),
        (json!({ "height": 1_000_000 }), "/height"),
        (json!({ "steps": 0 }), "/steps"),
        (json!({ "steps": true }), "/steps"),
        (json!({ "guidance_scale": -1 }), "/guidance_scale"),
        (json!({ "guidance_scale": "high" }), "/guidance_scale"),
        (json!({ "seed": -1 }), "/seed"),
        (json!({ "seed": 4_294_967_296_u64 }), "/seed"),
        (json!({ "count": 0 }), "/count"),
        (json!({ "count": 100 }), "/count"),
        (json!({ "model": "../../etc/passwd" }), "/model"),
        (json!({ "scheduler": "magic" }), "/scheduler"),
        (json!({ "output_format": "svg" }), "/output_format"),
        (json!({ "priority": 10 }), "/priority"),
        (json!({ "deadline_s": 0 }), "/deadline_s"),
        (json!({ "strength": 0.5 }), "/strength"),
        (json!({ "init_image": "AAAA" }), "/init_image"),
        (json!({ "init_image": "data:text/html,<b>" }), "/init_image"),
        (json!({ "mask_image": "!" }), "/mask_image"),
        (json!({ "labels": labels }), "/labels"),
        (json!({ "labels": { "": "x" } }), "/labels/"),
        (json!({ "labels": { "a": 1 } }), "/labels/a"),
        (json!({ "labels": [] }), "/labels"),
        (json!({ "promt": "a cat" }), "/promt"),
    ];
    cases.into_iter().collect()
}

/// Each request with the status and the code of its answer.
fn requests() -> Vec<(Request<Body>, u16, &'static str)> {
    let generate = |text: &'static str| ask_text("POST", "/generate", text);
    let plain = with_header(ask("POST", "/generate"), "content-type", "text/plain");
    let keyed = |key: &str| {
        with_header(ask_json("POST", "/generate", &json!({ "prompt": "a" })), "idempotency-key", key)
    };
    vec![
        (generate(""), 400, "bad_json"),
        (generate("{"), 400, "bad_json"),
        (generate("{\"prompt\": \"a\"} x"), 400, "bad_json"),
        (generate("{\"seed\": NaN}"), 400, "bad_json"),
        (generate("{\"seed\": 1e999}"), 400, "bad_json"),
        (ask_text("POST", "/generate", vec![b'{', b'"', 0xff]), 400, "bad_json"),
        (ask_text("POST", "/generate", "[".repeat(100_000)), 422, "invalid"),
        (generate("[\"a cat\"]"), 422, "invalid"),
        (generate("{\"prompt\":\"a\",\"prompt\":\"b\"}"), 422, "invalid"),
        (plain, 415, "unsupported_media_type"),
        (ask("POST", "/generate"), 415, "unsupported_media_type"),
        (
            with_header(generate("{\"prompt\": \"a\"}"), "content-encoding", "gzip"),
            415,
            "unsupported_media_type",
        ),
        (with_header(generate("{"), "content-encoding", "br"), 415, "unsupported_media_type"),
        (ask_text("POST", "/generate", vec![b' '; 30_000_000]), 413, "body_too_large"),
        (ask_text("PATCH", "/images/x", vec![b' '; 65_537]), 413, "body_too_large"),
        (keyed(&"k".repeat(256)), 400, "bad_header"),
        (keyed("two words"), 400, "bad_header"),
        (ask_json("POST", "/generate?dry=true", &json!({})), 400, "bad_query"),
        (ask("GET", "/jobs?limit=0"), 400, "bad_query"),
        (ask("GET", "/jobs?limit=201"), 400, "bad_query"),
        (ask("GET", "/jobs?limit=ten"), 400, "bad_query"),
        (ask("GET", "/jobs?status=lost"), 400, "bad_query"),
        (ask("GET", "/jobs?cursor=zzz"), 400, "bad_query"),
        (ask("GET", "/jobs?limit=1&limit=2"), 400, "bad_query"),
        (ask("GET", "/images?sort=up"), 400, "bad_query"),
        (ask("GET", "/images?width=0"), 400, "bad_query"),
        (ask("GET", "/images/timeline?height=0"), 400, "bad_query"),
        (ask("GET", "/images?trashed=yes"), 400, "bad_query"),
        (ask("GET", "/jobs/7"), 404, "not_found"),
        (ask("GET", "/jobs/..%2f..%2fetc%2fpasswd"), 404, "not_found"),
        (ask("GET", "/jobs/%ff"), 404, "not_found"),
        (ask("GET", &format!("/jobs/{}", ID.to_uppercase())), 404, "not_found"),
        (ask("GET", &format!("/jobs/{ID}")), 404, "not_found"),
        (ask("GET", &format!("/jobs/{ID}/images/-1")), 404, "not_found"),
        (ask("GET", &format!("/jobs/{ID}/events?after=x")), 400, "bad_query"),
        (with_header(ask("GET", &format!("/jobs/{ID}/events")), "last-event-id", "x"), 400, "bad_header"),
        (ask("GET", &format!("/jobs/{ID}/events")), 404, "not_found"),
        (ask("GET", &format!("/images/{ID}")), 404, "not_found"),
        (with_header(ask("DELETE", &format!("/images/{ID}")), "if-match", "v1"), 400, "bad_header"),
        (ask("DELETE", &format!("/images/{ID}?permanent=1")), 400, "bad_query"),
        (ask("GET", "/nothing/here"), 404, "no_such_route"),
        (ask("GET", "/JOBS"), 404, "no_such_route"),
        (ask("PUT", "/jobs"), 405, "method_not_allowed"),
        (ask("BREW", "/generate"), 405, "method_not_allowed"),
        (ask("GET", "/ws"), 426, "upgrade_required"),
        (ask("GET", "/assets/..%2f..%2fCargo.toml"), 404, "not_found"),
        (ask("GET", &format!("/jobs?cursor={}", "x".repeat(9_000))), 414, "uri_too_long"),
        (with_header(ask("GET", "/jobs"), "x-large", &"x".repeat(17_000)), 431, "headers_too_large"),
    ]
}

#[tokio::test]
async fn every_wrong_field_of_a_generation_is_named() {
    let desk = Desk::open();
    for (mut body, pointer) in generate_bodies() {
        if pointer != "/prompt" {
            body["prompt"] = json!("a cat");
        }
        let answer = desk.post("/generate", body.clone()).await;
        let shown: String = body.to_string().chars().take(80).collect();
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (422, "invalid"), "{shown}");
        assert_eq!(answer.pointers(), [pointer], "{shown}");
        assert!(answer.body.len() < 4_000, "a long value is not sent back");
    }
}

#[tokio::test]
async fn all_wrong_fields_are_named_at_once() {
    let desk = Desk::open();
    let answer = desk.post("/generate", json!({ "width": 1, "seed": -1, "count": 0 })).await;
    assert_eq!(answer.pointers(), ["/prompt", "/seed", "/width", "/count"]);
    let mixed = json!({
        "prompt": "a cat", "width": "64", "steps": 100_000, "promt": "a", "init_image": "AAAA", "strength": 0.5,
    });
    let answer = desk.post("/generate", mixed).await;
    assert_eq!(answer.pointers(), ["/promt", "/width", "/init_image", "/steps"]);
    // The ranges are a model's own; without one there is nothing to say of them.
    for model in [json!("nobody"), json!(7)] {
        let answer =
            desk.post("/generate", json!({ "model": model, "prompt": "", "count": true, "steps": 0 })).await;
        let mut pointers = answer.pointers();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/count", "/model", "/prompt"], "{model}");
    }
}

#[tokio::test]
async fn every_wrong_request_has_a_problem_that_says_so() {
    let desk = Desk::open();
    for (request, status, code) in requests() {
        let about: String = format!("{} {}", request.method(), request.uri()).chars().take(100).collect();
        let answer = desk.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (status, code), "{about}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let desk = Desk::open();
    let answer = desk.send(ask("PUT", &format!("/images/{ID}"))).await;
    let mut allowed: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["DELETE", "GET", "HEAD", "PATCH"]);
}

#[tokio::test]
async fn every_wrong_field_of_a_save_and_of_an_edit_is_named() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    for (body, pointer) in [
        (json!({}), "/job_id"),
        (json!({ "job_id": "7" }), "/job_id"),
        (json!({ "job_id": ID, "index": -1 }), "/index"),
        (json!({ "job_id": ID, "image": "AAAA" }), "/image"),
        (json!({ "job_id": ID, "prompt": "a" }), "/prompt"),
        (json!({ "image": "AAAA", "index": 0 }), "/index"),
        (json!({ "image": "AAAA", "prompt": "a".repeat(2_001) }), "/prompt"),
        (json!({ "image": "AAAA", "colour": "red" }), "/colour"),
    ] {
        let answer = desk.post("/save", body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec![pointer.to_owned()]), "{body}");
    }
    for (body, pointer) in [
        (json!({ "title": "a".repeat(201) }), "/title"),
        (json!({ "tags": ["ok", ""] }), "/tags/1"),
        (json!({ "tags": ["ok", 7] }), "/tags/1"),
        (json!({ "rating": 6 }), "/rating"),
        (json!({ "favorite": "yes" }), "/favorite"),
        (json!({ "sha256": "x" }), "/sha256"),
    ] {
        let answer = desk.send(ask_json("PATCH", &format!("/images/{id}"), &body)).await;
        assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec![pointer.to_owned()]), "{body}");
    }
}

#[tokio::test]
async fn a_content_coding_is_refused_with_what_is_taken() {
    let desk = Desk::open();
    let request = || ask_json("POST", "/generate", &json!({ "prompt": "a cat" }));
    let refused = desk.send(with_header(request(), "content-encoding", "gzip")).await;
    assert_eq!((refused.status.as_u16(), refused.header("accept-encoding")), (415, "identity"));
    assert_eq!(desk.send(with_header(request(), "content-encoding", "identity")).await.status, 202);
}

#[tokio::test]
async fn an_image_of_a_job_has_one_path() {
    let desk = Desk::open();
    let id = desk.finished_job().await;
    assert_eq!(desk.get(&format!("/jobs/{id}/images/0")).await.status, 200);
    for alias in ["+0", "00", "-0", "0x0", "%30%30"] {
        let answer = desk.get(&format!("/jobs/{id}/images/{alias}")).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (404, "not_found".to_owned()), "{alias}");
    }
}
