//! What the log of a real server says, and what it never says.

use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};
use tintype_tests::{Server, Settings, Socket, sha256, text};
use tokio::time::sleep;

const SECRET_PROMPT: &str = "zebra";
const SECRET_WORDS: &str = "quagga";

/// The lines of a JSON log.
fn lines(server: &Server) -> Vec<Value> {
    server.log().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits for the first line for which `is` holds.
async fn line(server: &Server, is: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        if let Some(line) = lines(server).into_iter().find(&is) {
            return line;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{}", server.log());
        sleep(Duration::from_millis(20)).await;
    }
}

fn traced() -> Settings {
    Settings::noop().key("anna", "annas-secret-key").flags(&["--log", "json", "--log-filter", "trace"])
}

#[tokio::test]
async fn a_request_line_names_who_asked_for_what_and_no_line_has_a_key_or_a_prompt() {
    let server = Server::start(traced()).await;
    let anna = server.client_with_key("annas-secret-key");
    let job = anna.drawn(json!({ "prompt": SECRET_PROMPT, "labels": { "mood": SECRET_WORDS } })).await;
    let id = text(&job, "/id");
    let image = anna.save(id, 0).await;
    anna.get(format!("/images?q={SECRET_WORDS}")).send().await.expect(200);
    anna.get(format!("/images/by-meaning?q={SECRET_WORDS}")).send().await.expect(200);
    anna.get(format!("/images/{SECRET_WORDS}")).send().await.expect(404);
    anna.get(format!("/{SECRET_WORDS}")).send().await.expect(404);
    server.client_with_key("wrong-secret-key").get(format!("/jobs/{id}")).send().await.expect(401);
    let mut socket = Socket::open(&anna).await;
    socket.subscribe(id, 0).await;
    socket.until_end(id).await;
    let ticket = anna.post("/tickets").send().await.expect(201).json();
    let ticket = text(&ticket, "/ticket");
    server.client().get(format!("/ws?ticket={ticket}")).send().await.expect(426);

    let accepted = line(&server, |line| line["message"] == "request" && line["route"] == "/generate").await;
    let key_id = &sha256(b"annas-secret-key")[..8];
    for (field, value) in [
        ("owner", json!("anna")),
        ("key", json!(key_id)),
        ("client", json!("127.0.0.1")),
        ("method", json!("POST")),
        ("status", json!(202)),
        ("resource", json!(format!("/jobs/{id}"))),
    ] {
        assert_eq!(accepted[field], value, "{field} of {accepted:#}");
    }
    assert!(accepted["ms"].is_u64() && accepted["request_id"].is_string(), "{accepted:#}");
    let path = format!("/images/{}", text(&image, "/id"));
    anna.get(&path).send().await.expect(200);
    for (route, method) in [("/images/{id}", "GET"), ("/save", "POST")] {
        let is = |line: &Value| line["resource"] == json!(path) && line["route"] == route;
        let of_image = line(&server, is).await;
        assert_eq!((&of_image["method"], &of_image["owner"]), (&json!(method), &json!("anna")));
    }
    let refused = line(&server, |line| line["message"] == "request" && line["status"] == 401).await;
    assert_eq!(refused["resource"], json!(format!("/jobs/{id}")));
    assert_eq!(refused["client"], json!("127.0.0.1"));
    assert!(refused.get("owner").is_none(), "{refused:#}");

    let log = server.log();
    assert!(log.lines().count() > 10, "{log}");
    for secret in [SECRET_PROMPT, SECRET_WORDS, "secret-key", &sha256(b"annas-secret-key"), ticket] {
        let found = log.lines().find(|line| line.contains(secret));
        assert!(found.is_none(), "{secret} is in {found:?}");
    }
}

#[tokio::test]
async fn a_person_who_has_requests_logged_sees_the_same() {
    let settings = Settings::noop().key("anna", "annas-secret-key").flags(&["--log-filter", "info"]);
    let server = Server::start(settings).await;
    server.client_with_key("annas-secret-key").get("/jobs").send().await.expect(200);
    let log = server.log();
    let line = log.lines().find(|line| line.contains("/jobs")).unwrap();
    for part in ["anna", "127.0.0.1", &sha256(b"annas-secret-key")[..8], "200"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
}

#[tokio::test]
async fn the_line_of_a_job_that_failed_has_every_cause() {
    let server = Server::start(traced().workers(0)).await;
    let anna = server.client_with_key("annas-secret-key");
    anna.generate(json!({ "prompt": SECRET_PROMPT })).await;
    // Nothing can be stored where a file stands in place of the folder.
    let settings = traced().workers(1);
    let stopped = server.kill();
    let server = stopped.start_with(settings).await;
    let incoming = server.data().join("incoming");
    let anna = server.client_with_key("annas-secret-key");
    fs::remove_dir_all(&incoming).unwrap();
    fs::write(&incoming, "").unwrap();
    anna.generate(json!({ "prompt": SECRET_PROMPT })).await;
    let failed = line(&server, |line| line["message"] == "an attempt failed").await;
    let cause = text(&failed, "/cause");
    assert!(cause.starts_with("ImageStore::put: ") && cause.contains("os error"), "{failed:#}");
    assert_eq!(failed["level"], "WARN");
    assert!(!server.log().contains(SECRET_PROMPT));
}

#[tokio::test]
async fn a_data_folder_that_others_may_look_into_is_warned_of_and_its_files_are_private() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let server = Server::start_on(folder, Settings::noop().flags(&["--log", "json"])).await;
    let image = server.client().saved(json!({ "prompt": "red heart" })).await;
    server.client().get(format!("/images/{}/content?w=16", text(&image, "/id"))).send().await.expect(200);
    let warned = line(&server, |line| line["level"] == "WARN").await;
    assert_eq!(warned["remedy"], json!(format!("chmod 700 {}", data.display())));
    let mut folders = vec![data];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let mode = path.metadata().unwrap().permissions().mode();
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_eq!(mode & 0o777, 0o600, "{}", path.display());
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_others_can_reach_without_tls_says_so() {
    let settings = Settings::noop().key("anna", "annas-secret-key").listen("0.0.0.0:0");
    let server = Server::start(settings.flags(&["--log", "json"])).await;
    let warned = line(&server, |line| line["level"] == "WARN").await;
    assert!(text(&warned, "/message").contains("in clear"), "{warned:#}");
}
