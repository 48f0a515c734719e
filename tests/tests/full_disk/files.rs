//! Files around the library that may be on the same disk.

use crate::{
    disk::Disk,
    library::{Acknowledged, age, erase_all_but, no_half_written_files, noise, try_upload, until_read_only},
};
use std::{
    fs::{self, File},
    process::{Child, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};
use tintype_tests::{Client, PATIENCE, Server, Settings, command};

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A server whose log and ready file are on the disk of its data.
async fn serve_all_on(disk: &Disk) -> (Process, Client) {
    drop(fs::remove_file(disk.path("ready")));
    let log = File::options().append(true).create(true).open(disk.path("log")).unwrap();
    let mut serve = command(disk.path(".").as_path());
    serve.args(["serve", "--listen", "127.0.0.1:0", "--model", "noop", "--workers", "0", "--log", "json"]);
    serve.arg("--data").arg(disk.data()).arg("--ready-file").arg(disk.path("ready"));
    let process = Process(serve.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    let began = Instant::now();
    loop {
        let address = fs::read_to_string(disk.path("ready")).ok().and_then(|text| text.trim().parse().ok());
        if let Some(address) = address {
            return (process, Client::new(address));
        }
        assert!(began.elapsed() < PATIENCE, "{:?}", fs::read_to_string(disk.path("log")));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(crate) async fn the_log_and_the_ready_file_may_be_on_the_full_disk() {
    let disk = Disk::small();
    let (process, client) = serve_all_on(&disk).await;
    let mut acknowledged = Acknowledged::default();
    for _ in 0..5 {
        acknowledged.upload(&client, 64).await;
    }
    disk.fill();
    until_read_only(&client, true).await;
    // Each request is a line of the log that can't be written.
    for _ in 0..50 {
        acknowledged.check(&client).await;
    }
    let first = acknowledged.images.keys().next().unwrap().clone();
    client.request("DELETE", format!("/images/{first}")).send().await.expect(200);
    drop(process);
    disk.fill();
    let (_process, client) = serve_all_on(&disk).await;
    acknowledged.check(&client).await;
    disk.drain();
    until_read_only(&client, false).await;
    acknowledged.upload(&client, 16).await;
}

pub(crate) async fn nothing_half_written_is_left() {
    let disk = Disk::small();
    // Nothing is kept free: writes meet a disk that is really full, in the middle of a file.
    let settings = Settings::noop().workers(0).with("--disk-min-free", "0").with("--disk-reserve", "64K");
    let server = Server::start_in(&disk.data(), settings).await;
    let client = server.client();
    let mut acknowledged = Acknowledged::default();
    for side in [200, 100, 30] {
        acknowledged.upload_until_full(&client, side).await.problem(507, "no_space");
    }
    no_half_written_files(&disk);
    // Many at once.
    let uploads = (0..16).map(|_| {
        let (client, bytes) = (client.clone(), noise(150));
        tokio::spawn(async move { try_upload(&client, &bytes).await.status })
    });
    for upload in uploads.collect::<Vec<_>>() {
        assert_eq!(upload.await.unwrap(), 507);
    }
    no_half_written_files(&disk);
    acknowledged.check(&client).await;
    // While another program takes all the room there is, and gives it back, again and again.
    age(&disk.data());
    let kept = acknowledged.images.len() / 2;
    erase_all_but(&client, &mut acknowledged, kept).await;
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                disk.fill();
                disk.drain();
            }
        });
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                for n in 0..60 {
                    let bytes = noise(if n % 2 == 0 { 60 } else { 16 });
                    let answer = try_upload(&client, &bytes).await;
                    assert!(matches!(answer.status, 201 | 507), "{answer:?}");
                    if answer.status == 201 {
                        acknowledged.note(&answer.json(), &bytes);
                    }
                }
            });
        });
        ended.store(true, Ordering::Relaxed);
    });
    no_half_written_files(&disk);
    acknowledged.check(&client).await;
    let server = server.kill().start().await;
    acknowledged.check(&server.client()).await;
    let listed = server.client().get("/images?limit=200").send().await.expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), acknowledged.images.len().min(200));
}
