//! The real command, as its user meets it: a server on a free port, and every verb against it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails it by panicking")]

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take to start or stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a free port with a data folder of its own; it ends with this value.
struct Server {
    child: Child,
    url: String,
    folder: TempDir,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (child, url) = serve(folder.path(), "127.0.0.1:0", arguments);
        Self { child, url, folder }
    }

    /// Asks it to stop, and waits until it did.
    fn stop(&mut self) -> i32 {
        signal(&self.child, "TERM");
        wait(&mut self.child)
    }

    /// Starts it again where it was.
    fn start_again(&mut self, arguments: &[&str]) {
        let address = self.url.trim_start_matches("http://");
        (self.child, _) = serve(self.folder.path(), address, arguments);
    }

    /// Runs the command against it, and leaves it running.
    fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = tintype(self.folder.path());
        command.args(arguments).env("TINTYPE_SERVER", &self.url);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The id of the job that waits, as soon as there is one.
    fn waiting_job(&self) -> String {
        let started = Instant::now();
        loop {
            let jobs = self.json(&["jobs", "--status", "queued", "--json"]);
            if let Some(id) = jobs[0]["id"].as_str() {
                return id.to_owned();
            }
            assert!(started.elapsed() < PATIENCE, "the job did not appear");
        }
    }

    /// Runs a verb against it, in its folder.
    fn run(&self, arguments: &[&str]) -> Output {
        tintype(self.folder.path()).args(arguments).env("TINTYPE_SERVER", &self.url).output().unwrap()
    }

    /// The same, and it must succeed: what it prints.
    fn print(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.print(arguments)).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Starts a server on the data folder in `folder`; its process and its URL.
fn serve(folder: &Path, listen: &str, arguments: &[&str]) -> (Child, String) {
    serve_telling(folder, listen, arguments, Stdio::null())
}

/// The same, with a place for what it tells.
fn serve_telling(folder: &Path, listen: &str, arguments: &[&str], log: Stdio) -> (Child, String) {
    let ready = folder.join("ready");
    let mut command = tintype(folder);
    command.args(["serve", "--listen", listen, "--model", "noop", "--ready-file"]).arg(&ready);
    let child = command.args(arguments).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    (child, format!("http://{}", wait_for_file(&ready).trim()))
}

/// Sends a signal to a process.
fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status().unwrap();
    assert!(sent.success());
}

/// Waits until a process has ended; its exit code.
fn wait(child: &mut Child) -> i32 {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().unwrap();
        }
        assert!(started.elapsed() < PATIENCE, "it did not stop");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The command in an environment that holds nothing of the person who runs the tests.
fn tintype(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tintype"));
    command.env_clear().env("HOME", folder).env("TINTYPE_DATA", folder.join("data")).current_dir(folder);
    command.stdin(Stdio::null());
    command
}

