//! `/jobs`.

use crate::desk::{Desk, ask};
use serde_json::json;

#[tokio::test]
async fn jobs_are_listed_in_pages_that_link_to_the_next() {
    let desk = Desk::open();
    for _ in 0..3 {
        desk.post("/generate", json!({ "prompt": "a cat" })).await;
        desk.memory.clock.pass(std::time::Duration::from_secs(1));
    }
    let first = desk.get("/jobs?limit=2").await;
    let link = first.header("link").to_owned();
    assert_eq!(first.json()["items"].as_array().unwrap().len(), 2);
    let next = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
    let second = desk.get(&format!("/jobs{next}")).await;
    assert_eq!(second.json()["items"].as_array().unwrap().len(), 1);
    assert!(second.json()["next_cursor"].is_null());
    assert_eq!(second.header("link"), "");
}

#[tokio::test]
async fn jobs_are_listed_by_their_status() {
    let desk = Desk::open();
    desk.finished_job().await;
    assert_eq!(desk.get("/jobs?status=succeeded").await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(desk.get("/jobs?status=failed").await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_cursor_of_another_list_is_a_bad_query() {
    let desk = Desk::open();
    for _ in 0..2 {
        desk.post("/generate", json!({ "prompt": "a cat" })).await;
    }
    let cursor = desk.get("/jobs?limit=1").await.json()["next_cursor"].as_str().unwrap().to_owned();
    let answer = desk.get(&format!("/jobs?status=queued&cursor={cursor}")).await;
    assert_eq!((answer.status.as_u16(), answer.pointers()), (400, vec!["/cursor".to_owned()]));
}

#[tokio::test]
async fn a_job_that_was_canceled_can_be_repeated_once() {
    let desk = Desk::open();
    let id = desk.post("/generate", json!({ "prompt": "a cat" })).await.id();
    let early = desk.send(ask("POST", &format!("/jobs/{id}/retry"))).await;
    assert_eq!((early.status.as_u16(), early.problem()), (409, "conflict".to_owned()));
    let canceled = desk.send(ask("POST", &format!("/jobs/{id}/cancel"))).await;
    assert_eq!(canceled.json()["status"], "canceled");
    let first = desk.send(ask("POST", &format!("/jobs/{id}/retry"))).await;
    let second = desk.send(ask("POST", &format!("/jobs/{id}/retry"))).await;
    assert_eq!((first.status.as_u16(), first.json()["retry_of"].as_str()), (202, Some(id.as_str())));
    assert_eq!(first.id(), second.id());
}

#[tokio::test]
async fn a_results_bytes_are_those_the_job_names() {
    let desk = Desk::open();
    let id = desk.finished_job().await;
    let image = desk.get(&format!("/jobs/{id}")).await.json()["images"][0].clone();
    let answer = desk.get(&format!("/jobs/{id}/images/0")).await;
    assert_eq!(answer.header("content-type"), "image/png");
    assert_eq!(answer.header("etag"), format!("\"{}\"", image["sha256"].as_str().unwrap()));
    assert_eq!(answer.body.len() as u64, image["bytes"].as_u64().unwrap());
    assert_eq!(desk.get(&format!("/jobs/{id}/images/1")).await.problem(), "not_found");
}
