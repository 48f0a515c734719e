//! What can't be taken is told with what to do about it.

use crate::library::{Library, json_at, stderr};
use serde_json::json;
use std::{fs, process::Output};

/// Where a zip tells how a file is packed: so many bytes after this, in its own head and in the list of all.
const METHODS: [(&[u8], usize); 2] = [(b"PK\x03\x04", 8), (b"PK\x01\x02", 10)];
const DEFLATED: u8 = 8;

/// `zip`, which another program could have packed.
fn deflated(mut zip: Vec<u8>) -> Vec<u8> {
    for (head, offset) in METHODS {
        let places: Vec<_> = (0..zip.len() - offset).filter(|at| zip[*at..].starts_with(head)).collect();
        for at in places {
            zip[at + offset] = DEFLATED;
        }
    }
    zip
}

fn is_told(output: &Output, advice: &str) {
    assert_eq!(output.status.code(), Some(1), "{}", stderr(output));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(stderr(output).contains(advice) && printed.contains(advice), "{printed}{}", stderr(output));
}

#[tokio::test]
async fn of_a_zip_that_another_program_packed_it_is_told_to_unpack_it() {
    let library = Library::full().await;
    library.print(&["export", "out.zip"]);
    let zip = deflated(fs::read(library.path("out.zip")).unwrap());
    fs::write(library.path("out.zip"), zip).unwrap();
    is_told(&library.run(&["import", "out.zip"]), "unpack it, and take the folder");
}

#[tokio::test]
async fn of_a_later_form_it_is_told_what_can_read_it() {
    let library = Library::full().await;
    library.print(&["export", "out"]);
    let path = library.path("out/tintype-export.json");
    let mut manifest = json_at(&path);
    manifest["version"] = json!(2);
    fs::write(path, manifest.to_string()).unwrap();
    is_told(&library.run(&["import", "out"]), "take the tintype that wrote it, or a newer one");
}
