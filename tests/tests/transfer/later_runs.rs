//! What an export holds stays, whatever later runs export into it.

use crate::library::{Library, read, stderr};
use serde_json::{Value, json};
use std::fs;
use tintype_tests::text;

const FORMS: [&str; 2] = ["out", "out.zip"];

/// What another library has once it imported this export.
async fn comes_back(library: &Library, form: &str) -> Value {
    let other = Library::empty().await;
    let report = other.json(&["import", &library.path(form).display().to_string(), "--json"]);
    assert_eq!((&report["failed"], &report["parents_left_out"]), (&json!(0), &json!(0)), "{report:#}");
    other.print(&["export", "again"]);
    read(&other.path("again"))
}

/// The path of the only image that `list` finds with these flags.
fn path_of(library: &Library, flags: &[&str]) -> String {
    let listed = library.json(&[&["list", "--json"][..], flags].concat());
    assert_eq!(listed.as_array().unwrap().len(), 1);
    format!("/images/{}", text(&listed[0], "/id"))
}

async fn delete(library: &Library, path: String, status: u16) {
    library.client().request("DELETE", path).send().await.expect(status);
}

#[tokio::test]
async fn a_run_with_a_narrower_filter_leaves_what_is_there() {
    for form in FORMS {
        let library = Library::full().await;
        library.print(&["export", form]);
        let before = comes_back(&library, form).await;
        let report = library.json(&["export", form, "--tag", "red", "--json"]);
        assert_eq!((&report["there"], &report["images"]), (&json!(1), &json!(4)), "{form}");
        assert_eq!(comes_back(&library, form).await, before, "{form}");
        assert!(!library.path("out.zip.parts").exists());
    }
}

#[tokio::test]
async fn a_picture_that_was_erased_stays() {
    for form in FORMS {
        let library = Library::full().await;
        library.print(&["export", form]);
        let before = comes_back(&library, form).await;
        delete(&library, format!("{}?permanent=true", path_of(&library, &["--tag", "red"])), 204).await;
        let report = library.json(&["export", form, "--json"]);
        assert_eq!((&report["there"], &report["images"]), (&json!(3), &json!(4)), "{form}");
        assert_eq!(comes_back(&library, form).await, before, "{form}");
    }
}

#[tokio::test]
async fn a_picture_that_was_trashed_stays() {
    for form in FORMS {
        let library = Library::full().await;
        library.print(&["export", form]);
        let before = comes_back(&library, form).await;
        delete(&library, path_of(&library, &["--favorite"]), 200).await;
        assert_eq!(library.json(&["export", form, "--json"])["images"], 4, "{form}");
        assert_eq!(comes_back(&library, form).await, before, "{form}");
    }
}

#[tokio::test]
async fn a_collection_that_was_deleted_stays_with_its_pictures() {
    for form in FORMS {
        let library = Library::full().await;
        library.print(&["export", form]);
        let before = comes_back(&library, form).await;
        let collections = library.json(&["collections", "--json"]);
        for collection in collections.as_array().unwrap() {
            delete(&library, format!("/collections/{}", text(collection, "/id")), 204).await;
        }
        library.print(&["export", form]);
        assert_eq!(comes_back(&library, form).await, before, "{form}");
    }
}

#[tokio::test]
async fn a_zip_that_holds_what_can_not_be_read_is_left_as_it_is() {
    let library = Library::full().await;
    library.print(&["export", "out.zip"]);
    let path = path_of(&library, &["--tag", "red"]);
    let picture = library.client().get(format!("{path}/content")).send().await.expect(200).body;
    delete(&library, format!("{path}?permanent=true"), 204).await;
    let mut zip = fs::read(library.path("out.zip")).unwrap();
    let at = zip.windows(picture.len()).position(|bytes| bytes == picture).unwrap();
    zip[at] ^= 1;
    fs::write(library.path("out.zip"), &zip).unwrap();
    let output = library.run(&["export", "out.zip"]);
    assert!(!output.status.success());
    assert!(stderr(&output).contains("the zip stays as it was"), "{}", stderr(&output));
    assert!(fs::read(library.path("out.zip")).unwrap() == zip);
}
