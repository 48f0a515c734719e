//! An API that clients find below a path of another host.

use crate::desk::Desk;
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::Arc;
use tintype_core::{
    PortResult,
    domain::Timestamp,
    ports::{LinkSigner, LinkTarget, Ports},
};
use tintype_http::Access;

const ROOT: &str = "https://api.example/v1";

/// Links that lead to the API itself.
#[derive(Debug)]
struct Paths;

#[async_trait]
impl LinkSigner for Paths {
    async fn sign(&self, target: &LinkTarget, _: Timestamp) -> PortResult<String> {
        Ok(match target {
            LinkTarget::JobImage { job_id, index, .. } => format!("/jobs/{job_id}/images/{index}"),
            LinkTarget::Original { image_id, .. } => format!("/images/{image_id}/content"),
            LinkTarget::Thumbnail { image_id, .. } => format!("/images/{image_id}/content?variant=thumbnail"),
        })
    }
}

fn elsewhere() -> Desk {
    let place = |api: tintype_http::Api| api.with_public_url("https://api.example/v1/");
    Desk::build(Access::Open, place, |ports| Ports { links: Arc::new(Paths), ..ports })
}

/// The path of the router that a URL leads to.
fn path(url: &Value) -> &str {
    let url = url.as_str().unwrap();
    let path = url.strip_prefix(ROOT).unwrap_or_else(|| panic!("{url}"));
    assert!(path.starts_with('/'), "{url}");
    path
}

#[tokio::test]
async fn what_an_answer_names_is_found_there() {
    let desk = elsewhere();
    let accepted = desk.post("/generate", json!({ "prompt": "a cat" })).await;
    let location = json!(accepted.headers["location"].to_str().unwrap());
    assert_eq!(desk.get(path(&location)).await.status, 200);
    desk.run_all().await;
    let job = desk.get(path(&location)).await.json();
    assert_eq!(desk.get(path(&job["images"][0]["url"])).await.status, 200);
    assert_eq!(desk.get(path(&job["links"]["self"])).await.status, 200);
    assert_eq!(desk.post(path(&job["links"]["cancel"]), Value::Null).await.status, 200);
    let listed = desk.get("/jobs").await.json();
    assert_eq!(listed["items"][0]["links"], job["links"]);
}

#[tokio::test]
async fn so_are_saved_images_and_their_small_forms() {
    let desk = elsewhere();
    let job = desk.finished_job().await;
    let saved = desk.post("/save", json!({ "job_id": job, "index": 0 })).await;
    let location = json!(saved.headers["location"].to_str().unwrap());
    let image = desk.get(path(&location)).await.json();
    for url in [&image["url"], &image["thumbnail_url"]] {
        assert_eq!(desk.get(path(url)).await.status, 200, "{url}");
    }
}

#[tokio::test]
async fn problems_and_documents_name_the_root_too() {
    let desk = elsewhere();
    let problem = desk.get("/nowhere").await.json();
    assert_eq!(problem["type"], format!("{ROOT}/docs#no_such_route"));
    assert_eq!(problem["instance"], format!("{ROOT}/nowhere"));
    assert_eq!(desk.get("/openapi.json").await.json()["servers"][0]["url"], ROOT);
}

#[tokio::test]
async fn an_api_at_its_hosts_root_gives_paths() {
    let desk = Desk::open();
    let job = desk.post("/generate", json!({ "prompt": "a cat" })).await;
    let (location, view) = (job.headers["location"].to_str().unwrap().to_owned(), job.json());
    assert_eq!(view["links"]["self"], location);
    assert!(location.starts_with("/jobs/"), "{location}");
}
