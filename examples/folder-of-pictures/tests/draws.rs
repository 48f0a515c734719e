//! The example draws the prompts that lie beside it, and started again it finds them drawn.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

use std::{collections::BTreeMap, fs, path::Path, process::Command};

/// Starts it on its prompts; the pictures that are in `folder` then, by name.
fn pictures(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let prompts = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts.txt");
    let output =
        Command::new(env!("CARGO_BIN_EXE_folder-of-pictures")).arg(prompts).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
}

#[test]
fn a_picture_of_each_prompt_is_left_and_stays_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let first = pictures(folder.path());
    assert_eq!(Vec::from_iter(first.keys()), ["blue-car.png", "cat-face.png", "red-heart.png"]);
    assert!(first.values().all(|picture| picture.starts_with(b"\x89PNG")));
    assert!(pictures(folder.path()) == first, "started again, it drew other pictures");
}