fn wait_for_file(path: &Path) -> String {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Ok(text) = fs::read_to_string(path) {
            return text;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{} did not appear", path.display());
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn a_picture_is_drawn_written_kept_listed_and_shown() {
    let server = Server::start(&[]);
    let job = server.json(&["generate", "Red heart", "--seed", "7", "--save", "--json"]);
    assert_eq!(job["status"], "succeeded");
    assert_eq!(job["files"][0], "red-heart-7.png");
    assert!(fs::read(server.folder.path().join("red-heart-7.png")).unwrap().starts_with(b"\x89PNG"));

    let id = job["saved"][0].as_str().unwrap();
    let line = server.print(&["list"]);
    assert!(line.starts_with(id) && line.contains("\tRed heart\t"), "{line}");
    assert!(server.print(&["show", id]).contains("Red heart"));
    let job_id = job["id"].as_str().unwrap();
    assert_eq!(server.json(&["show", job_id, "--json"])["id"], job_id);
    // The same bytes are the same image.
    assert_eq!(server.print(&["save", job_id, "0"]), id);
    assert_eq!(server.print(&["save", "red-heart-7.png"]), id);
    let refused = server.run(&["save", "red-heart-7.png", "1"]);
    assert_eq!((code(&refused), stderr(&refused).contains("is no job")), (2, true), "{}", stderr(&refused));
}

#[test]
fn the_path_is_on_stdout_and_no_file_is_overwritten() {
    let server = Server::start(&[]);
    let draw = ["generate", "red", "heart", "--seed", "1"];
    assert_eq!(server.print(&draw), "red-heart-1.png");
    assert_eq!(server.print(&draw), "red-heart-1-2.png");
    let several = server.print(&["generate", "x", "--seed", "1", "-n", "2", "-o", "new/"]);
    assert_eq!(several.lines().collect::<Vec<_>>(), ["new/x-1.png", "new/x-2.png"]);
    let bytes = server.run(&["generate", "x", "-o", "-"]).stdout;
    assert!(bytes.starts_with(b"\x89PNG"));
}

#[test]
fn the_name_of_a_file_chooses_what_is_written_to_it() {
    let server = Server::start(&[]);
    for (name, start) in [("a.png", b"\x89PNG".as_slice()), ("a.jpg", b"\xff\xd8\xff"), ("a.webp", b"RIFF")] {
        assert_eq!(server.print(&["generate", "x", "-o", name]), name);
        assert!(fs::read(server.folder.path().join(name)).unwrap().starts_with(start), "{name}");
    }
}

#[test]
fn a_name_and_a_format_that_contradict_each_other_are_refused_before_anything_is_drawn() {
    let server = Server::start(&[]);
    for arguments in [&["-o", "b.jpg", "--format", "png"][..], &["-o", "b.gif"]] {
        let output = server.run(&[&["generate", "x"], arguments].concat());
        assert_eq!(code(&output), 2, "{arguments:?}: {}", stderr(&output));
    }
    assert_eq!(server.json(&["jobs", "--json"]), Value::Array(Vec::new()));
}

#[test]
fn a_job_is_shown_with_all_that_is_known_of_it() {
    let server = Server::start(&[]);
    let job = server.json(&["generate", "Red heart", "--seed", "7", "--label", "for=mum", "--json"]);
    let id = job["id"].as_str().unwrap();
    let shown = server.print(&["show", id]);
    let link = format!("{}/jobs/{id}/images/0", server.url);
    for part in
        [id, "succeeded", "Red heart", "noop", "64 \u{d7} 64", "seed 7", "for=mum", &link, "tintype save"]
    {
        assert!(shown.contains(part), "{part} is not in:\n{shown}");
    }
    let names: Vec<_> = shown.lines().filter_map(|line| line.split_whitespace().next()).collect();
    for name in ["accepted", "started", "ended", "took", "attempts", "steps", "kept", "next"] {
        assert!(names.contains(&name), "{name} is not in:\n{shown}");
    }
}

#[test]
fn a_server_whose_log_nobody_reads_any_more_stops_when_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, _) = serve_telling(folder.path(), "127.0.0.1:0", &[], Stdio::piped());
    drop(server.stderr.take());
    signal(&server, "TERM");
    assert_eq!(wait(&mut server), 0);
}

#[test]
fn a_job_that_waits_is_shown_with_its_place() {
    let server = Server::start(&["--workers", "0"]);
    let mut waiting = server.spawn(&["generate", "x"]);
    let shown = server.print(&["show", &server.waiting_job()]);
    assert!(shown.contains("queued, the next of yours"), "{shown}");
    assert!(shown.contains("tintype cancel"), "{shown}");
    waiting.kill().unwrap();
    waiting.wait().unwrap();
}

#[test]
fn an_image_goes_to_the_trash_and_back_and_away() {
    let server = Server::start(&[]);
    let saved = server.json(&["generate", "x", "--save", "--json"])["saved"][0].clone();
    let id = saved.as_str().unwrap();
    let hint = stderr(&server.run(&["trash", id]));
    assert!(hint.contains(&format!("tintype restore {id}")), "{hint}");
    assert_eq!(server.print(&["list"]), "");
    assert!(server.print(&["show", id]).contains("tintype restore"));
    assert_eq!(server.json(&["restore", id, "--json"])["id"], id);
    assert!(server.print(&["list"]).starts_with(id));

    // Nobody can be asked here.
    let unsure = server.run(&["trash", id, "--permanent"]);
    assert_eq!(code(&unsure), 2);
    assert!(stderr(&unsure).contains("--yes"), "{}", stderr(&unsure));
    assert!(server.print(&["list"]).starts_with(id));
    server.print(&["trash", id, "--permanent", "--yes"]);
    assert_eq!(code(&server.run(&["restore", id])), 3);
    assert_eq!(code(&server.run(&["trash", id])), 3);
}

