//! An export, imported and exported again, is the same.

use crate::library::{Library, made, read, sidecars, stderr, uploaded};
use serde_json::{Value, json};
use std::fs;
use tintype_core::domain::limits;
use tintype_tests::{pictures, text};

#[tokio::test]
async fn an_export_imported_and_exported_again_is_equal() {
    let here = Library::full().await;
    here.print(&["export", "out"]);
    let out = here.path("out");
    let first = read(&out);
    assert_eq!(
        (&first["complete"], &first["version"], &first["count"]),
        (&json!(true), &json!(1), &json!(4))
    );
    for (name, form) in [("folder", "out"), ("zip", "out.zip")] {
        here.print(&["export", form]);
        let there = Library::empty().await;
        let printed = there.print(&["import", &here.path(form).display().to_string()]);
        assert_eq!(printed.lines().filter(|line| line.starts_with("new\t")).count(), 4, "{name}: {printed}");
        there.print(&["export", "again"]);
        assert_eq!(read(&there.path("again")), first, "{name}");
    }
}

#[tokio::test]
async fn what_is_imported_again_is_there_already_and_unchanged() {
    let here = Library::full().await;
    here.print(&["export", "out"]);
    let before = here.everything().await;
    let report = here.json(&["import", "out", "--json"]);
    assert_eq!((&report["new"], &report["there"], &report["failed"]), (&json!(0), &json!(4), &json!(0)));
    assert_eq!(here.everything().await, before);
}

