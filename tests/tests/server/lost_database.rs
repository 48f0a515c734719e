//! A library whose database is lost, emptied, older or damaged: the server does not begin, no image is lost, and the command
//! brings all of them back.

use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::Output,
    time::{Duration, SystemTime},
};
use tintype_tests::{Server, Settings, command, text};

/// How many images the library holds.
const IMAGES: usize = 20;

fn blobs(data: &Path) -> BTreeSet<String> {
    fn walk(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.file_name().unwrap().to_str().unwrap() {
                _ if path.is_dir() => walk(&path, found),
                name if name.len() == 64 => drop(found.insert(name.to_owned())),
                _ => {}
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(&data.join("blobs"), &mut found);
    found
}

/// Makes every blob older than any grace.
fn age(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            age(&path);
        } else {
            let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
            fs::File::options().write(true).open(&path).unwrap().set_modified(past).unwrap();
        }
    }
}

/// A server that was stopped after it saved images, with the addresses of all of them.
async fn stopped() -> (tintype_tests::Stopped, std::path::PathBuf, BTreeSet<String>) {
    // The model that writes prompt and seed into the file; one step is enough for that.
    let server = Server::start(Settings::embedded()).await;
    let client = server.client();
    for n in 0..IMAGES {
        let wish = json!({ "prompt": format!("red heart {n}"), "seed": n, "steps": 1 });
        let job = client.drawn(wish).await;
        client.post("/save").json(&json!({ "job_id": job["id"], "index": 0 })).send().await.expect(201);
    }
    let data = server.data();
    server.ask_to_end();
    let (_, stopped) = server.ended().await;
    age(&data.join("blobs"));
    let saved = blobs(&data);
    assert_eq!(saved.len(), IMAGES);
    (stopped, data, saved)
}

