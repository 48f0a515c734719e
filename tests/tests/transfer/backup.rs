//! A backup while the server runs, and a server on what was restored.

use crate::library::{Library, stderr, uploaded};
use serde_json::json;
use std::fs;
use tintype_tests::{Server, Settings, sha256, text};

#[tokio::test]
async fn a_server_on_a_restored_backup_shows_the_same_library() {
    let library = Library::full().await;
    let data = library.server.data().display().to_string();
    let report = library.json(&["backup", "copy", "--data", &data, "--json"]);
    assert_eq!((&report["blobs"], &report["new"], &report["missing"]), (&json!(5), &json!(5), &json!([])));
    let before = library.everything().await;
    // What comes later is not in it.
    uploaded(&library.client(), 9, json!({})).await;
    let restored = tempfile::tempdir().unwrap();
    let at = restored.path().join("data").display().to_string();
    library.print(&["restore-backup", "copy", "--data", &at]);
    let server = Server::start_on(restored, Settings::noop()).await;
    let again = Library { server, folder: tempfile::tempdir().unwrap() };
    assert_eq!(again.everything().await, before);
    for image in before[0].as_array().unwrap() {
        let path = format!("/images/{}/content", text(image, "/id"));
        let answer = again.client().get(path).send().await.expect(200);
        assert_eq!(sha256(&answer.body), text(image, "/sha256"));
    }
    let second = library.json(&["backup", "copy", "--data", &data, "--json"]);
    assert_eq!((&second["blobs"], &second["new"]), (&json!(6), &json!(1)));
    let found = again.json(&["list", "square", "--json"]);
    assert_eq!(found.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_the_library_had_lost_is_not_counted_as_restored_and_named() {
    let library = Library::full().await;
    let data = library.server.data();
    let lost = text(&library.everything().await[0][0], "/sha256").to_owned();
    fs::remove_file(data.join("blobs").join(&lost[..2]).join(&lost[2..4]).join(&lost)).unwrap();
    let copied = library.run(&["backup", "copy", "--data", &data.display().to_string()]);
    assert_eq!(copied.status.code(), Some(1), "{}", stderr(&copied));
    let restored = stderr(&library.run(&["restore-backup", "copy", "--data", "again"]));
    assert!(restored.contains("4 pictures and results are back"), "{restored}");
    assert!(
        restored.contains(&format!("1 of 5 pictures and results are missing; the first is {lost}")),
        "{restored}"
    );
}

#[tokio::test]
async fn secrets_are_not_in_a_backup() {
    let library = Library::full().await;
    let data = library.server.data();
    library.print(&["backup", "copy", "--data", &data.display().to_string()]);
    let mut names: Vec<_> = fs::read_dir(library.path("copy"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["blobs", "tintype-backup.json", "tintype.db"]);
}

#[tokio::test]
async fn a_folder_that_holds_something_is_left_alone() {
    let library = Library::full().await;
    let data = library.server.data().display().to_string();
    library.print(&["backup", "copy", "--data", &data]);
    let refused = library.run(&["restore-backup", "copy", "--data", &data]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("not empty"), "{}", stderr(&refused));
    assert_eq!(library.run(&["backup", &data, "--data", &data]).status.code(), Some(2));
    assert_eq!(library.run(&["backup", "x", "--data", "nowhere"]).status.code(), Some(3));
    assert_eq!(library.run(&["restore-backup", "nowhere"]).status.code(), Some(3));
}

#[tokio::test]
async fn a_copy_is_not_made_inside_of_what_it_is_of() {
    let library = Library::full().await;
    let data = library.server.data().display().to_string();
    let refused = library.run(&["backup", &format!("{data}/new/copy"), "--data", &data]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    library.print(&["backup", "copy", "--data", &data]);
    let refused = library.run(&["restore-backup", "copy", "--data", "copy/again"]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
}

#[tokio::test]
async fn a_backup_without_its_database_is_none() {
    let library = Library::full().await;
    library.print(&["backup", "copy", "--data", &library.server.data().display().to_string()]);
    fs::remove_file(library.path("copy/tintype.db")).unwrap();
    let refused = library.run(&["restore-backup", "copy", "--data", "again"]);
    assert_eq!(refused.status.code(), Some(3), "{}", stderr(&refused));
    assert!(!library.path("again").exists());
}

#[tokio::test]
async fn two_backups_to_one_folder_are_made_one_after_the_other() {
    let library = Library::full().await;
    let data = library.server.data().display().to_string();
    let arguments = ["backup", "copy", "--data", &data];
    let both = [(); 2].map(|()| library.command(&arguments).spawn().unwrap());
    for one in both {
        let output = one.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
    library.print(&["restore-backup", "copy", "--data", "again"]);
}

#[tokio::test]
async fn a_backup_that_is_killed_leaves_the_one_of_before_whole_and_can_be_repeated() {
    let library = Library::full().await;
    let data = library.server.data().display().to_string();
    library.print(&["backup", "copy", "--data", &data]);
    let before = fs::read(library.path("copy/tintype.db")).unwrap();
    for shade in 10..30 {
        uploaded(&library.client(), shade, json!({})).await;
    }
    let mut child = library.command(&["backup", "copy", "--data", &data]).spawn().unwrap();
    while !library.path("copy/tintype.db.part").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it was too quick to be killed");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let is_unfinished = library.path("copy/tintype.db.part").exists();
    assert_eq!(fs::read(library.path("copy/tintype.db")).unwrap() == before, is_unfinished);
    let restored = library.json(&["restore-backup", "copy", "--data", "again", "--json"]);
    let blobs = if is_unfinished { 5 } else { 25 };
    assert_eq!((&restored["blobs"], &restored["missing"]), (&json!(blobs), &json!([])));
    // The lock went with the process.
    let report = library.json(&["backup", "copy", "--data", &data, "--json"]);
    assert_eq!((&report["blobs"], &report["missing"]), (&json!(25), &json!([])));
    assert!(!library.path("copy/tintype.db.part").exists());
}
