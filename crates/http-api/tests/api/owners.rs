//! Nobody reads, changes or hears of what is another's; nobody comes in without a key.

use crate::{
    desk::{Answer, Desk, ask, ask_json, with_header},
    socket::Socket,
};
use axum::{body::Body, http::Request};
use serde_json::json;
use tintype_http::{Access, AuthorizedOwner, ServerSettings};

fn by(name: &str, request: Request<Body>) -> Request<Body> {
    with_header(request, "authorization", &format!("Bearer {name}"))
}

async fn post_by(desk: &Desk, name: &str, path: &str, body: serde_json::Value) -> Answer {
    desk.send(by(name, ask_json("POST", path, &body))).await
}

/// A job and a saved image of anna's.
async fn annas(desk: &Desk) -> (String, String) {
    let job = post_by(desk, "anna", "/generate", json!({ "prompt": "a cat" })).await.id();
    desk.run_all().await;
    let image = post_by(desk, "anna", "/save", json!({ "job_id": job })).await.id();
    (job, image)
}

#[tokio::test]
async fn anothers_job_and_image_are_as_if_there_were_none() {
    let desk = Desk::with_keys();
    let (job, image) = annas(&desk).await;
    for (method, path) in [
        ("GET", format!("/jobs/{job}")),
        ("POST", format!("/jobs/{job}/cancel")),
        ("POST", format!("/jobs/{job}/retry")),
        ("GET", format!("/jobs/{job}/events")),
        ("GET", format!("/jobs/{job}/images/0")),
        ("GET", format!("/images/{image}")),
        ("PATCH", format!("/images/{image}")),
        ("DELETE", format!("/images/{image}")),
        ("DELETE", format!("/images/{image}?permanent=true")),
        ("POST", format!("/images/{image}/restore")),
        ("GET", format!("/images/{image}/content")),
        ("GET", format!("/images/{image}/content?variant=thumbnail")),
    ] {
        let answer = desk.send(by("bert", ask_json(method, &path, &json!({})))).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (404, "not_found"),
            "{method} {path}"
        );
    }
    let saved = post_by(&desk, "bert", "/save", json!({ "job_id": job })).await;
    assert_eq!(saved.problem(), "not_found");
    for path in ["/jobs", "/images"] {
        assert_eq!(desk.send(by("bert", ask("GET", path))).await.json()["items"], json!([]));
        let items = desk.send(by("anna", ask("GET", path))).await.json()["items"].clone();
        assert_eq!(items.as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn anothers_cursor_is_refused() {
    let desk = Desk::with_keys();
    for _ in 0..2 {
        post_by(&desk, "anna", "/generate", json!({ "prompt": "a cat" })).await;
    }
    let page = desk.send(by("anna", ask("GET", "/jobs?limit=1"))).await.json();
    let path = format!("/jobs?limit=1&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(desk.send(by("bert", ask("GET", &path))).await.problem(), "bad_query");
}

#[tokio::test]
async fn a_subscription_to_anothers_job_is_refused() {
    let desk = Desk::with_keys();
    let (job, _) = annas(&desk).await;
    let (address, _serving) = desk.listen(ServerSettings::default()).await;
    let mut socket = Socket::open_with(address, &[("x-api-key", "bert")]).await.unwrap();
    for name in ["job_id", "execution_arn"] {
        socket.say(&json!({ "action": "subscribe", name: job })).await;
        let message = socket.next().await;
        assert_eq!((&message["type"], &message["data"]["code"]), (&json!("error"), &json!("not_found")));
    }
    socket.say(&json!({ "action": "ping" })).await;
    assert_eq!(socket.next().await["type"], "pong", "nothing of the job came in between");
}

#[tokio::test]
async fn a_browser_brings_its_key_beside_the_subprotocol() {
    let desk = Desk::with_keys();
    let (address, _serving) = desk.listen(ServerSettings::default()).await;
    // base64url of `anna`
    let offered = [("sec-websocket-protocol", "tintype.v1, bearer.YW5uYQ")];
    let socket = Socket::open_with(address, &offered).await.unwrap();
    assert_eq!(socket.subprotocol, "tintype.v1");
    let wrong = [("sec-websocket-protocol", "tintype.v1, bearer.YW5uYR")];
    assert!(Socket::open_with(address, &wrong).await.is_err());
}

#[tokio::test]
async fn without_a_known_key_nothing_but_the_open_routes_answers() {
    let desk = Desk::with_keys();
    let document = desk.get("/openapi.json").await.json();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let needs_key = operation.get("security").is_some();
            let request = ask_json(&method.to_uppercase(), &path.replace(['{', '}'], ""), &json!({}));
            let answer = desk.send(with_header(request, "authorization", "Bearer wrong")).await;
            assert_eq!(answer.status == 401, needs_key, "{method} {path}: {}", answer.status);
            if needs_key {
                assert!(answer.header("www-authenticate").starts_with("Bearer"));
            }
        }
    }
}

#[tokio::test]
async fn an_owner_whom_the_gateway_let_in_is_taken_as_such() {
    let desk = Desk::with(Access::Trusted, |api| api);
    assert_eq!(desk.get("/jobs").await.status, 401);
    let mut request = ask_json("POST", "/generate", &json!({ "prompt": "a cat" }));
    request.extensions_mut().insert(AuthorizedOwner("anna".parse().unwrap()));
    assert_eq!(desk.send(request).await.status, 202);
}
