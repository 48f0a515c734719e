//! `/save` and `/images`: the records.

use crate::desk::{Answer, Desk, ask, ask_json, with_header};
use axum::http::Request;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tintype_core::{domain::OutputFormat, imaging};

fn picture() -> String {
    let pixels = [200, 10, 10].repeat(64);
    STANDARD.encode(imaging::encode_rgb(8, 8, pixels, OutputFormat::Png).unwrap().blob.bytes())
}

async fn edit(desk: &Desk, id: &str, tag: &str, body: Value) -> Answer {
    let mut request = ask_json("PATCH", &format!("/images/{id}"), &body);
    if !tag.is_empty() {
        request = with_header(request, "if-match", tag);
    }
    desk.send(request).await
}

#[tokio::test]
async fn a_result_is_saved_once() {
    let desk = Desk::open();
    let job = desk.finished_job().await;
    let save = json!({ "job_id": job, "index": 0, "title": "Cat", "tags": ["b", "a"] });
    let (first, second) = (desk.post("/save", save.clone()).await, desk.post("/save", save).await);
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 200));
    assert_eq!(first.id(), second.id());
    assert_eq!(first.header("location"), format!("/images/{}", first.id()));
    assert_eq!(first.header("etag"), "\"v1\"");
    assert_eq!((&first.json()["title"], &first.json()["tags"]), (&json!("Cat"), &json!(["a", "b"])));
}

#[tokio::test]
async fn an_upload_is_saved_with_its_prompt() {
    let desk = Desk::open();
    for image in [picture(), format!("data:image/png;base64,{}", picture())] {
        let answer = desk.post("/save", json!({ "image": image, "prompt": "red" })).await;
        assert!(answer.status.is_success(), "{answer:?}");
        assert_eq!((&answer.json()["prompt"], &answer.json()["width"]), (&json!("red"), &json!(8)));
    }
}

#[tokio::test]
async fn a_change_is_for_the_version_it_names() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    let changed = edit(&desk, &id, "\"v1\"", json!({ "rating": 5 })).await;
    assert_eq!((changed.status.as_u16(), changed.header("etag")), (200, "\"v2\""));
    let stale = edit(&desk, &id, "\"v1\"", json!({ "rating": 1 })).await;
    assert_eq!((stale.status.as_u16(), stale.problem()), (412, "stale".to_owned()));
    assert_eq!(stale.header("etag"), "\"v2\"");
    assert_eq!(edit(&desk, &id, "", json!({ "rating": null })).await.json()["rating"], Value::Null);
}

#[tokio::test]
async fn of_several_versions_any_will_do_and_a_foreign_tag_matches_none() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    let of_a_list = edit(&desk, &id, "\"abc\", \"v1\"", json!({ "rating": 5 })).await;
    assert_eq!((of_a_list.status.as_u16(), of_a_list.header("etag")), (200, "\"v2\""));
    for foreign in ["\"abc\"", "W/\"v2\"", "\"v7\", \"v8\""] {
        let answer = edit(&desk, &id, foreign, json!({ "rating": 1 })).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (412, "stale".to_owned()), "{foreign}");
        assert_eq!(answer.header("etag"), "\"v2\"");
    }
    let trash = with_header(ask("DELETE", &format!("/images/{id}")), "if-match", "\"v1\", \"v2\"");
    assert_eq!(desk.send(trash).await.status, 200);
}

#[tokio::test]
async fn who_has_an_image_is_not_sent_it_again() {
    let desk = Desk::open();
    let path = format!("/images/{}", desk.saved_image().await);
    let tag = desk.get(&path).await.header("etag").to_owned();
    let answer = desk.send(with_header(ask("GET", &path), "if-none-match", &tag)).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (304, 0));
}

#[tokio::test]
async fn an_image_goes_to_the_trash_and_back_and_away() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    let path = format!("/images/{id}");
    let listed = async |query: &str| desk.get(&format!("/images{query}")).await.json()["items"].clone();
    let trashed = desk.send(ask("DELETE", &path)).await;
    assert!(trashed.json()["trashed_at"].is_string());
    assert_eq!(listed("").await, json!([]));
    assert_eq!(listed("?trashed=true").await[0]["id"], id);
    let restored = desk.send(ask("POST", &format!("{path}/restore"))).await;
    assert!(restored.json()["trashed_at"].is_null());
    let erased = desk.send(ask("DELETE", &format!("{path}?permanent=true"))).await;
    assert_eq!((erased.status.as_u16(), erased.body.len()), (204, 0));
    assert_eq!(desk.get(&path).await.problem(), "not_found");
}

