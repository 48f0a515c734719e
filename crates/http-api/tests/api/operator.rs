//! Models, health, metrics, documents and the gallery.

use crate::desk::{Desk, ask, with_header};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tintype_core::{ErrorKind, domain::limits, ports::Ports};
use tintype_http::{Access, Code, Metrics, PageFile, Space, SpaceSource, StoreStatus};

#[tokio::test]
async fn the_models_tell_what_they_can_do() {
    let models = Desk::open().get("/models").await.json();
    assert_eq!(models["default"], "example");
    assert_eq!(models["models"][0]["width"]["default"], 64);
}

#[tokio::test]
async fn a_server_that_shuts_down_lives_but_is_not_ready() {
    let desk = Desk::open();
    assert_eq!(desk.get("/readyz").await.status, 200);
    desk.shutdown.cancel();
    let ready = desk.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.problem()), (503, "unavailable".to_owned()));
    assert_eq!(desk.get("/livez").await.status, 200);
}

#[tokio::test]
async fn a_server_without_space_is_ready_and_says_that_it_is_read_only() {
    let space =
        Arc::new(Mutex::new(Space { free_bytes: 7, total_bytes: 9, read_only: Some("the disk is full") }));
    let measured = space.clone();
    let source: SpaceSource = Arc::new(move || *measured.lock().unwrap());
    let desk = Desk::with(Access::Open, |api| api.with_space(source));
    let ready = desk.get("/readyz").await;
    let told = json!({ "status": "ready", "read_only": true, "reason": "the disk is full" });
    assert_eq!((ready.status.as_u16(), ready.json()), (200, told));
    let metrics = async || String::from_utf8(desk.get("/metrics").await.body.to_vec()).unwrap();
    for line in ["tintype_read_only 1\n", "tintype_disk_free_bytes 7\n", "tintype_disk_size_bytes 9\n"] {
        assert!(metrics().await.contains(line), "{line}");
    }
    *space.lock().unwrap() = Space::default();
    assert_eq!(desk.get("/readyz").await.json(), json!({ "status": "ready", "read_only": false }));
    assert!(metrics().await.contains("tintype_read_only 0\n"));
}

#[tokio::test]
async fn where_nobody_measures_the_disk_no_metric_tells_of_it() {
    let desk = Desk::open();
    assert_eq!(desk.get("/readyz").await.json()["read_only"], false);
    assert!(!String::from_utf8_lossy(&desk.get("/metrics").await.body).contains("disk"));
}

#[tokio::test]
async fn the_document_tells_which_routes_may_find_no_space() {
    let document = Desk::open().get("/openapi.json").await.json();
    let tells = |method: &str, path: &str| document["paths"][path][method]["responses"].get("507").is_some();
    for (method, path) in [
        ("post", "/generate"),
        ("post", "/jobs/{id}/retry"),
        ("post", "/save"),
        ("patch", "/images/{id}"),
        ("post", "/images/edit"),
        ("post", "/collections"),
        ("patch", "/collections/{id}"),
    ] {
        assert!(tells(method, path), "{method} {path}");
    }
    for (method, path) in
        [("delete", "/images/{id}"), ("post", "/images/{id}/restore"), ("post", "/jobs/{id}/cancel")]
    {
        assert!(!tells(method, path), "{method} {path}");
    }
}

#[tokio::test]
async fn the_version_names_the_commit() {
    let desk = Desk::with(Access::Open, |api| api.with_commit("abc"));
    assert_eq!(desk.get("/version").await.json()["commit"], "abc");
}

#[tokio::test]
async fn metrics_count_by_route_and_never_name_an_id_or_a_prompt() {
    let desk = Desk::open();
    let id = desk.finished_job().await;
    desk.get(&format!("/jobs/{id}")).await;
    let metrics = String::from_utf8(desk.get("/metrics").await.body.to_vec()).unwrap();
    assert!(metrics.contains("tintype_jobs_accepted_total 1"), "{metrics}");
    assert!(metrics.contains("route=\"/jobs/{id}\",status=\"200\""), "{metrics}");
    assert!(!metrics.contains(&id) && !metrics.contains("cat"), "{metrics}");
}

