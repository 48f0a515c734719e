//! What a client sees when a part of the server fails.

use crate::desk::{Desk, ask_json, with_header};
use serde_json::json;
use std::sync::Arc;
use tintype_core::{
    ErrorKind, PortError,
    ports::{MockIntegrity, MockJobRepo, MockMetadataRepo, Ports},
};

fn failing(kind: ErrorKind) -> Desk {
    let mut jobs = MockJobRepo::new();
    jobs.expect_find().returning(move |_, _, _| {
        Err(PortError::new(kind, "JobRepo::find", "table tintype_jobs at 10.0.0.7 is broken"))
    });
    Desk::with_ports(|ports| Ports { jobs: Arc::new(jobs), ..ports })
}

#[tokio::test]
async fn a_failure_is_told_by_its_kind_and_no_more() {
    let path = "/jobs/0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
    for (kind, status) in [
        (ErrorKind::Unavailable, 503),
        (ErrorKind::Throttled, 429),
        (ErrorKind::Exhausted, 507),
        (ErrorKind::Denied, 500),
        (ErrorKind::Data, 500),
        (ErrorKind::Internal, 500),
    ] {
        let answer = failing(kind).get(path).await;
        assert_eq!(answer.status, status, "{kind:?}");
        answer.problem();
        let waits = matches!(status, 429 | 503 | 507);
        assert_eq!(!answer.header("retry-after").is_empty(), waits, "{kind:?}");
        if status >= 500 {
            assert!(!String::from_utf8_lossy(&answer.body).contains("10.0.0.7"), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_server_without_its_stores_is_not_ready() {
    let answer = failing(ErrorKind::Unavailable).get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert!(answer.json()["detail"].as_str().unwrap().contains("the job store"));
}

#[tokio::test]
async fn a_server_whose_database_is_damaged_is_not_ready() {
    let mut integrity = MockIntegrity::new();
    integrity
        .expect_damage()
        .returning(|| vec!["a row of the table images does not match its checksum".to_owned()]);
    let desk = Desk::with_ports(|ports| Ports { integrity: Arc::new(integrity), ..ports });
    let answer = desk.get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert!(answer.json()["detail"].as_str().unwrap().contains("tintype check"));
}

#[tokio::test]
async fn a_handler_that_panics_answers_500() {
    // A mock without expectations panics when it is called.
    let desk = Desk::with_ports(|ports| Ports { metadata: Arc::new(MockMetadataRepo::new()), ..ports });
    let answer = desk.get("/images").await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (500, "internal".to_owned()));
    assert_eq!(desk.get("/jobs").await.status, 200, "others are still answered");
}

#[tokio::test]
async fn a_job_that_was_accepted_is_accepted_though_nobody_can_wait_for_it() {
    let desk = Desk::with_ports(|ports| {
        let mut connections = tintype_core::ports::MockConnectionRegistry::new();
        let down = || PortError::new(ErrorKind::Unavailable, "ConnectionRegistry::connect", "down");
        connections.expect_connect().returning(move |_| Err(down()));
        connections.expect_disconnect().returning(|_| Ok(()));
        Ports { connections: Arc::new(connections), ..ports }
    });
    let request = ask_json("POST", "/generate", &json!({ "prompt": "a cat" }));
    assert_eq!(desk.send(with_header(request, "prefer", "wait=5")).await.status, 202);
}