#[tokio::test]
async fn a_filter_finds_what_is_all_of_it() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    edit(&desk, &id, "\"v1\"", json!({ "title": "Over the sea", "tags": ["blue sky"], "rating": 4 })).await;
    let found = async |query: &str| {
        desk.get(&format!("/images?{query}")).await.json()["items"].as_array().unwrap().len()
    };
    for query in [
        "q=sea",
        "q=%22over+the%22+se*",
        "tag=Blue+Sky",
        "rating=3",
        "favorite=false",
        "from=2020-01-01",
        "q=sea&tag=blue+sky&rating=4&sort=best",
        "to=2999-01-01T00:00:00Z",
    ] {
        assert_eq!(found(query).await, 1, "{query}");
    }
    for query in [
        "q=seas",
        "q=%22the+over%22",
        "tag=blue",
        "tag=blue+sky&tag=sea",
        "rating=5",
        "favorite=true",
        "to=1999-01-01",
    ] {
        assert_eq!(found(query).await, 0, "{query}");
    }
}

#[tokio::test]
async fn a_filter_that_can_not_be_understood_is_refused_by_name() {
    let desk = Desk::open();
    for wrong in [
        "q=",
        "q=%21",
        "favorite=x",
        "rating=0",
        "rating=6",
        "model=%20",
        "width=wide",
        "seed=-1",
        "from=x",
        "to=yesterday",
        "collection=x",
        "q=a&q=b",
    ] {
        let answer = desk.get(&format!("/images?{wrong}")).await;
        let name = wrong.split('=').next().unwrap();
        assert_eq!(
            (answer.problem(), answer.pointers()),
            ("bad_query".to_owned(), vec![format!("/{name}")]),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn the_link_to_the_next_page_repeats_the_filter() {
    let desk = Desk::open();
    for n in 0..2 {
        let picture = imaging::encode_rgb(1, 1, vec![n, 0, 0], OutputFormat::Png).unwrap();
        let image = STANDARD.encode(picture.blob.bytes());
        desk.post("/save", json!({ "image": image, "prompt": "red heart" })).await;
    }
    let first = desk.get("/images?limit=1&sort=oldest&q=red&favorite=false").await;
    let link = first.header("link").to_owned();
    let next = link.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned();
    let second = desk.get(&format!("/images{next}")).await;
    assert_eq!(second.json()["items"].as_array().unwrap().len(), 1);
    assert_ne!(second.json()["items"][0]["id"], first.json()["items"][0]["id"]);
    let elsewhere = next.replace("q=red", "q=heart");
    assert_eq!(desk.get(&format!("/images{elsewhere}")).await.problem(), "bad_query");
}

#[tokio::test]
async fn a_picture_that_is_none_is_named() {
    let desk = Desk::open();
    let svg = STANDARD.encode("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>");
    for (image, code) in
        [(svg.as_str(), "unsupported_format"), ("@@", "bad_base64"), ("data:x", "bad_data_url")]
    {
        let answer = desk.post("/save", json!({ "image": image })).await;
        assert_eq!(answer.status, 422);
        assert_eq!(
            answer.json()["errors"][0],
            json!({
                "pointer": "/image", "code": code, "detail": answer.json()["errors"][0]["detail"],
            })
        );
    }
}

#[tokio::test]
async fn a_head_request_has_the_headers_of_a_get() {
    let desk = Desk::open();
    let path = format!("/images/{}", desk.saved_image().await);
    let (get, head) = (desk.get(&path).await, desk.send(ask("HEAD", &path)).await);
    assert_eq!(head.header("etag"), get.header("etag"));
    assert!(head.body.is_empty());
    let missing: Request<_> = ask("HEAD", "/nothing");
    assert!(desk.send(missing).await.body.is_empty());
}

#[tokio::test]
async fn every_field_of_the_wrong_type_is_named_at_once() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    let wrong = json!({ "title": 7, "favorite": "yes", "rating": "best", "colour": "red", "note": "fine" });
    for (method, path) in [("POST", "/save".to_owned()), ("PATCH", format!("/images/{id}"))] {
        let answer = desk.send(ask_json(method, &path, &wrong)).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (422, "invalid".to_owned()), "{method}");
        assert_eq!(answer.pointers(), ["/colour", "/favorite", "/rating", "/title"], "{method}");
    }
}
