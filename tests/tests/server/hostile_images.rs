//! Hostile images sent to a real server: it answers each, stays within its memory, and serves on after a restart.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use std::time::{Duration, Instant};
use tintype_testkit::hostile_images::{BOMBS, numbered, whole};
use tintype_tests::{Server, Settings, text};

/// The most memory above what an idle server has, in KiB.
const MEMORY_KIB: u64 = 256 * 1024;
/// How many damaged images are sent beside the bombs.
const IMAGES: u64 = 200;

#[tokio::test]
async fn hostile_images_take_a_server_neither_its_memory_nor_its_life() {
    let server = Server::start(Settings::noop()).await;
    let idle = server.resident_kib();
    let (client, whole) = (server.client(), whole());
    let bombs = BOMBS.iter().map(|bomb| (bomb.name.to_owned(), (bomb.make)()));
    let damaged = (0..IMAGES).map(|number| (format!("image {number}"), numbered(number, &whole)));
    let mut saved = Vec::new();
    for (name, file) in bombs.chain(damaged) {
        let started = Instant::now();
        let answer = client.post("/save").json(&json!({ "image": STANDARD.encode(&file) })).send().await;
        drop(file);
        assert!(answer.status < 500, "{name}: {}", answer.status);
        assert!(started.elapsed() < Duration::from_secs(30), "{name} took {:?}", started.elapsed());
        if matches!(answer.status, 200 | 201) {
            let id = text(&answer.json(), "/id").to_owned();
            for query in ["?w=320&format=webp", "?w=64", "?format=jpeg", "?strip=metadata"] {
                let form = client.get(format!("/images/{id}/content{query}")).send().await;
                assert!(form.status < 500, "{name} {query}: {}", form.status);
            }
            saved.push((name, id));
        }
    }
    assert!(saved.len() > 20, "{} images were taken", saved.len());
    // What is looked at in the background ends too.
    for (name, id) in saved.iter().rev().take(3) {
        let path = format!("/images/{id}/similar");
        let started = Instant::now();
        while client.get(&path).send().await.status == 409 && started.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(client.get(&path).send().await.status < 500, "{name}");
    }
    let grown = server.peak_kib() - idle;
    assert!(grown <= MEMORY_KIB, "{} MiB above idle", grown / 1024);
    // No restart loop: it comes up as often as it is killed, and serves.
    let mut server = server;
    for _ in 0..3 {
        server = server.kill().start().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let (_, id) = &saved[0];
        assert_eq!(server.client().get(format!("/images/{id}")).send().await.status, 200);
    }
}
