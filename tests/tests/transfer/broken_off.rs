//! An export whose process is killed leaves no half file, and the next run goes on.

use crate::library::{Library, json_at, read, sidecars, uploaded};
use serde_json::json;
use std::{fs, thread::sleep, time::Duration, time::Instant};
use tintype_tests::{PATIENCE, sha256, text};

const PICTURES: u8 = 40;

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
    while sidecars_named(library, folder) < 5 {
        assert!(began.elapsed() < PATIENCE, "nothing is written");
        sleep(Duration::from_micros(200));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    sidecars_named(library, folder)
}

fn sidecars_named(library: &Library, folder: &str) -> usize {
    let months = fs::read_dir(library.path(folder).join("pictures")).into_iter().flatten();
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
}
