//! Is everything true that the clients were told?

use crate::record::{Life, Record};
use futures_util::{StreamExt, stream};
use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex},
};
use tintype_tests::{Client, Server, is_terminal, number, sha256, text};

/// How many things are looked at at the same time.
const AT_A_TIME: usize = 8;

/// Looks at what was acknowledged since the last time; how many jobs that were.
pub(crate) async fn since_last(server: &Server, record: &Arc<Mutex<Record>>, cycle: u64) -> usize {
    let (jobs, images) = {
        let mut record = record.lock().unwrap();
        (mem::take(&mut record.fresh), mem::take(&mut record.fresh_images))
    };
    println!("crash {cycle}: {} jobs and {} images to look at", jobs.len(), images.len());
    let count = jobs.len();
    check_jobs(&server.client(), record, jobs).await;
    check_images(&server.client(), record, images).await;
    count
}

/// Looks at everything that was ever acknowledged, and at the blobs on the disk.
pub(crate) async fn everything(server: &Server, record: &Arc<Mutex<Record>>) {
    let client = server.client();
    let (jobs, images, keys) = {
        let record = record.lock().unwrap();
        let jobs: Vec<_> = record.jobs.keys().cloned().collect();
        let images: Vec<_> = record.images.keys().cloned().collect();
        (jobs, images, record.keys.clone())
    };
    check_jobs(&client, record, jobs.iter().cloned()).await;
    check_images(&client, record, images).await;
    check_keys(&client, record, keys).await;
    let listed = list(&client, "/jobs").await;
    for id in jobs {
        assert_eq!(listed.get(&id), Some(&1), "how often the job {id} is listed");
    }
    for (name, bytes) in server.blobs() {
        assert_eq!(sha256(&bytes), name, "a blob on the disk is not what its name says");
    }
}

async fn check_jobs(client: &Client, record: &Mutex<Record>, ids: impl IntoIterator<Item = String>) {
    let checks = stream::iter(ids).map(|id| check_job(client, id)).buffer_unordered(AT_A_TIME);
    for (id, status) in checks.collect::<Vec<_>>().await {
        record.lock().unwrap().ended(&id, &status);
    }
}

/// Waits for the end of the job; its log has no gap and one end, and the job says the same.
async fn check_job(client: &Client, id: String) -> (String, String) {
    let log = client.log_of(&id).await;
    let numbers: Vec<_> = log.iter().map(|event| number(event, "/seq")).collect();
    assert!(numbers.iter().copied().eq(1..=log.len() as u64), "the log of {id} has a gap: {numbers:?}");
    let ends: Vec<_> =
        log.iter().map(|event| text(event, "/type")).filter(|kind| is_terminal(kind)).collect();
    assert_eq!(ends.len(), 1, "{id} ended so: {ends:?}");
    let job = client.job(&id).await;
    let status = text(&job, "/status");
    assert_eq!(ends[0], format!("job.{status}"), "{id}");
    assert_eq!(number(&job, "/last_seq"), log.len() as u64, "{id} goes on after its end");
    if status == "succeeded" {
        check_results(client, &job).await;
    } else {
        assert_eq!(status, "canceled", "{id}: {job:#}");
    }
    (id, status.to_owned())
}

async fn check_results(client: &Client, job: &serde_json::Value) {
    let images = job["images"].as_array().unwrap();
    assert_eq!(images.len() as u64, number(job, "/request/count"), "{job:#}");
    for image in images {
        let bytes = client.get(text(image, "/url")).send().await.expect(200).body;
        assert_eq!(sha256(&bytes), text(image, "/sha256"), "a result of {}", job["id"]);
    }
}

async fn check_images(client: &Client, record: &Mutex<Record>, ids: impl IntoIterator<Item = String>) {
    let checks = stream::iter(ids).map(|id| check_image(client, id));
    for (id, life, hash) in checks.buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await {
        let mut record = record.lock().unwrap();
        record.lives(&id, life);
        if let Some(hash) = hash {
            assert_eq!(record.images[&id], hash, "the bytes of the image {id}, {life:?}");
        }
    }
}

/// Where the picture is, and the hash of its bytes: one that is in the trash has them, one that was erased has none.
async fn check_image(client: &Client, id: String) -> (String, Life, Option<String>) {
    let path = format!("/images/{id}");
    let answer = client.get(path.clone()).send_regardless().await;
    if answer.status == 404 {
        client.get(format!("{path}/content")).send_regardless().await.problem(404, "not_found");
        return (id, Life::Erased, None);
    }
    let life = if answer.expect(200).json()["trashed_at"].is_null() { Life::Kept } else { Life::Trashed };
    let bytes = client.get(format!("{path}/content")).send().await.expect(200).body;
    (id, life, Some(sha256(&bytes)))
}

/// Every key, asked for again, gives the job it gave; one that was never answered gives one job from now on.
async fn check_keys(
    client: &Client,
    record: &Mutex<Record>,
    keys: BTreeMap<String, (String, Option<String>)>,
) {
    let post = |key: String, prompt: String| async move {
        let request = client.post("/generate").header("idempotency-key", &key);
        let answer = request.json(&serde_json::json!({ "prompt": prompt })).send().await.expect(202);
        (key, text(&answer.json(), "/id").to_owned())
    };
    for _ in 0..2 {
        let posts = stream::iter(keys.clone()).map(|(key, (prompt, _))| post(key, prompt));
        for (key, id) in posts.buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await {
            record.lock().unwrap().keyed(&key, &id);
        }
    }
}

/// How often each id is in a list, over all its pages.
async fn list(client: &Client, path: &str) -> BTreeMap<String, u32> {
    let (mut listed, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page = client.get(format!("{path}?limit=200{cursor}")).send().await.expect(200).json();
        for item in page["items"].as_array().unwrap() {
            *listed.entry(text(item, "/id").to_owned()).or_default() += 1;
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return listed,
        }
    }
}
