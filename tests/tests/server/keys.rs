//! The keys of the configuration file count as they are there, without a restart.

use serde_json::json;
use std::{
    fs,
    time::{Duration, Instant},
};
use tintype_tests::{Client, Server, Settings, Socket, key_section, text};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// How long a changed file may take to count.
const SOON: Duration = Duration::from_secs(10);

async fn status(client: &Client) -> u16 {
    client.get("/jobs").send().await.status
}

/// Waits until the client is answered so.
async fn until(client: &Client, wanted: u16) {
    let began = Instant::now();
    while status(client).await != wanted {
        assert!(began.elapsed() < SOON, "it is still answered with {}", status(client).await);
        sleep(Duration::from_millis(20)).await;
    }
}

async fn until_logged(server: &Server, part: &str) -> String {
    let began = Instant::now();
    loop {
        if let Some(line) = server.log().lines().find(|line| line.contains(part)) {
            return line.to_owned();
        }
        assert!(began.elapsed() < SOON, "{part} is not in {}", server.log());
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_key_is_added_and_revoked_without_a_restart_and_what_it_had_open_is_closed() {
    let server = Server::start(Settings::noop().workers(0).key("anna", "annas-key")).await;
    let (anna, bert) = (server.client_with_key("annas-key"), server.client_with_key("berts-key"));
    let job = anna.generate(json!({ "prompt": "red heart" })).await;
    let mut socket = Socket::open(&anna).await;
    let mut stream = anna.get(text(&job, "/links/events")).events().await;
    assert_eq!(stream.next().await.unwrap().kind, "job.queued");
    assert_eq!(status(&bert).await, 401);

    let both = [key_section("anna", "annas-key", ""), key_section("bert", "berts-key", "")].concat();
    fs::write(server.config(), both).unwrap();
    until(&bert, 200).await;
    assert_eq!(status(&anna).await, 200);

    // As editors do it: a new file takes the name.
    let next = server.config().with_extension("next");
    fs::write(&next, key_section("bert", "berts-key", "")).unwrap();
    fs::rename(&next, server.config()).unwrap();
    until(&anna, 401).await;
    assert_eq!(socket.goodbye().await, Some(CloseCode::Policy));
    assert!(stream.next().await.is_none());
    assert_eq!(status(&bert).await, 200);
}

#[tokio::test]
async fn a_file_that_is_broken_or_gone_keeps_the_keys_and_the_log_names_its_line() {
    let server = Server::start(Settings::noop().key("anna", "annas-key")).await;
    let anna = server.client_with_key("annas-key");
    let broken = format!(
        "{}[[keys]]\nowner = \"bert\"\nsha256 = \"berts-key\"\n",
        key_section("anna", "annas-key", "")
    );
    fs::write(server.config(), broken).unwrap();
    let line = until_logged(&server, "ERROR").await;
    let place = format!("{}:5", server.config().display());
    assert!(line.contains(&place), "{place} is not in {line}");
    assert!(!line.contains("berts-key"), "{line}");
    assert_eq!(status(&anna).await, 200);
    fs::remove_file(server.config()).unwrap();
    until_logged(&server, "No such file").await;
    assert_eq!(status(&anna).await, 200);
}

#[tokio::test]
async fn a_file_without_keys_lets_nobody_in_rather_than_everybody() {
    let server = Server::start(Settings::noop().key("anna", "annas-key")).await;
    fs::write(server.config(), "").unwrap();
    until(&server.client_with_key("annas-key"), 401).await;
    assert_eq!(status(&server.client()).await, 401);
}

#[tokio::test]
async fn the_metrics_are_for_a_key_with_the_scope_operate() {
    let server = Server::start(Settings::noop().workers(0).key("anna", "annas-key")).await;
    let anna = server.client_with_key("annas-key");
    let problem = anna.get("/metrics").send().await.problem(403, "forbidden");
    assert!(text(&problem, "/detail").contains("`operate`"), "{problem:#}");
    fs::write(server.config(), key_section("anna", "annas-key", "scopes = [\"operate\"]")).unwrap();
    let began = Instant::now();
    let metrics = loop {
        let answer = anna.get("/metrics").send().await;
        if answer.status == 200 {
            break String::from_utf8(answer.body.to_vec()).unwrap();
        }
        assert!(began.elapsed() < SOON, "{answer:?}");
        sleep(Duration::from_millis(20)).await;
    };
    for name in
        ["tintype_queue_jobs{state=\"queued\"} 0", "tintype_disk_free_bytes ", "tintype_database_bytes "]
    {
        assert!(metrics.contains(name), "{name} is not in {metrics}");
    }
    anna.generate(json!({ "prompt": "red heart" })).await;
    let metrics = anna.get("/metrics").send().await;
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(metrics.contains("tintype_queue_jobs{state=\"queued\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_server_that_was_started_open_warns_of_keys_that_do_not_count_yet() {
    let server = Server::start(Settings::noop()).await;
    fs::write(server.config(), key_section("anna", "annas-key", "")).unwrap();
    let line = until_logged(&server, "WARN").await;
    assert!(line.contains("started again"), "{line}");
    assert_eq!(status(&server.client()).await, 200);
}