fn run(data: &Path, arguments: &[&str]) -> Output {
    command(data.parent().unwrap()).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn check_refused(data: &Path, words: &[&str]) {
    let output = run(data, &["serve", "--listen", "127.0.0.1:0", "--model", "noop"]);
    assert!(!output.status.success());
    for word in words {
        assert!(said(&output).contains(word), "{}", said(&output));
    }
}

async fn images(server: &Server) -> Vec<Value> {
    let answer = server.client().get("/images?limit=200").send().await.expect(200).json();
    answer["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_lost_database_starts_no_server_and_every_image_is_recovered_with_prompt_and_seed() {
    let (stopped, data, saved) = stopped().await;
    for name in ["tintype.db", "tintype.db-wal", "tintype.db-shm"] {
        drop(fs::remove_file(data.join(name)));
    }
    // No copy of it either.
    drop(fs::remove_dir_all(data.join("snapshots")));
    check_refused(&data, &["no database", "tintype recover", "tintype restore-backup"]);
    assert_eq!(blobs(&data), saved);
    let recovered = run(&data, &["recover", "--json"]);
    assert!(recovered.status.success(), "{}", said(&recovered));
    let report: Value = serde_json::from_slice(&recovered.stdout).unwrap();
    assert_eq!((&report["rebuilt"], &report["entered"]), (&json!(true), &json!(IMAGES)));
    let server = stopped.start().await;
    let images = images(&server).await;
    let addresses: BTreeSet<_> = images.iter().map(|image| text(image, "/sha256").to_owned()).collect();
    assert_eq!(addresses, saved);
    let collections = server.client().get("/collections").send().await.expect(200).json();
    assert!(text(&collections, "/items/0/name").starts_with("Recovered 20"), "{collections}");
    for image in images {
        let (prompt, seed) = (text(&image, "/prompt"), image["seed"].as_u64().unwrap());
        assert_eq!(prompt, format!("red heart {seed}"));
    }
}

#[tokio::test]
async fn an_emptied_database_starts_no_server() {
    let (_stopped, data, saved) = stopped().await;
    drop(fs::remove_file(data.join("tintype.db-wal")));
    fs::write(data.join("tintype.db"), "").unwrap();
    check_refused(&data, &["tintype recover"]);
    assert_eq!(blobs(&data), saved);
}

#[tokio::test]
async fn an_older_database_starts_no_server_and_what_it_lacks_is_recovered() {
    let (stopped, data, saved) = stopped().await;
    let old = data.parent().unwrap().join("old.db");
    fs::copy(data.join("tintype.db"), &old).unwrap();
    let server = stopped.start().await;
    let client = server.client();
    let job = client.drawn(json!({ "prompt": "one more", "seed": 1_000, "steps": 1 })).await;
    client.post("/save").json(&json!({ "job_id": job["id"], "index": 0 })).send().await.expect(201);
    server.ask_to_end();
    let (_, stopped) = server.ended().await;
    fs::copy(&old, data.join("tintype.db")).unwrap();
    drop(fs::remove_file(data.join("tintype.db-wal")));
    check_refused(&data, &["older", "commits are missing", "tintype recover"]);
    let checked = run(&data, &["check", "--json"]);
    assert_eq!(checked.status.code(), Some(1));
    let recovered = run(&data, &["recover", "--json"]);
    assert!(recovered.status.success(), "{}", said(&recovered));
    let server = stopped.start().await;
    assert_eq!(images(&server).await.len(), IMAGES + 1);
    assert_eq!(blobs(&data).len(), saved.len() + 1);
}

#[tokio::test]
async fn a_sound_library_is_checked_while_its_server_runs() {
    let server = Server::start(Settings::noop()).await;
    let job = server.client().drawn(json!({ "prompt": "red heart" })).await;
    server.client().post("/save").json(&json!({ "job_id": job["id"], "index": 0 })).send().await.expect(201);
    let data = server.data();
    let checked = run(&data, &["check", "--json"]);
    assert!(checked.status.success(), "{}", said(&checked));
    let report: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!((&report["sound"], &report["blobs"]), (&json!(true), &json!(1)));
    let repair = run(&data, &["check", "--repair"]);
    assert!(
        !repair.status.success() && said(&repair).contains("in use by another tintype"),
        "{}",
        said(&repair)
    );
}

#[tokio::test]
async fn damage_that_is_met_while_the_server_runs_is_reported_and_repaired() {
    let (stopped, data, saved) = stopped().await;
    let file = data.join("tintype.db");
    let mut bytes = fs::read(&file).unwrap();
    let needle = b"red heart 7\"";
    let found: Vec<_> =
        (0..bytes.len() - needle.len()).filter(|at| bytes[*at..].starts_with(needle)).collect();
    assert!(!found.is_empty());
    found.into_iter().for_each(|at| bytes[at] ^= 0x04);
    fs::write(&file, bytes).unwrap();
    let server = stopped.start().await;
    let began = std::time::Instant::now();
    let ready = loop {
        let answer = server.client().get("/readyz").send().await;
        if answer.status == 503 || began.elapsed() > Duration::from_secs(20) {
            break answer;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(text(&ready.expect(503).json(), "/detail").contains("tintype check"));
    assert!(server.log().contains("checksum"), "{}", server.log());
    server.ask_to_end();
    let (_, stopped) = server.ended().await;
    let backup = data.parent().unwrap().join("backup");
    let failed = run(&data, &["backup", backup.to_str().unwrap()]);
    assert!(!failed.status.success() && said(&failed).contains("damaged"), "{}", said(&failed));
    assert!(!run(&data, &["check"]).status.success());
    drop(run(&data, &["check", "--repair"]));
    let recovered = run(&data, &["recover"]);
    assert!(recovered.status.success(), "{}", said(&recovered));
    let server = stopped.start().await;
    assert_eq!(images(&server).await.len(), IMAGES);
    assert_eq!(blobs(&data), saved);
    server.client().get("/readyz").send().await.expect(200);
}