#[test]
fn the_library_is_searched() {
    let server = Server::start(&[]);
    // The model has one picture in each format.
    for (prompt, format) in [("red heart", "png"), ("blue car", "webp")] {
        server.print(&["generate", prompt, "--save", "--format", format]);
    }
    assert_eq!(server.print(&["list", "hea*"]).lines().count(), 1);
    assert_eq!(server.print(&["list", "\"car blue\""]), "");
    assert_eq!(server.print(&["list", "--from", "2020-01-01", "--sort", "oldest"]).lines().count(), 2);
    assert_eq!(server.print(&["list", "--favorite"]), "");
    assert_eq!(code(&server.run(&["list", "--rating", "9"])), 5);
}

#[test]
fn the_library_is_asked_for_what_prompts_mean() {
    let server = Server::start(&[]);
    for (prompt, format) in [("a sports car in the rain", "png"), ("a bowl of noodles", "webp")] {
        server.print(&["generate", prompt, "--save", "--format", format]);
    }
    // Prompts are read a moment after the pictures are saved.
    let patience = Instant::now() + Duration::from_secs(30);
    let ask = |text| server.run(&["list", "--meaning", text]);
    while ask("vehicles").stdout.is_empty() {
        assert!(Instant::now() < patience, "the prompt was never read");
        std::thread::sleep(Duration::from_millis(100));
    }
    let found = String::from_utf8(ask("vehicles").stdout).unwrap();
    assert!(found.lines().count() == 1 && found.contains("a sports car in the rain"), "{found}");
    let answer = ask("qwrtzp");
    assert!(answer.status.success() && answer.stdout.is_empty());
    assert!(stderr(&answer).contains("not known as words: qwrtzp"), "{}", stderr(&answer));
    assert_eq!(code(&ask("")), 5);
    assert_eq!(code(&server.run(&["list", "--meaning", "vehicles", "red"])), 2);
}

#[test]
fn a_waiting_job_is_listed_canceled_and_repeated() {
    let server = Server::start(&["--workers", "0"]);
    let waiting = server.spawn(&["generate", "x"]);
    let id = server.waiting_job();
    assert_eq!(server.json(&["cancel", &id, "--json"])["status"], "canceled");
    let output = waiting.wait_with_output().unwrap();
    assert_eq!(code(&output), 6, "{}", stderr(&output));
    let repeated = server.print(&["retry", &id]);
    assert_eq!(server.json(&["show", &repeated, "--json"])["retry_of"], id.as_str());
}

#[test]
fn each_sort_of_failure_has_its_exit_code() {
    let server = Server::start(&[]);
    let nobody = "019b2c5e-6f3a-7c11-9d53-0c8a4e1f2b77";
    assert_eq!(code(&server.run(&["generate", "x", "--width", "100"])), 5);
    assert_eq!(code(&server.run(&["show", nobody])), 3);
    assert_eq!(code(&server.run(&["cancel", nobody])), 3);
    assert_eq!(code(&server.run(&["show", "../../etc/passwd"])), 3);
    assert_eq!(code(&server.run(&["save", "no-such-file.png"])), 3);
    assert_eq!(code(&server.run(&["lits"])), 2);
    assert_eq!(code(&server.run(&["list", "--server", "http://127.0.0.1:1"])), 4);
}

#[test]
fn a_refused_field_is_named_as_the_flag_it_came_from() {
    let server = Server::start(&[]);
    let output = server.run(&["generate", "x", "--width", "100"]);
    assert_eq!(stderr(&output).trim(), "error: --width is 100; must be 64");
}

