//! Other sites' pages and rebound names are kept out; every answer is hardened.

use crate::desk::{Desk, ask, ask_json, with_header};
use serde_json::json;
use tintype_http::{Access, Allowed};

#[tokio::test]
async fn a_rebound_name_is_not_answered() {
    let desk = Desk::open();
    for host in ["evil.example", "localhost.evil.example:7860", "192.168.0.7"] {
        let answer = desk.send(with_header(ask("GET", "/jobs"), "host", host)).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (421, "unknown_host".to_owned()), "{host}");
    }
}

#[tokio::test]
async fn another_sites_page_changes_nothing() {
    let desk = Desk::open();
    for origin in ["https://evil.example", "null", "http://localhost:9999"] {
        let request = ask_json("POST", "/generate", &json!({ "prompt": "a" }));
        let answer = desk.send(with_header(request, "origin", origin)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem()),
            (403, "foreign_origin".to_owned()),
            "{origin}"
        );
    }
    assert_eq!(desk.get("/jobs").await.json()["items"], json!([]));
}

#[tokio::test]
async fn an_allowed_sites_page_may_call_and_read() {
    let origin = "https://gallery.example";
    let allowed = Allowed { hosts: vec!["box.lan".into()], origins: vec![origin.into()] };
    let desk = Desk::with(Access::Open, |api| api.with_allowed(allowed));
    let request = ask_json("POST", "/generate", &json!({ "prompt": "a" }));
    let answer = desk.send(with_header(with_header(request, "origin", origin), "host", "box.lan")).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (202, origin));
    let preflight = with_header(ask("OPTIONS", "/generate"), "origin", origin);
    let preflight = desk.send(with_header(preflight, "access-control-request-method", "POST")).await;
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-headers").contains("idempotency-key"));
}

#[tokio::test]
async fn every_answer_is_hardened() {
    let desk = Desk::open();
    for path in ["/jobs", "/nothing", "/docs", "/livez"] {
        let answer = desk.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
    }
}

#[tokio::test]
async fn a_request_keeps_its_id_if_it_is_well_formed() {
    let desk = Desk::open();
    let answer = desk.send(with_header(ask("GET", "/jobs"), "x-request-id", "mine-1")).await;
    assert_eq!(answer.header("x-request-id"), "mine-1");
    let answer = desk.send(with_header(ask("GET", "/jobs"), "x-request-id", "<script>")).await;
    assert_eq!(answer.header("x-request-id").len(), 32);
}