#[tokio::test]
async fn a_picture_that_is_there_gets_what_the_export_knows_of_it() {
    let (here, there) = (Library::full().await, Library::empty().await);
    here.print(&["export", "out"]);
    let client = there.client();
    made(&client, "HEARTS", None).await;
    let mine = uploaded(&client, 1, json!({ "tags": ["mine"], "title": "my own", "rating": 1 })).await;
    there.print(&[
        "import",
        &here.path("out").display().to_string(),
        "--tag",
        "from here",
        "--collection",
        "new ones",
    ]);
    let path = format!("/images/{}", text(&mine, "/id"));
    let merged = client.get(path).send().await.expect(200).json();
    assert_eq!((&merged["title"], &merged["rating"]), (&json!("my own"), &json!(1)));
    assert_eq!((&merged["note"], &merged["favorite"]), (&json!("two\nlines"), &json!(true)));
    assert_eq!(merged["tags"], json!(["from here", "mine"]));
    assert_eq!(merged["collections"].as_array().unwrap().len(), 2);
    let names = there.print(&["collections"]);
    let names: Vec<_> = names.lines().map(|line| line.split('\t').nth(1).unwrap()).collect();
    assert_eq!(names, ["empty", "HEARTS", "new ones"]);
    let listed = there.json(&["list", "--collection", "hearts", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let child = there.json(&["list", "--parent", text(&mine, "/id"), "--json"]);
    assert_eq!(child[0]["parent"]["relation"], "variant");
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let (here, there) = (Library::full().await, Library::empty().await);
    here.print(&["export", "out"]);
    let client = there.client();
    uploaded(&client, 1, json!({})).await;
    let before = there.everything().await;
    let out = here.path("out").display().to_string();
    let report = there.json(&["import", &out, "--dry-run", "--json", "--tag", "x", "--collection", "y"]);
    assert_eq!((&report["new"], &report["there"], &report["failed"]), (&json!(3), &json!(1), &json!(0)));
    assert_eq!(there.everything().await, before);
    assert_eq!(report["parents_left_out"], 0);
    let done = there.json(&["import", &out, "--json"]);
    for number in ["new", "there", "failed", "parents_left_out"] {
        assert_eq!(done[number], report[number], "{number}");
    }
}

#[tokio::test]
async fn a_second_run_brings_what_is_new_and_keeps_the_names_it_gave() {
    let here = Library::full().await;
    here.print(&["export", "out"]);
    let first = sidecars(&here.path("out"));
    let client = here.client();
    let renamed = text(&first[1].1, "/id").to_owned();
    let edit = json!({ "title": "another name" });
    client.request("PATCH", format!("/images/{renamed}")).json(&edit).send().await.expect(200);
    uploaded(&client, 9, json!({})).await;
    // One that was damaged since.
    fs::write(first[2].0.with_file_name(text(&first[2].1, "/file")), "not the picture").unwrap();
    let report = here.json(&["export", "out", "--json"]);
    let counts = ["new", "updated", "there", "gone"].map(|name| report[name].as_u64().unwrap());
    assert_eq!(counts, [2, 1, 2, 0]);
    let second = read(&here.path("out"));
    assert_eq!(second["count"], 5);
    let names = |sidecars: &[(std::path::PathBuf, Value)]| -> Vec<_> {
        sidecars.iter().map(|(path, _)| path.clone()).collect()
    };
    let paths = names(&sidecars(&here.path("out")));
    assert!(names(&first).iter().all(|path| paths.contains(path)));
}

#[tokio::test]
async fn a_zip_is_brought_up_to_date_without_fetching_what_it_holds() {
    let here = Library::full().await;
    here.print(&["export", "out.zip"]);
    uploaded(&here.client(), 9, json!({})).await;
    let report = here.json(&["export", "out.zip", "--json"]);
    assert_eq!((&report["new"], &report["images"]), (&json!(1), &json!(5)));
    assert!(!here.path("out.zip.parts").exists() && !here.path("out.zip.tmp").exists());
    let there = Library::empty().await;
    let report = there.json(&["import", &here.path("out.zip").display().to_string(), "--json"]);
    assert_eq!(report["new"], 5);
}

#[tokio::test]
async fn the_filters_of_the_list_choose_what_is_exported() {
    let here = Library::full().await;
    for (arguments, count) in [
        (&["--favorite"][..], 1),
        (&["square"][..], 1),
        (&["--collection", "hearts"][..], 2),
        (&["--has-parent"][..], 2),
        (&["--has-parent=false"][..], 2),
        (&["--trash"][..], 1),
        (&["--tag", "red", "--seed", "7"][..], 1),
        (&["--to", "2020-01-01"][..], 1),
    ] {
        let to = arguments.join("").replace(['-', '='], "");
        let report = here.json(&[&["export", &to, "--json"][..], arguments].concat());
        assert_eq!(report["images"], count, "{arguments:?}");
    }
    let failed = here.run(&["export", "x", "--collection", "heart"]);
    assert_eq!(failed.status.code(), Some(3));
    assert!(stderr(&failed).contains("perhaps \"Hearts\""), "{}", stderr(&failed));
    let failed = here.run(&["export", "x", "--rating", "9"]);
    assert_eq!(failed.status.code(), Some(5), "{}", stderr(&failed));
    assert!(!here.path("x").exists());
}

#[tokio::test]
async fn a_picture_whose_parent_is_not_exported_comes_without_it() {
    let (here, there) = (Library::full().await, Library::empty().await);
    here.print(&["export", "out", "--to", "2020-01-01"]);
    let report = there.json(&["import", &here.path("out").display().to_string(), "--json"]);
    assert_eq!((&report["new"], &report["parents_left_out"]), (&json!(1), &json!(1)));
    let listed = there.json(&["list", "--json"]);
    assert_eq!((&listed[0]["parent"], &listed[0]["seed"]), (&Value::Null, &json!(9)));
}

#[tokio::test]
async fn a_picture_without_its_json_is_imported_as_one_of_a_folder() {
    let (here, there) = (Library::full().await, Library::empty().await);
    for form in ["out", "out.zip"] {
        here.print(&["export", form]);
    }
    let (sidecar, _) = sidecars(&here.path("out")).remove(0);
    fs::write(sidecar.with_file_name("holiday.png"), pictures::png(77)).unwrap();
    fs::remove_file(sidecar).unwrap();
    let (other, known) = sidecars(&here.path("out")).remove(0);
    let copy = other.with_file_name("a-copy.png");
    fs::copy(other.with_file_name(text(&known, "/file")), copy).unwrap();
    fs::write(other.with_file_name("._copy.png"), "no picture").unwrap();
    let out = here.path("out").display().to_string();
    assert_eq!(there.json(&["import", &out, "--dry-run", "--json"])["new"], 5);
    let report = there.json(&["import", &out, "--json"]);
    assert_eq!((&report["new"], &report["there"], &report["failed"]), (&json!(5), &json!(1), &json!(0)));
    let listed = there.json(&["list", "--all", "--json"]);
    let same = |image: &&Value| image["sha256"] == known["sha256"];
    assert_eq!(listed.as_array().unwrap().iter().find(same).unwrap()["saved_at"], known["saved_at"]);
    assert_eq!(there.json(&["import", &here.path("out.zip").display().to_string(), "--json"])["there"], 4);
}

#[tokio::test]
async fn what_a_picture_has_no_room_for_is_told() {
    let here = Library::empty().await;
    let tags: Vec<_> = (1..limits::TAGS_MAX).map(|n| format!("tag {n}")).collect();
    uploaded(&here.client(), 1, json!({ "tags": tags })).await;
    fs::write(here.path("again.png"), pictures::png(1)).unwrap();
    let told = here.run(&["import", "again.png", "--tag", "one", "--tag", "TAG 1", "--tag", "two"]);
    assert!(told.status.success());
    let told = stderr(&told);
    assert!(told.contains("no room for the tag \"two\"") && !told.contains("one"), "{told}");
}

#[tokio::test]
async fn what_is_no_export_is_not_written_into() {
    let here = Library::full().await;
    fs::create_dir(here.path("photos")).unwrap();
    fs::write(here.path("photos/mine.txt"), "mine").unwrap();
    let failed = here.run(&["export", "photos"]);
    assert_eq!(failed.status.code(), Some(2), "{}", stderr(&failed));
    assert_eq!(fs::read_dir(here.path("photos")).unwrap().count(), 1);
    let failed = here.run(&["export", "photos/mine.txt"]);
    assert_eq!(failed.status.code(), Some(2), "{}", stderr(&failed));
    assert!(stderr(&failed).contains("is no folder"), "{}", stderr(&failed));
    here.print(&["export", "out"]);
    let later = r#"{"format": "tintype-export", "version": 99}"#;
    fs::write(here.path("out/tintype-export.json"), later).unwrap();
    assert!(!here.run(&["export", "out"]).status.success());
    assert_eq!(fs::read_to_string(here.path("out/tintype-export.json")).unwrap(), later);
}

#[tokio::test]
async fn a_picture_whose_bytes_the_server_has_lost_is_told_and_keeps_no_other_back() {
    let here = Library::full().await;
    let listed = here.json(&["list", "--json"]);
    for (n, damage) in [(0, Some("something else")), (1, None)] {
        let sha256 = text(&listed[n], "/sha256");
        let path = here.server.data().join("blobs").join(&sha256[..2]).join(&sha256[2..4]).join(sha256);
        match damage {
            Some(damage) => fs::write(path, damage).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
    }
    let output = here.run(&["export", "out", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["new"], &report["gone"]), (&json!(2), &json!(0)));
    assert_eq!(report["failed"].as_array().unwrap().len(), 2);
    assert_eq!(crate::library::json_at(&here.path("out/tintype-export.json"))["complete"], false);
}
