//! What a server refuses on a full disk, what it does all the same, and how it recovers.

use crate::{
    disk::Disk,
    library::{
        Acknowledged, age, check_additions_are_refused, check_recovered, each_file, erase_all_but, metric,
        no_half_written_files, readiness, until_read_only,
    },
};
use serde_json::json;
use tintype_tests::{Client, Server, Settings, is_terminal, text};

/// A job that was canceled.
async fn canceled_job(client: &Client, acknowledged: &mut Acknowledged) -> String {
    let id = acknowledged.generate(client).await;
    client.post(format!("/jobs/{id}/cancel")).send().await.expect(200);
    id
}

pub(crate) async fn a_library_that_fills_its_disk_refuses_what_adds_and_is_cured_by_deletes() {
    let disk = Disk::small();
    let server = Server::start_in(&disk.data(), Settings::noop().workers(0)).await;
    let client = server.client();
    let mut acknowledged = Acknowledged::default();
    let ended = canceled_job(&client, &mut acknowledged).await;
    assert_eq!(readiness(&client).await, json!({ "status": "ready", "read_only": false }));

    let refusal = acknowledged.upload_until_full(&client, 128).await;
    refusal.problem(507, "no_space");
    // What is left is filled with smaller ones, until there is no room for any.
    acknowledged.upload_until_full(&client, 16).await.problem(507, "no_space");
    until_read_only(&client, true).await;
    assert!(disk.free_bytes() > 100_000, "it was refused only when the disk was full");
    let image = acknowledged.images.keys().next().unwrap().clone();
    check_additions_are_refused(&client, &image, &ended).await;
    let status = readiness(&client).await;
    assert_eq!((text(&status, "/status"), text(&status, "/reason")), ("ready", "the disk is full"));
    assert_eq!(metric(&client, "tintype_read_only").await, 1);
    assert!(metric(&client, "tintype_disk_free_bytes").await < 1_000_000);
    assert_eq!(metric(&client, "tintype_disk_size_bytes").await, 8 << 20);
    acknowledged.check(&client).await;

    age(&disk.data());
    erase_all_but(&client, &mut acknowledged, 3).await;
    check_recovered(&server, &mut acknowledged).await;
    no_half_written_files(&disk);
    assert_eq!(server.log().matches("the library is read-only").count(), 1, "{}", server.log());
}

pub(crate) async fn what_frees_space_works_without_a_free_byte() {
    let disk = Disk::small();
    let server = Server::start_in(&disk.data(), Settings::noop().workers(0)).await;
    let client = server.client();
    let mut acknowledged = Acknowledged::default();
    let ended = canceled_job(&client, &mut acknowledged).await;
    let waiting = [acknowledged.generate(&client).await, acknowledged.generate(&client).await];
    let collection =
        client.post("/collections").json(&json!({ "name": "few" })).send().await.expect(201).json();
    for _ in 0..40 {
        acknowledged.upload(&client, 128).await;
    }
    let images: Vec<_> = acknowledged.images.keys().cloned().collect();

    disk.fill();
    until_read_only(&client, true).await;
    check_additions_are_refused(&client, &images[0], &ended).await;
    // The other program takes what the checkpoint of the log and the like gave back.
    disk.fill();
    assert_eq!(disk.free_bytes(), 0);
    let path = format!("/images/{}", images[0]);
    let trashed = client.request("DELETE", path.clone()).send().await.expect(200).json();
    assert!(trashed["trashed_at"].is_string());
    client.post(format!("{path}/restore")).send().await.expect(200);
    client.request("PATCH", path).json(&json!({ "title": "short" })).send().await.expect(200);
    let bulk = json!({ "ids": images, "trashed": true });
    let edited = client.post("/images/edit").json(&bulk).send().await.expect(200).json();
    assert_eq!(edited["items"].as_array().unwrap().len(), images.len());
    let bulk = json!({ "ids": images, "trashed": false });
    client.post("/images/edit").json(&bulk).send().await.expect(200);
    for id in &waiting {
        client.post(format!("/jobs/{id}/cancel")).send().await.expect(200);
        assert_eq!(client.job(id).await["status"], "canceled");
    }
    let collection = format!("/collections/{}", text(&collection, "/id"));
    client.request("DELETE", collection).send().await.expect(204);
    acknowledged.check(&client).await;

    disk.fill();
    age(&disk.data());
    erase_all_but(&client, &mut acknowledged, 2).await;
    // The other program's file is still there: the deletes alone made the room.
    check_recovered(&server, &mut acknowledged).await;
    no_half_written_files(&disk);
}

pub(crate) async fn a_disk_without_free_inodes_is_cured_by_deletes() {
    let disk = Disk::with("size=64m,nr_inodes=200");
    let server = Server::start_in(&disk.data(), Settings::noop().workers(0)).await;
    let client = server.client();
    let mut acknowledged = Acknowledged::default();
    acknowledged.upload_until_full(&client, 16).await.problem(507, "no_space");
    assert!(text(&readiness(&client).await, "/reason").contains("inodes"));
    assert!(acknowledged.images.len() > 10, "{}", acknowledged.images.len());
    disk.fill_inodes();
    acknowledged.check(&client).await;

    let stopped = server.kill();
    let server = stopped.start().await;
    let client = server.client();
    acknowledged.check(&client).await;
    disk.fill_inodes();
    age(&disk.data());
    // Those of the other program stay: what an image had, folders too, is enough.
    erase_all_but(&client, &mut acknowledged, 3).await;
    check_recovered(&server, &mut acknowledged).await;
}

pub(crate) async fn the_rendition_cache_goes_before_anything_is_refused() {
    let disk = Disk::small();
    let server = Server::start_in(&disk.data(), Settings::noop().workers(0)).await;
    let client = server.client();
    let mut acknowledged = Acknowledged::default();
    let large = acknowledged.upload(&client, 640).await;
    for width in [600, 550, 500] {
        let path = format!("/images/{large}/content?format=png&w={width}");
        client.get(path).send().await.expect(200);
    }
    let variants = || {
        let bytes = std::cell::Cell::new(0);
        each_file(&disk.path("data/variants"), &|path| {
            bytes.set(bytes.get() + path.metadata().unwrap().len());
        });
        bytes.get()
    };
    let kept = variants();
    assert!(kept > 1_500_000, "{kept}");
    acknowledged.upload_until_full(&client, 128).await.problem(507, "no_space");
    assert_eq!(variants(), 0);
    // Renditions are still made, and not kept.
    client.get(format!("/images/{large}/content?format=png&w=500")).send().await.expect(200);
    assert_eq!(variants(), 0);
    acknowledged.check(&client).await;
}

pub(crate) async fn jobs_wait_for_space_and_succeed_when_it_is_back() {
    let disk = Disk::small();
    let server = Server::start_in(&disk.data(), Settings::noop().workers(0)).await;
    let mut acknowledged = Acknowledged::default();
    for _ in 0..5 {
        acknowledged.generate(&server.client()).await;
    }
    disk.fill();
    let server = server.kill().start_with(Settings::noop().workers(1)).await;
    let client = server.client();
    until_read_only(&client, true).await;
    for id in &acknowledged.jobs {
        let job = client.job(id).await;
        assert!(!is_terminal(&format!("job.{}", text(&job, "/status"))), "{job:#}");
    }
    disk.drain();
    for id in &acknowledged.jobs {
        let job = client.ended(id).await;
        assert_eq!((text(&job, "/status"), &job["attempts"]), ("succeeded", &json!(1)), "{job:#}");
    }
    check_recovered(&server, &mut acknowledged).await;
}
