//! Files that no export wrote. Those of other tools are made by `tests/readers/run`.

use crate::library::{Library, sidecars, stderr};
use serde_json::json;
use std::{fs, os::unix::fs::symlink, path::Path, process::Command};
use tintype_provenance::{Parameters, write};
use tintype_tests::{pictures, text};

fn picture(seed: u64) -> Vec<u8> {
    let parameters = Parameters {
        prompt: Some("a fox".to_owned()),
        steps: Some(20),
        guidance_scale: Some(7.5),
        seed: Some(seed),
        model: Some("dreamshaper".to_owned()),
        scheduler: Some("euler".to_owned()),
        ..Parameters::default()
    };
    write(&pictures::png(1), &parameters).unwrap()
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[tokio::test]
async fn a_folder_is_looked_through_and_what_can_not_be_read_is_told_by_name() {
    let library = Library::empty().await;
    let folder = library.path("in");
    fs::create_dir_all(folder.join("deep/thumbnails")).unwrap();
    fs::write(folder.join("one.png"), picture(7)).unwrap();
    fs::write(folder.join("deep/copy.PNG"), picture(7)).unwrap();
    fs::write(folder.join("deep/plain.png"), pictures::png(2)).unwrap();
    fs::write(folder.join("deep/thumbnails/small.webp"), pictures::png(3)).unwrap();
    fs::write(folder.join("deep/.hidden.png"), pictures::png(3)).unwrap();
    fs::write(folder.join("notes.txt"), "text").unwrap();
    fs::write(folder.join("bad.png"), "text").unwrap();
    fs::write(folder.join("cut.png"), &pictures::png(4)[..60]).unwrap();
    fs::write(folder.join("huge.png"), pictures::huge_png()).unwrap();
    fs::write(folder.join("large.jpg"), vec![0; 20 * 1024 * 1024 + 1]).unwrap();
    let dry = library.run(&["import", "in", "gone.png", "--dry-run"]);
    assert_eq!(library.everything().await, json!([[], [], []]));
    let wet = library.run(&["import", "in", "gone.png"]);
    for output in [&dry, &wet] {
        assert_eq!(output.status.code(), Some(1), "{}", stderr(output));
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let outcomes: Vec<_> = printed
            .lines()
            .map(|line| {
                let mut parts = line.split('\t');
                (parts.next().unwrap(), parts.next().unwrap())
            })
            .collect();
        let folder = |name: &str| format!("in/{name}");
        let expected = [
            ("failed", "gone.png".to_owned()),
            ("failed", folder("bad.png")),
            ("failed", folder("cut.png")),
            ("new", folder("deep/copy.PNG")),
            ("new", folder("deep/plain.png")),
            ("failed", folder("huge.png")),
            ("failed", folder("large.jpg")),
            ("there", folder("one.png")),
        ];
        let expected: Vec<_> = expected.iter().map(|(outcome, name)| (*outcome, name.as_str())).collect();
        assert_eq!(outcomes, expected);
        for reason in ["large.jpg: is larger than 20 MB", "pixels", "5 of 8 could not be imported"] {
            assert!(stderr(output).contains(reason), "{reason}: {}", stderr(output));
        }
    }
    let listed = library.json(&["list", "--model", "dreamshaper", "--seed", "7", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["request"]["width"], 8);
    assert_eq!(listed[0]["labels"]["tool"], "tintype");
}

#[tokio::test]
async fn a_name_that_would_steer_the_terminal_is_a_part_of_its_line() {
    let library = Library::empty().await;
    fs::create_dir(library.path("in")).unwrap();
    fs::write(library.path("in/a\u{1b}[2J\nnew\tb.png"), pictures::png(1)).unwrap();
    fs::write(library.path("in/c\u{1b}[2J\nnew\td.png"), "text").unwrap();
    let output = library.run(&["import", "in"]);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let outcomes: Vec<_> = printed.lines().map(|line| line.split('\t').take(2).collect::<Vec<_>>()).collect();
    assert_eq!(outcomes, [["new", "in/a [2J new b.png"], ["failed", "in/c [2J new d.png"]]);
    let told = stderr(&output);
    assert!(told.contains("in/c [2J new d.png: ") && !told.contains('\u{1b}'), "{told:?}");
}

#[tokio::test]
async fn what_is_no_file_is_told_by_name_and_not_waited_for() {
    let library = Library::empty().await;
    fs::create_dir(library.path("in")).unwrap();
    pipe(&library.path("in/pipe.png"));
    pipe(&library.path("export.zip"));
    symlink("nowhere", library.path("in/link.png")).unwrap();
    let report = library.run(&["import", "in", "export.zip"]);
    assert_eq!(report.status.code(), Some(1));
    for problem in
        ["export.zip: is no file", "in/link.png: is a link to what is not there", "in/pipe.png: is no file"]
    {
        assert!(stderr(&report).contains(problem), "{}", stderr(&report));
    }
}

#[tokio::test]
async fn a_pipe_in_an_export_is_told_and_not_waited_for() {
    let library = Library::full().await;
    library.print(&["export", "out"]);
    let (path, image) = sidecars(&library.path("out")).remove(0);
    let picture = path.with_file_name(text(&image, "/file"));
    fs::remove_file(&picture).unwrap();
    pipe(&picture);
    let output = library.run(&["import", "out"]);
    assert!(stderr(&output).contains("is no file"), "{}", stderr(&output));
}

#[tokio::test]
async fn a_file_keeps_the_time_it_was_made_at() {
    let library = Library::empty().await;
    let path = library.path("old.png");
    fs::write(&path, pictures::png(1)).unwrap();
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    fs::File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
    library.print(&["import", "old.png"]);
    assert_eq!(library.json(&["list", "--json"])[0]["saved_at"], "2020-09-13T12:26:40.000Z");
}

#[tokio::test]
async fn a_folder_without_a_picture_is_told_so() {
    let library = Library::empty().await;
    fs::create_dir(library.path("in")).unwrap();
    assert_eq!(library.run(&["import", "in"]).status.code(), Some(3));
}
