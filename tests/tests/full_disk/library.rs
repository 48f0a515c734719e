//! A library on a small disk, and a record of what its server acknowledged.

use crate::disk::Disk;
use image::{ImageFormat, RgbImage};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs::{self, File, FileTimes},
    io::Cursor,
    path::Path,
    time::{Duration, Instant},
};
use tintype_tests::{Answer, Client, PATIENCE, Server, pictures::base64, sha256, text};

/// Older than unreferenced bytes are left alone.
const OLD: Duration = Duration::from_secs(3_600);

/// What a server acknowledged: each image's id and the hash of its bytes, and the ids of jobs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acknowledged {
    pub(crate) images: BTreeMap<String, String>,
    pub(crate) jobs: Vec<String>,
}

/// A picture of about `side * side * 3` bytes that nothing compresses.
pub(crate) fn noise(side: u32) -> Vec<u8> {
    let image = RgbImage::from_fn(side, side, |_, _| {
        image::Rgb([fastrand::u8(..), fastrand::u8(..), fastrand::u8(..)])
    });
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes
}

pub(crate) async fn try_upload(client: &Client, bytes: &[u8]) -> Answer {
    client.post("/save").json(&json!({ "image": base64(bytes), "title": "a title" })).send().await
}

impl Acknowledged {
    /// Saves one picture.
    pub(crate) async fn upload(&mut self, client: &Client, side: u32) -> String {
        let bytes = noise(side);
        let image = try_upload(client, &bytes).await.expect(201).json();
        self.note(&image, &bytes)
    }

    pub(crate) fn note(&mut self, image: &Value, bytes: &[u8]) -> String {
        let id = text(image, "/id").to_owned();
        self.images.insert(id.clone(), sha256(bytes));
        id
    }

    /// Saves pictures until one is refused for want of space; that answer.
    pub(crate) async fn upload_until_full(&mut self, client: &Client, side: u32) -> Answer {
        for _ in 0..10_000 {
            let bytes = noise(side);
            let answer = try_upload(client, &bytes).await;
            if answer.status != 201 {
                return answer;
            }
            self.note(&answer.json(), &bytes);
        }
        panic!("the disk never got full");
    }

    /// Accepts a job.
    pub(crate) async fn generate(&mut self, client: &Client) -> String {
        let job = client.generate(json!({ "prompt": "red heart" })).await;
        self.jobs.push(text(&job, "/id").to_owned());
        text(&job, "/id").to_owned()
    }

    /// Fails unless all that was acknowledged is there, with the right bytes.
    pub(crate) async fn check(&self, client: &Client) {
        for (id, hash) in &self.images {
            client.get(format!("/images/{id}")).send().await.expect(200);
            let content = client.get(format!("/images/{id}/content")).send().await.expect(200);
            assert_eq!(&sha256(&content.body), hash, "the bytes of {id}");
        }
        for id in &self.jobs {
            client.job(id).await;
        }
    }
}

/// Makes every blob old enough to go at once when nothing refers to it.
pub(crate) fn age(data: &Path) {
    each_file(&data.join("blobs"), &|path| {
        let times = FileTimes::new()
            .set_modified(File::open(path).unwrap().metadata().unwrap().modified().unwrap() - OLD);
        File::options().write(true).open(path).unwrap().set_times(times).unwrap();
    });
}

pub(crate) fn each_file(folder: &Path, work: &dyn Fn(&Path)) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { each_file(&path, work) } else { work(&path) }
    }
}

pub(crate) async fn readiness(client: &Client) -> Value {
    client.get("/readyz").send().await.expect(200).json()
}

/// The value of a metric.
pub(crate) async fn metric(client: &Client, name: &str) -> i64 {
    let metrics = client.get("/metrics").send().await.expect(200);
    let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
    let line = metrics.lines().find(|line| line.split(' ').next() == Some(name));
    line.unwrap_or_else(|| panic!("no {name} in {metrics}")).split(' ').nth(1).unwrap().parse().unwrap()
}

/// Waits until the server says that it is, or is not, read-only.
pub(crate) async fn until_read_only(client: &Client, wanted: bool) {
    let began = Instant::now();
    while readiness(client).await["read_only"] != wanted {
        assert!(began.elapsed() < PATIENCE, "it never got read_only: {wanted}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until there is room, and saves a picture.
pub(crate) async fn check_recovered(server: &Server, acknowledged: &mut Acknowledged) {
    let client = server.client();
    until_read_only(&client, false).await;
    assert_eq!(metric(&client, "tintype_read_only").await, 0);
    acknowledged.upload(&client, 16).await;
    acknowledged.generate(&client).await;
    acknowledged.check(&client).await;
    let told = |what: &str| server.log().matches(what).count();
    assert!(
        told("the library is read-only") >= 1 && told("there is room on the disk again") >= 1,
        "{}",
        server.log()
    );
}

/// Erases all but the last `kept` images: each must go.
pub(crate) async fn erase_all_but(client: &Client, acknowledged: &mut Acknowledged, kept: usize) {
    let ids: Vec<_> = acknowledged.images.keys().cloned().collect();
    for id in &ids[..ids.len().saturating_sub(kept)] {
        client.request("DELETE", format!("/images/{id}?permanent=true")).send().await.expect(204);
        client.get(format!("/images/{id}")).send().await.expect(404);
        acknowledged.images.remove(id);
    }
}

/// Fails unless each way of adding data is refused as a full disk.
pub(crate) async fn check_additions_are_refused(client: &Client, image: &str, ended_job: &str) {
    let image_path = format!("/images/{image}");
    for (method, path, body) in [
        ("POST", "/generate".to_owned(), json!({ "prompt": "red heart" })),
        ("POST", format!("/jobs/{ended_job}/retry"), json!({})),
        ("POST", "/save".to_owned(), json!({ "image": base64(&noise(8)) })),
        ("PATCH", image_path.clone(), json!({ "note": "a long note ".repeat(100) })),
        ("POST", "/images/edit".to_owned(), json!({ "ids": [image], "add_tags": ["one", "two"] })),
        ("POST", "/collections".to_owned(), json!({ "name": "another" })),
    ] {
        let answer = client.request(method, path.clone()).json(&body).send().await;
        assert!(!answer.header("retry-after").is_empty(), "{path}");
        let problem = answer.problem(507, "no_space");
        assert!(text(&problem, "/detail").contains("still work"), "{problem:#}");
    }
}

pub(crate) fn no_half_written_files(disk: &Disk) {
    for folder in ["data/incoming", "data/reserve"] {
        each_file(&disk.path(folder), &|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(
                folder.ends_with("reserve") && matches!(name, "1" | "2" | "3" | "4"),
                "{path:?} is left over"
            );
        });
    }
}
