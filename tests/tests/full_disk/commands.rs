//! The commands on a full disk, and against a server on one.

use crate::{
    disk::Disk,
    library::{Acknowledged, noise, until_read_only},
};
use std::{
    fs,
    path::Path,
    process::{Output, Stdio},
};
use tempfile::TempDir;
use tintype_tests::{Server, Settings, command};

/// Runs the command against the server, in a folder that is not on the full disk.
fn run(home: &TempDir, server: &Server, arguments: &[&str]) -> Output {
    let mut command = command(home.path());
    command.args(arguments).env("TINTYPE_SERVER", format!("http://{}", server.address()));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

async fn full(disk: &Disk) -> (Server, Acknowledged) {
    let server = Server::start_in(&disk.data(), Settings::noop().workers(0)).await;
    let mut acknowledged = Acknowledged::default();
    for _ in 0..10 {
        acknowledged.upload(&server.client(), 128).await;
    }
    disk.fill();
    until_read_only(&server.client(), true).await;
    (server, acknowledged)
}

pub(crate) async fn saving_importing_and_generating_say_that_the_disk_is_full() {
    let disk = Disk::small();
    let (server, mut acknowledged) = full(&disk).await;
    let home = tempfile::tempdir().unwrap();
    for n in 0..5 {
        fs::write(home.path().join(format!("{n}.png")), noise(16)).unwrap();
    }
    for arguments in [
        &["save", "0.png"][..],
        &["import", "0.png", "1.png", "2.png", "3.png", "4.png"],
        &["generate", "red heart", "--save", "-o", "heart.png"],
    ] {
        let output = run(&home, &server, arguments);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(7), "{arguments:?}: {said}");
        assert!(said.contains("disk is full") && said.contains("tintype trash IMAGE --permanent"), "{said}");
        // One refusal is enough: those that follow would fare no better.
        assert_eq!(said.matches("disk is full").count(), 1, "{said}");
    }
    // What was refused is imported once there is room.
    let first = acknowledged.images.keys().next().unwrap().clone();
    let output = run(&home, &server, &["trash", &first, "--permanent", "--yes"]);
    assert!(output.status.success(), "{}", said(&output));
    acknowledged.images.remove(&first);
    disk.drain();
    until_read_only(&server.client(), false).await;
    let output = run(&home, &server, &["import", "0.png", "1.png", "2.png", "3.png", "4.png"]);
    assert!(output.status.success() && said(&output).contains("5 new"), "{}", said(&output));
    acknowledged.check(&server.client()).await;
}

pub(crate) async fn generating_without_a_server_says_that_the_disk_is_full() {
    let disk = Disk::small();
    let (server, acknowledged) = full(&disk).await;
    server.ask_to_end();
    let (_, stopped) = server.ended().await;
    disk.fill();
    let home = tempfile::tempdir().unwrap();
    let generate = |more: &[&str]| {
        let mut generate = command(home.path());
        generate.env("TINTYPE_DATA", disk.data()).args([
            "generate",
            "red heart",
            "--local",
            "--model",
            "noop",
        ]);
        generate.args(more).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
    };
    let output = generate(&["--save", "-o", "heart.png"]);
    assert_eq!(output.status.code(), Some(7), "{}", said(&output));
    assert!(said(&output).contains("disk is full"), "{}", said(&output));
    // What is drawn can still be had.
    let output = generate(&["-o", "heart.png"]);
    assert!(output.status.success(), "{}", said(&output));
    // And the file that it goes to may be on a full disk.
    disk.fill();
    let output = generate(&["-o", &text(&disk.path("heart.png"))]);
    assert_eq!(output.status.code(), Some(7), "{}", said(&output));
    acknowledged.check(&stopped.start().await.client()).await;
}

