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
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
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

#[tokio::test]
async fn a_header_that_must_be_single_may_not_stand_twice() {
    for desk in [Desk::open(), Desk::with_keys()] {
        for (name, value) in [
            ("host", "localhost"),
            ("authorization", "Bearer anna"),
            ("x-api-key", "anna"),
            ("content-type", "application/json"),
            ("idempotency-key", "a"),
            ("origin", "http://localhost"),
        ] {
            let mut request = ask_json("POST", "/generate", &json!({ "prompt": "a" }));
            for value in [value, "other"] {
                let values = request.headers_mut();
                if values.get_all(name).iter().count() < 2 {
                    values.append(name, value.parse().unwrap());
                }
            }
            let answer = desk.send(request).await;
            assert_eq!((answer.status.as_u16(), answer.problem()), (400, "bad_header".to_owned()), "{name}");
        }
    }
}

#[tokio::test]
async fn another_sites_page_can_not_embed_or_fetch_and_an_allowed_one_can() {
    let origins = vec!["https://gallery.example".into()];
    let allowed = Allowed { hosts: Vec::new(), origins };
    let desk = Desk::with(Access::Open, |api| api.with_allowed(allowed));
    let id = desk.saved_image().await;
    let embedded = |page: &str| {
        let request = with_header(ask("GET", &format!("/images/{id}/content")), "referer", page);
        with_header(with_header(request, "sec-fetch-site", "cross-site"), "sec-fetch-mode", "no-cors")
    };
    let answer = desk.send(embedded("https://evil.example/")).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (403, "foreign_origin".to_owned()));
    let answer = desk.send(embedded("https://gallery.example/")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin");
    let fetched = with_header(ask("GET", "/images"), "origin", "https://gallery.example");
    let answer = desk.send(with_header(fetched, "sec-fetch-site", "cross-site")).await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://gallery.example");
}