#[tokio::test]
async fn metrics_tell_of_the_queue_of_outcomes_and_of_durations() {
    let metrics = Metrics::default();
    let desk = Desk::build(
        Access::Open,
        |api| api.with_metrics(metrics.clone()),
        |ports| Ports { jobs: metrics.metered(ports.jobs), ..ports },
    );
    let read = async || String::from_utf8(desk.get("/metrics").await.body.to_vec()).unwrap();
    let has = |text: &str, line: &str| assert!(text.lines().any(|found| found == line), "{line} in {text}");
    let empty = read().await;
    for line in ["tintype_queue_jobs{state=\"queued\"} 0", "tintype_queue_oldest_wait_seconds 0.0"] {
        has(&empty, line);
    }
    desk.finished_job().await;
    let canceled = desk.post("/generate", json!({ "prompt": "a dog" })).await.id();
    for _ in 0..2 {
        desk.post(&format!("/jobs/{canceled}/cancel"), json!({})).await;
    }
    desk.post("/generate", json!({ "prompt": "a cow" })).await;
    desk.memory.clock.pass(Duration::from_secs(7));
    metrics.background_failed("sweep");
    metrics.read_stores_with(|| StoreStatus {
        database: Some(3),
        database_damage: 2,
        database_errors: vec![(ErrorKind::Unavailable, 2), (ErrorKind::Data, 0)],
    });
    let full = read().await;
    for line in [
        "tintype_queue_jobs{state=\"queued\"} 1",
        "tintype_queue_jobs{state=\"running\"} 0",
        "tintype_queue_oldest_wait_seconds 7.0",
        "tintype_jobs_ended_total{state=\"succeeded\"} 1",
        "tintype_jobs_ended_total{state=\"canceled\"} 1",
        "tintype_jobs_ended_total{state=\"failed\"} 0",
        "tintype_job_wait_seconds_count 1",
        "tintype_job_run_seconds_count 1",
        "tintype_database_damage 2",
        "tintype_database_bytes 3",
        "tintype_database_errors_total{kind=\"unavailable\"} 2",
        "tintype_database_errors_total{kind=\"data\"} 0",
        "tintype_background_failures_total{task=\"sweep\"} 1",
    ] {
        has(&full, line);
    }
}

/// Every `$ref` below `value`.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn the_document_refers_to_nothing_that_is_not_there() {
    let document = Desk::open().get("/openapi.json").await.json();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50);
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn the_document_says_what_a_deadline_is_and_how_long() {
    let document = Desk::open().get("/openapi.json").await.json();
    let deadline = &document["components"]["schemas"]["GenerateInput"]["properties"]["deadline_s"];
    assert!(deadline["description"].as_str().unwrap().contains("`expired`"), "{deadline}");
    let numbers = ["minimum", "default", "maximum"].map(|name| deadline[name].as_u64().unwrap());
    assert_eq!(numbers, [1, limits::DEADLINE_DEFAULT_S.into(), limits::DEADLINE_MAX_S.into()]);
}

#[tokio::test]
async fn the_document_names_an_answer_of_every_route_and_no_field_that_is_always_refused() {
    let document = Desk::open().get("/openapi.json").await.json();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.keys().any(|status| status != "default"), "{method} {path}");
        }
    }
    let fields = &document["components"]["schemas"]["GenerateInput"]["properties"];
    assert!(fields.get("webhook").is_none() && fields.get("prompt").is_some());
    for header in ["Idempotency-Key", "If-Match", "Last-Event-ID"] {
        assert!(document["components"]["parameters"][header]["schema"]["pattern"].is_string(), "{header}");
    }
}

#[tokio::test]
async fn every_route_of_the_document_is_there() {
    let desk = Desk::open();
    let document = desk.get("/openapi.json").await.json();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let answer = desk.send(ask(&method.to_uppercase(), &path.replace(['{', '}'], ""))).await;
            let code = answer.status.is_client_error().then(|| answer.problem());
            let lost = ["no_such_route", "method_not_allowed"];
            assert!(!code.is_some_and(|code| lost.contains(&code.as_str())), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_shapes_that_are_answered_are_the_documents() {
    let desk = Desk::open();
    let document = desk.get("/openapi.json").await.json();
    let id = desk.finished_job().await;
    let job = desk.get(&format!("/jobs/{id}")).await.json();
    let image = desk.post("/save", json!({ "job_id": id })).await.json();
    for (name, value) in [("Job", &job), ("JobImage", &job["images"][0]), ("Image", &image)] {
        let known = &document["components"]["schemas"][name]["properties"];
        for field in value.as_object().unwrap().keys() {
            assert!(known.get(field).is_some(), "{name}.{field} is not in the document");
        }
    }
}

#[tokio::test]
async fn the_docs_explain_every_problem_where_its_type_points() {
    let answer = Desk::open().get("/docs").await;
    let html = String::from_utf8(answer.body.to_vec()).unwrap();
    for code in Code::ALL {
        assert!(html.contains(&format!("id={}>", code.name())), "{}", code.name());
    }
    assert!(!html.contains("<script") && !html.contains("http://") && !html.contains("https://"));
}

#[tokio::test]
async fn the_gallery_is_served_from_what_was_handed_in() {
    let files = vec![
        PageFile::new("index.html", "text/html; charset=utf-8", "<!doctype html>"),
        PageFile::new("assets/app.js", "text/javascript", "1"),
    ];
    let desk = Desk::with(Access::Open, |api| api.with_page(files));
    let page = desk.get("/").await;
    assert!(page.header("content-security-policy").starts_with("default-src 'self'"));
    let script = desk.get("/assets/app.js").await;
    assert_eq!((script.header("content-type"), &script.body[..]), ("text/javascript", &b"1"[..]));
    let again = with_header(ask("GET", "/assets/app.js"), "if-none-match", script.header("etag"));
    assert_eq!(desk.send(again).await.status, 304);
    assert_eq!(desk.get("/assets/other.js").await.problem(), "not_found");
}