pub(crate) async fn an_export_to_a_full_disk_goes_on_when_there_is_room() {
    let library = Disk::small();
    let (server, acknowledged) = full(&library).await;
    let target = Disk::with("size=400k");
    let home = tempfile::tempdir().unwrap();
    let to = text(&target.path("export"));
    let output = run(&home, &server, &["export", &to]);
    assert!(!output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("o space left"), "{}", said(&output));
    target.remount("size=8m");
    let output = run(&home, &server, &["export", &to]);
    assert!(output.status.success(), "{}", said(&output));
    let count = std::cell::Cell::new(0);
    crate::library::each_file(&target.path("export"), &|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(!name.contains(".tmp") && !name.contains(".part"), "{name} is left over");
        count.set(count.get() + usize::from(name.ends_with(".png")));
    });
    assert_eq!(count.get(), acknowledged.images.len());
}

pub(crate) async fn a_backup_to_a_full_disk_keeps_the_earlier_one_and_goes_on_when_there_is_room() {
    let library = Disk::small();
    let server = Server::start_in(&library.data(), Settings::noop().workers(0)).await;
    let mut acknowledged = Acknowledged::default();
    acknowledged.upload(&server.client(), 128).await;
    let earlier = acknowledged.clone();
    let target = Disk::with("size=900k");
    let home = tempfile::tempdir().unwrap();
    let (to, data) = (text(&target.path("backup")), text(&library.data()));
    let backup = || run(&home, &server, &["backup", &to, "--data", &data]);
    let output = backup();
    assert!(output.status.success(), "{}", said(&output));
    for _ in 0..20 {
        acknowledged.upload(&server.client(), 128).await;
    }
    let output = backup();
    assert_eq!(output.status.code(), Some(7), "{}", said(&output));
    assert!(said(&output).contains("there is no space left for"), "{}", said(&output));
    restored(&home, &to, "first", &earlier).await;

    target.remount("size=8m");
    let output = backup();
    assert!(output.status.success(), "{}", said(&output));
    crate::library::each_file(&target.path("backup"), &|path| {
        assert!(path.extension().is_none_or(|ending| ending != "part"), "{path:?} is left over");
    });
    restored(&home, &to, "second", &acknowledged).await;

    // To be restored on a full disk, and then on one that is not.
    let small = Disk::with("size=900k");
    let folder = text(&small.path("data"));
    let output = run(&home, &server, &["restore-backup", &to, "--data", &folder]);
    assert_eq!(output.status.code(), Some(7), "{}", said(&output));
    small.remount("size=16m");
    let output = run(&home, &server, &["restore-backup", &to, "--data", &folder]);
    assert!(output.status.success(), "{}", said(&output));
    let server = Server::start_in(&small.path("data"), Settings::noop().workers(0)).await;
    acknowledged.check(&server.client()).await;
}

/// Restores a backup and fails unless it holds just these.
async fn restored(home: &TempDir, backup: &str, name: &str, acknowledged: &Acknowledged) {
    let data = home.path().join(name);
    let mut restore = command(home.path());
    restore.args(["restore-backup", backup, "--data"]).arg(&data);
    let output = restore.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let server = Server::start_in(&data, Settings::noop().workers(0)).await;
    acknowledged.check(&server.client()).await;
    let listed = server.client().get("/images?limit=200").send().await.expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), acknowledged.images.len());
}

pub(crate) async fn a_library_on_a_full_disk_is_backed_up_with_and_without_its_server() {
    let disk = Disk::small();
    let (server, acknowledged) = full(&disk).await;
    let home = tempfile::tempdir().unwrap();
    let data = text(&disk.data());
    let output = run(&home, &server, &["backup", "first", "--data", &data]);
    assert!(output.status.success(), "{}", said(&output));
    let (first, second, third) = ("first", "second", "third");
    server.ask_to_end();
    let (_, stopped) = server.ended().await;
    disk.fill();
    let backup = |to: &str| {
        let mut backup = command(home.path());
        backup.args(["backup", to, "--data", &data]);
        backup.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
    };
    let output = backup(second);
    assert!(output.status.success(), "{}", said(&output));
    // And after a crash, which leaves the log of the database.
    let server = stopped.start().await;
    let stopped = server.kill();
    disk.fill();
    let output = backup(third);
    assert!(output.status.success(), "{}", said(&output));
    drop(stopped);
    for name in [first, second, third] {
        let backup = text(&home.path().join(name));
        restored(&home, &backup, &format!("restored-{name}"), &acknowledged).await;
    }
}
