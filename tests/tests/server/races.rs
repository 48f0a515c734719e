//! Many clients at the same time.

use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use tintype_tests::{Client, Server, Settings, text};
use tokio::task::JoinSet;

const CLIENTS: usize = 64;
const KEYS: usize = 200;

/// Posts every key once, in an order of its own; the job of each. A key that is just being accepted is asked for
/// again, as the answer says.
async fn post_all(client: Client, seed: u64) -> Vec<(usize, String)> {
    let mut keys: Vec<_> = (0..KEYS).collect();
    fastrand::Rng::with_seed(seed).shuffle(&mut keys);
    let mut jobs = Vec::with_capacity(KEYS);
    for key in keys {
        let request = client.post("/generate").header("idempotency-key", &format!("key-{key}"));
        let request = request.json(&json!({ "prompt": format!("heart {key}") }));
        let answer = loop {
            let answer = request.clone().send().await;
            if answer.status != 409 {
                break answer.expect(202);
            }
        };
        jobs.push((key, text(&answer.json(), "/id").to_owned()));
    }
    jobs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_clients_that_race_two_hundred_keys_make_two_hundred_jobs() {
    let server = Server::start(Settings::noop().workers(0)).await;
    let client = server.client();
    let mut clients = JoinSet::new();
    for seed in 0..CLIENTS {
        clients.spawn(post_all(client.clone(), seed as u64));
    }
    let mut jobs: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for (key, id) in clients.join_all().await.into_iter().flatten() {
        jobs.entry(key).or_default().insert(id);
    }
    assert!(jobs.len() == KEYS && jobs.values().all(|ids| ids.len() == 1), "{jobs:?}");
    let page = client.get("/jobs?limit=200").send().await.expect(200).json();
    assert_eq!(page["items"].as_array().unwrap().len(), KEYS);
    assert!(page["next_cursor"].is_null(), "more jobs than keys");
    for key in 0..KEYS {
        let other = client.post("/generate").header("idempotency-key", &format!("key-{key}"));
        other.json(&json!({ "prompt": "another" })).send().await.problem(422, "idempotency_key_reused");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_edits_of_one_version_one_is_made() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let image = client.saved(json!({ "prompt": "red heart" })).await;
    let mut edits = JoinSet::new();
    for n in 0..16 {
        let edit = client.request("PATCH", format!("/images/{}", text(&image, "/id")));
        edits.spawn(edit.header("if-match", "\"v1\"").json(&json!({ "title": format!("title {n}") })).send());
    }
    let statuses: Vec<_> = edits.join_all().await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 412)), "{statuses:?}");
}
