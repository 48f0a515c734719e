//! What a crash (kill -9) leaves: everything that was acknowledged.

use crate::jobs::long;
use serde_json::json;
use tintype_tests::{Server, Settings, number, sha256, text};

#[tokio::test]
async fn a_job_that_ran_when_the_process_died_is_drawn_after_the_restart() {
    let server = Server::start(Settings::embedded()).await;
    let client = server.client();
    let job = client.generate(json!({ "prompt": "red heart", "steps": 50 })).await;
    let mut events = client.get(text(&job, "/links/events")).events().await;
    while events.next().await.unwrap().kind != "job.progress" {}
    let server = server.kill().start().await;
    let ended = server.client().ended(text(&job, "/id")).await;
    assert_eq!((text(&ended, "/status"), number(&ended, "/attempts")), ("succeeded", 2));
}

#[tokio::test]
async fn the_events_of_a_job_go_on_without_a_gap() {
    let server = Server::start(Settings::embedded()).await;
    let client = server.client();
    let job = client.generate(json!({ "prompt": "red heart", "steps": 50 })).await;
    let mut events = client.get(text(&job, "/links/events")).events().await;
    while events.next().await.unwrap().kind != "job.progress" {}
    let server = server.kill().start().await;
    let log = server.client().log_of(text(&job, "/id")).await;
    let numbers: Vec<_> = log.iter().map(|event| number(event, "/seq")).collect();
    assert_eq!(numbers, (1..=log.len() as u64).collect::<Vec<_>>());
    assert_eq!(log.iter().filter(|event| event["type"] == "job.running").count(), 2);
}

#[tokio::test]
async fn the_queue_is_kept_and_worked_off() {
    let server = Server::start(Settings::noop().workers(0)).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(text(&server.client().generate(json!({ "prompt": "red heart" })).await, "/id").to_owned());
    }
    let server = server.kill().start_with(Settings::noop()).await;
    for id in &ids {
        assert_eq!(server.client().ended(id).await["status"], "succeeded");
    }
}

#[tokio::test]
async fn saved_pictures_are_kept_with_their_bytes() {
    let server = Server::start(Settings::noop()).await;
    let image = server.client().saved(json!({ "prompt": "red heart" })).await;
    let server = server.kill().start().await;
    let client = server.client();
    let path = format!("/images/{}", text(&image, "/id"));
    assert_eq!(client.get(&path).send().await.expect(200).json(), image);
    let content = client.get(format!("{path}/content")).send().await.expect(200);
    assert_eq!(sha256(&content.body), text(&image, "/sha256"));
}

#[tokio::test]
async fn a_canceled_job_stays_canceled() {
    let server = Server::start(Settings::embedded()).await;
    let client = server.client();
    let job = client.generate(long()).await;
    let mut events = client.get(text(&job, "/links/events")).events().await;
    while events.next().await.unwrap().kind != "job.progress" {}
    let canceled = client.post(text(&job, "/links/cancel")).send().await.expect(200).json();
    let server = server.kill().start().await;
    assert_eq!(server.client().job(text(&job, "/id")).await, canceled);
}

#[tokio::test]
async fn an_idempotency_key_is_remembered() {
    let server = Server::start(Settings::noop()).await;
    let post = |server: &Server| {
        let request = server.client().post("/generate").header("idempotency-key", "k");
        request.json(&json!({ "prompt": "red heart" })).send()
    };
    let first = post(&server).await.expect(202).json();
    let server = server.kill().start().await;
    assert_eq!(post(&server).await.expect(202).json()["id"], first["id"]);
}

#[tokio::test]
async fn a_cursor_still_holds() {
    let server = Server::start(Settings::noop()).await;
    for _ in 0..2 {
        server.client().generate(json!({ "prompt": "red heart" })).await;
    }
    let page = server.client().get("/jobs?limit=1").send().await.expect(200).json();
    let server = server.kill().start().await;
    let path = format!("/jobs?limit=1&cursor={}", text(&page, "/next_cursor"));
    assert_eq!(
        server.client().get(path).send().await.expect(200).json()["items"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused_and_says_what_to_do() {
    let server = Server::start(Settings::noop()).await;
    let (status, said) = server.second_on_the_same_folder().await;
    assert!(!status.success());
    assert!(said.contains("is in use by another tintype") && said.contains("--data"), "{said}");
    server.client().get("/livez").send().await.expect(200);
}
