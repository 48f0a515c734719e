//! An export whose process is killed leaves no half file, and the next run goes on. What loses its server tells how
//! far it came.

use crate::library::{Library, json_at, read, sidecars, stderr, uploaded};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Child, thread::sleep, time::Duration, time::Instant};
use tintype_tests::{PATIENCE, Server, sha256, text};

const PICTURES: u8 = 40;
/// How many of them are done before something breaks.
const ENOUGH: usize = 5;

async fn many() -> Library {
    let library = Library::empty().await;
    let client = library.client();
    for shade in 0..PICTURES {
        uploaded(&client, shade, json!({ "title": format!("picture {shade}") })).await;
    }
    library
}

/// Runs an export and kills it once some pictures are there; how many are.
fn killed(library: &Library, arguments: &[&str], folder: &str) -> usize {
    let mut child = library.command(arguments).spawn().unwrap();
    let began = Instant::now();
    let folder = library.path(folder);
    while sidecars_named(&folder) < ENOUGH {
        assert!(began.elapsed() < PATIENCE, "nothing is written");
        sleep(Duration::from_micros(200));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    sidecars_named(&folder)
}

fn sidecars_named(folder: &Path) -> usize {
    let months = fs::read_dir(folder.join("pictures")).into_iter().flatten();
    let files = months.flat_map(|month| fs::read_dir(month.unwrap().path()).into_iter().flatten());
    files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "json")).count()
}

#[tokio::test]
async fn a_killed_export_is_whole_as_far_as_it_came_and_goes_on() {
    let library = many().await;
    let there = killed(&library, &["export", "out"], "out");
    assert!(there < usize::from(PICTURES), "it was too quick to be killed");
    assert_eq!(json_at(&library.path("out/tintype-export.json"))["complete"], false);
    for (path, image) in sidecars(&library.path("out")) {
        let picture = fs::read(path.with_file_name(text(&image, "/file"))).unwrap();
        assert_eq!(sha256(&picture), text(&image, "/sha256"));
    }
    // It can be imported as far as it came.
    let other = Library::empty().await;
    let report = other.json(&["import", &library.path("out").display().to_string(), "--json"]);
    assert_eq!(report["new"], there);
    let report = library.json(&["export", "out", "--json"]);
    assert_eq!(report["there"], there);
    let export = read(&library.path("out"));
    assert_eq!((&export["complete"], &export["count"]), (&json!(true), &json!(PICTURES)));
}

#[tokio::test]
async fn two_exports_do_not_write_to_one_place() {
    let library = many().await;
    for (place, folder) in [("out", "out"), ("out.zip", "out.zip.parts")] {
        let first = library.command(&["export", place]).spawn().unwrap();
        let began = Instant::now();
        while sidecars_named(&library.path(folder)) == 0 {
            assert!(began.elapsed() < PATIENCE, "nothing is written");
            sleep(Duration::from_micros(200));
        }
        signal(&first, Signal::STOP);
        let second = library.run(&["export", place]);
        signal(&first, Signal::CONT);
        assert_eq!(second.status.code(), Some(2), "{}", stderr(&second));
        assert!(stderr(&second).contains("another export is writing"), "{}", stderr(&second));
        assert!(first.wait_with_output().unwrap().status.success());
        let report = library.json(&["export", place, "--json"]);
        assert_eq!((&report["new"], &report["images"]), (&json!(0), &json!(PICTURES)));
    }
}

#[tokio::test]
async fn a_killed_export_to_a_zip_goes_on_and_leaves_the_zip_alone() {
    let library = many().await;
    fs::write(library.path("other.zip"), "not ours").unwrap();
    let there = killed(&library, &["export", "out.zip"], "out.zip.parts");
    assert!(!library.path("out.zip").exists());
    let report = library.json(&["export", "out.zip", "--json"]);
    assert_eq!((&report["there"], &report["images"]), (&json!(there), &json!(PICTURES)));
    assert!(!library.path("out.zip.parts").exists());
    let refused = library.run(&["export", "other.zip"]);
    assert!(!refused.status.success());
    assert_eq!(fs::read(library.path("other.zip")).unwrap(), b"not ours");
    assert!(!library.path("other.zip.parts").exists());
}

fn signal(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
}

/// Takes the server away from a command once that `has_begun`; the report that it prints all the same.
async fn left_alone(child: Child, server: Server, has_begun: impl AsyncFn() -> bool) -> Value {
    let began = Instant::now();
    while !has_begun().await {
        assert!(began.elapsed() < PATIENCE, "nothing is done");
        sleep(Duration::from_micros(200));
    }
    // It rests until its server is gone.
    signal(&child, Signal::STOP);
    drop(server.kill());
    signal(&child, Signal::CONT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(stderr(&output).contains(" again: "), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["complete"], false);
    report
}

#[tokio::test]
async fn an_export_that_loses_its_server_tells_how_far_it_came() {
    let library = many().await;
    let child = library.command(&["export", "out.zip", "--json"]).spawn().unwrap();
    let parts = library.path("out.zip.parts");
    let report = left_alone(child, library.server, async || sidecars_named(&parts) >= ENOUGH).await;
    assert_eq!(report["images"], sidecars_named(&parts));
    assert_eq!(report["new"], report["images"]);
}

#[tokio::test]
async fn an_import_that_loses_its_server_tells_how_far_it_came() {
    let (library, other) = (many().await, Library::empty().await);
    library.print(&["export", "out"]);
    let out = library.path("out").display().to_string();
    let child = other.command(&["import", &out, "--json"]).spawn().unwrap();
    let client = other.client();
    let has_begun = async || {
        let listed = client.get("/images").send().await.expect(200).json();
        listed["items"].as_array().unwrap().len() >= ENOUGH
    };
    let report = left_alone(child, other.server, has_begun).await;
    let new = report["new"].as_u64().unwrap();
    assert!(new >= ENOUGH as u64 - 1 && new < u64::from(PICTURES), "{new}");
}
