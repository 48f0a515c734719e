//! `POST /generate`.

use crate::desk::{Desk, ask_json, with_header};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_request_is_accepted_and_can_be_looked_at() {
    let desk = Desk::open();
    let answer = desk.post("/generate", json!({ "prompt": "a cat", "seed": 7 })).await;
    assert_eq!(answer.status, 202);
    let job = answer.json();
    assert_eq!((&job["status"], &job["request"]["seed"]), (&json!("queued"), &json!(7)));
    assert_eq!(answer.header("location"), format!("/jobs/{}", answer.id()));
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(desk.get(answer.header("location")).await.json()["id"], job["id"]);
}

#[tokio::test]
async fn the_same_idempotency_key_gives_the_same_job() {
    let desk = Desk::open();
    let ask = |prompt: &str| {
        let request = ask_json("POST", "/generate", &json!({ "prompt": prompt }));
        desk.send(with_header(request, "idempotency-key", "once"))
    };
    let (first, second) = (ask("a cat").await, ask("a cat").await);
    assert_eq!(first.id(), second.id());
    assert_eq!(second.header("idempotency-replayed"), "true");
    let other = ask("a dog").await;
    assert_eq!((other.status.as_u16(), other.problem()), (422, "idempotency_key_reused".to_owned()));
}

#[tokio::test]
async fn who_prefers_to_wait_gets_the_finished_job() {
    let desk = Desk::open();
    let request = ask_json("POST", "/generate", &json!({ "prompt": "a cat" }));
    let asking = desk.send(with_header(request, "prefer", "wait=20"));
    let running = async {
        while desk.memory.workflow.run_next(&desk.ports, &desk.memory.clock).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (answer, ()) = tokio::join!(asking, running);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["status"], "succeeded");
    assert_eq!(answer.header("preference-applied"), "wait=20");
}

#[tokio::test]
async fn who_waited_long_enough_gets_the_job_as_it_is() {
    let desk = Desk::open();
    let request = ask_json("POST", "/generate", &json!({ "prompt": "a cat" }));
    let answer = desk.send(with_header(request, "prefer", "wait=1")).await;
    assert_eq!((answer.status.as_u16(), answer.header("preference-applied")), (202, "wait=1"));
}