#[test]
fn without_a_server_the_picture_is_drawn_here_and_can_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = tintype(folder.path())
        .args(["generate", "x", "--local", "--model", "noop", "--seed", "3", "--save", "--json"])
        .output()
        .unwrap();
    assert!(drawn.status.success(), "{}", stderr(&drawn));
    let job: Value = serde_json::from_slice(&drawn.stdout).unwrap();
    assert_eq!(job["files"][0], "x-3.png");
    assert!(job["saved"][0].is_string());
}

#[cfg(unix)]
#[test]
fn a_picture_to_be_kept_that_is_interrupted_leaves_no_job_for_the_next_server() {
    let folder = tempfile::tempdir().unwrap();
    let mut drawing = tintype(folder.path())
        .args(["generate", "red heartlet", "--local", "--save", "--steps", "50", "-n", "4"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The warning of a word that the model was never taught comes when the job is in the data folder.
    let mut said = BufReader::new(drawing.stderr.take().unwrap());
    let mut warning = String::new();
    said.read_line(&mut warning).unwrap();
    assert!(warning.contains("heartlet"), "{warning}");
    signal(&drawing, "INT");
    assert_eq!(wait(&mut drawing), 130);
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("canceled the job"), "{rest}");

    let (child, url) = serve(folder.path(), "127.0.0.1:0", &["--workers", "0"]);
    let server = Server { child, url, folder };
    assert_eq!(server.json(&["jobs", "--json"])[0]["status"], "canceled");
}

#[cfg(unix)]
#[test]
fn a_server_that_is_started_again_is_waited_for() {
    let mut server = Server::start(&["--workers", "0"]);
    let waiting = server.spawn(&["generate", "x", "--seed", "1"]);
    server.waiting_job();
    server.stop();
    // Long enough to be missed.
    std::thread::sleep(Duration::from_secs(2));
    server.start_again(&[]);
    let output = waiting.wait_with_output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "x-1.png");
    assert!(stderr(&output).contains("waiting up to"), "{}", stderr(&output));
}

#[test]
fn a_server_that_was_named_is_the_only_one_that_will_do() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        tintype(folder.path()).args(["generate", "x", "--server", "http://127.0.0.1:1"]).output().unwrap();
    assert_eq!(code(&output), 4, "{}", stderr(&output));
}

#[test]
fn a_data_folder_and_a_port_belong_to_one_server() {
    let server = Server::start(&[]);
    let second = server.run(&["serve", "--listen", "127.0.0.1:0", "--model", "noop"]);
    assert_eq!(code(&second), 1);
    assert!(stderr(&second).contains("is in use by another tintype"), "{}", stderr(&second));

    let address = server.url.trim_start_matches("http://");
    let elsewhere = server.folder.path().join("other").display().to_string();
    let third = server.run(&["serve", "--listen", address, "--data", &elsewhere, "--model", "noop"]);
    assert_eq!(code(&third), 1);
    assert!(stderr(&third).contains("in use by another program"), "{}", stderr(&third));
}

