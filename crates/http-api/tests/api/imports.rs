//! `POST /save` of a picture that was kept elsewhere before: with everything it was made with, and merged where it is
//! there already.

use crate::desk::{Answer, Desk};
use axum::http::StatusCode;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::time::Duration;
use tintype_core::{
    domain::{Clock, OutputFormat},
    imaging,
};

fn picture(shade: u8) -> String {
    let picture = imaging::encode_rgb(2, 2, vec![shade; 12], OutputFormat::Png).unwrap();
    STANDARD.encode(picture.blob.bytes())
}

fn request() -> Value {
    json!({
        "prompt": "a fox", "negative_prompt": "fog", "width": 512, "height": 640, "steps": 20, "guidance_scale": 7.5,
        "seed": 42, "count": 4, "model": "a-model-that-no-server-here-has", "scheduler": "DPM++ 2M Karras",
        "output_format": "png", "priority": 5, "deadline_s": 60, "labels": { "from": "elsewhere" },
    })
}

/// Saves the picture of this shade with these fields.
async fn save(desk: &Desk, shade: u8, fields: Value) -> Answer {
    let mut body = json!({ "image": picture(shade) });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    desk.post("/save", body).await
}

#[tokio::test]
async fn an_upload_keeps_what_it_was_made_with_and_when_it_was_saved() {
    let desk = Desk::open();
    let parent = desk.saved_image().await;
    let parent = json!({ "id": parent, "relation": "remix" });
    let fields = json!({
        "request": request(), "seed": 44, "saved_at": "2021-03-04T05:06:07.089Z", "parent": parent, "tags": ["fox"],
    });
    let answer = save(&desk, 1, fields).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let image = answer.json();
    assert_eq!((&image["request"], &image["seed"]), (&request(), &json!(44)));
    assert_eq!((&image["prompt"], &image["saved_at"]), (&json!("a fox"), &json!("2021-03-04T05:06:07.089Z")));
    assert_eq!((&image["parent"], &image["job_id"]), (&parent, &Value::Null));
    // It is found by what it was made with, and stands at its time.
    let found = desk.get("/images?model=a-model-that-no-server-here-has&seed=44&to=2022-01-01").await.json();
    assert_eq!(found["items"][0]["id"], image["id"]);
    let oldest = desk.get("/images?sort=oldest").await.json();
    assert_eq!(oldest["items"][0]["id"], image["id"]);
}

#[tokio::test]
async fn an_upload_from_a_clock_that_is_a_little_ahead_was_saved_now() {
    let desk = Desk::open();
    let now = desk.memory.clock.now();
    let ahead = |minutes: u64| json!({ "saved_at": now.after(Duration::from_secs(60 * minutes)) });
    let answer = save(&desk, 1, ahead(4)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    assert_eq!(answer.json()["saved_at"], json!(now));
    assert_eq!(save(&desk, 2, ahead(6)).await.pointers(), ["/saved_at"]);
}

#[tokio::test]
async fn an_upload_s_seed_and_prompt_are_its_request_s_where_none_are_given() {
    let desk = Desk::open();
    let image = save(&desk, 1, json!({ "request": request() })).await.json();
    assert_eq!((&image["seed"], &image["prompt"]), (&json!(42), &json!("a fox")));
}

#[tokio::test]
async fn what_no_upload_can_come_from_is_named() {
    let desk = Desk::open();
    let with = |name: &str, value: Value| {
        let mut request = request();
        request[name] = value;
        json!({ "request": request })
    };
    for (fields, pointer) in [
        (json!({ "saved_at": "2999-01-01T00:00:00Z" }), "/saved_at"),
        (json!({ "saved_at": "1969-12-31T23:59:59Z" }), "/saved_at"),
        (json!({ "saved_at": "yesterday" }), "/saved_at"),
        (json!({ "seed": -1 }), "/seed"),
        (with("width", json!(0)), "/request/width"),
        (with("height", json!(4_097)), "/request/height"),
        (with("steps", json!(501)), "/request/steps"),
        (with("count", json!(17)), "/request/count"),
        (with("deadline_s", json!(0)), "/request/deadline_s"),
        (with("scheduler", json!("")), "/request/scheduler"),
        (with("scheduler", json!("a".repeat(65))), "/request/scheduler"),
        (with("prompt", json!("a".repeat(2_001))), "/request/prompt"),
        (with("guidance_scale", json!(51)), "/request/guidance_scale"),
        (with("labels", json!({ "": "x" })), "/request/labels/"),
        (
            json!({ "parent": { "id": "019b2c5e-6f3a-7c11-9d53-0c8a4e1f2b77", "relation": "remix" } }),
            "/parent/id",
        ),
    ] {
        let answer = save(&desk, 1, fields.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec![pointer.to_owned()]), "{fields}");
    }
    assert_eq!(desk.get("/images").await.json()["items"], json!([]));
}

#[tokio::test]
async fn what_is_known_from_a_job_can_not_be_told() {
    let desk = Desk::open();
    let job = desk.finished_job().await;
    for (name, value) in
        [("request", request()), ("seed", json!(1)), ("saved_at", json!("2021-01-01T00:00:00Z"))]
    {
        let answer = desk.post("/save", json!({ "job_id": job, name: value })).await;
        assert_eq!(answer.pointers(), [format!("/{name}")]);
    }
}

#[tokio::test]
async fn merging_adds_to_a_picture_that_is_there_and_replaces_nothing() {
    let desk = Desk::open();
    let mine = json!({
        "title": "mine", "note": "first", "tags": ["Sea"], "rating": 2, "labels": { "a": "1", "b": "1" },
    });
    let first = save(&desk, 1, mine).await.json();
    let collection = desk.post("/collections", json!({ "name": "foxes" })).await.id();
    let more = json!({
        "merge": true, "title": "theirs", "note": "second", "tags": ["sea", "fox"], "rating": 5, "favorite": true,
        "labels": { "b": "2", "c": "2" }, "collections": [collection], "request": request(),
        "saved_at": "2021-01-01T00:00:00Z",
    });
    let answer = save(&desk, 1, more.clone()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let merged = answer.json();
    for (name, value) in [
        ("id", first["id"].clone()),
        ("saved_at", first["saved_at"].clone()),
        ("title", json!("mine")),
        ("note", json!("first\n\nsecond")),
        ("tags", json!(["Sea", "fox"])),
        ("rating", json!(2)),
        ("favorite", json!(true)),
        ("labels", json!({ "a": "1", "b": "1", "c": "2" })),
        ("collections", json!([collection])),
        ("request", request()),
        ("prompt", json!("a fox")),
        ("seed", json!(42)),
        ("version", json!(2)),
    ] {
        assert_eq!(merged[name], value, "{name}");
    }
    // The same again is nothing new; and what it was made with is not told a second time.
    assert_eq!(save(&desk, 1, more).await.json(), merged);
    let other = json!({ "merge": true, "prompt": "another", "favorite": false });
    assert_eq!(save(&desk, 1, other).await.json(), merged);
}

#[tokio::test]
async fn merging_takes_a_picture_out_of_the_trash() {
    let desk = Desk::open();
    let id = save(&desk, 1, json!({ "tags": ["a"] })).await.id();
    desk.send(crate::desk::ask("DELETE", &format!("/images/{id}"))).await;
    let merged = save(&desk, 1, json!({ "merge": true, "tags": ["b"] })).await.json();
    assert_eq!((&merged["id"], &merged["tags"]), (&json!(id), &json!(["a", "b"])));
    assert!(merged.get("trashed_at").is_none());
}