#[test]
fn others_need_a_key_and_a_key_opens_the_door() {
    let folder = tempfile::tempdir().unwrap();
    let open = tintype(folder.path()).args(["serve", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(code(&open), 2);
    assert!(stderr(&open).contains("tintype key"), "{}", stderr(&open));

    let made = tintype(folder.path()).args(["key", "alice"]).output().unwrap();
    let key = stderr(&made).split_whitespace().find(|word| word.starts_with("tt_")).unwrap().to_owned();
    let config = folder.path().join("tintype.toml");
    fs::write(&config, made.stdout).unwrap();
    let server = Server::start(&["--config", &config.display().to_string()]);
    assert_eq!(code(&server.run(&["list"])), 1);
    assert_eq!(code(&server.run(&["list", "--key", &key])), 0);
}

#[cfg(unix)]
#[test]
fn a_server_that_is_asked_to_stop_does_so_and_says_it_went_well() {
    let mut server = Server::start(&[]);
    server.print(&["generate", "x"]);
    assert_eq!(server.stop(), 0);
    assert!(!server.folder.path().join("ready").exists());
}

#[cfg(unix)]
#[test]
fn a_server_that_was_started_to_outlive_its_terminal_does() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready");
    // What nohup does: a signal that is ignored stays so in the program that is started.
    let mut command = Command::new("sh");
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", folder.path()).current_dir(folder.path());
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_tintype"), "serve"]);
    command.args(["--listen", "127.0.0.1:0", "--model", "noop", "--data"]).arg(folder.path().join("data"));
    command.arg("--ready-file").arg(&ready).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    wait_for_file(&ready);
    signal(&child, "HUP");
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it ended with its terminal");
    signal(&child, "TERM");
    assert_eq!(wait(&mut child), 0);
}

#[test]
fn a_key_with_the_scope_operate_is_printed_as_the_configuration_file_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let made = tintype(folder.path()).args(["key", "root", "--operate"]).output().unwrap();
    let section = String::from_utf8(made.stdout).unwrap();
    assert!(section.contains("scopes = [\"operate\"]"), "{section}");
    let config = folder.path().join("tintype.toml");
    fs::write(&config, &section).unwrap();
    let shown = tintype(folder.path()).args(["config", "--json", "--config"]).arg(&config).output().unwrap();
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["keys"]["values"][0], "root+operate=\u{2026}");
}

#[test]
fn the_settings_are_shown_with_their_origin() {
    let folder = tempfile::tempdir().unwrap();
    let output = tintype(folder.path())
        .args(["config", "--json", "--workers", "3"])
        .env("TINTYPE_LISTEN", "127.0.0.1:9")
        .output()
        .unwrap();
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["workers"]["from"], "--workers");
    assert_eq!(shown["listen"]["from"], "TINTYPE_LISTEN");
    assert_eq!(shown["model"]["from"], "default");
}

#[test]
fn a_picture_that_was_drawn_is_inspected_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| tintype(folder.path()).args(arguments).output().unwrap();
    let draw = ["generate", "Red heart", "--local", "--seed", "7", "--steps", "2"];
    for name in ["a.png", "a.jpg", "a.webp"] {
        assert!(run(&[&draw[..], &["-o", name]].concat()).status.success());
        let shown = String::from_utf8(run(&["inspect", name]).stdout).unwrap();
        for part in ["Red heart", "tintype-icons", "seed       7", "a machine, it says"] {
            assert!(shown.contains(part), "{part} is not in:\n{shown}");
        }
    }
    fs::write(folder.path().join("b.png"), "no picture").unwrap();
    let output = run(&["inspect", "a.png", "b.png", "c.png", "--json"]);
    let items: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(items[0]["made_with"]["seed"], 7);
    for (place, error) in [(1, "no PNG, JPEG or WebP"), (2, "No such file")] {
        assert!(items[place]["error"].as_str().unwrap().contains(error), "{items}");
    }
    assert_eq!(code(&output), 3, "{}", stderr(&output));
}

#[test]
fn where_there_is_no_search_by_meaning_it_is_told_how_to_search() {
    let answer = b"HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n{\"code\":\"no_such_route\"}";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        assert!(stream.read(&mut [0; 4_096]).unwrap() > 0);
        stream.write_all(answer).unwrap();
    });
    let folder = tempfile::tempdir().unwrap();
    let mut command = tintype(folder.path());
    let output = command.args(["list", "--meaning", "car"]).env("TINTYPE_SERVER", url).output().unwrap();
    server.join().unwrap();
    assert!(stderr(&output).contains("tintype list WORD"), "{}", stderr(&output));
}

#[test]
fn of_a_file_that_is_too_large_to_be_a_picture_no_more_is_read_than_tells_so() {
    let server = Server::start(&[]);
    fs::File::create(server.folder.path().join("huge.iso")).unwrap().set_len(1 << 40).unwrap();
    for refused in [server.run(&["save", "huge.iso"]), server.run(&["inspect", "huge.iso"])] {
        assert_eq!(code(&refused), 5, "{}", stderr(&refused));
        assert!(stderr(&refused).contains("is larger than"), "{}", stderr(&refused));
    }
}
