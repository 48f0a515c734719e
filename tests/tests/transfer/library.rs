//! A library with one of everything, the command against its server, and an export read back.

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};
use tempfile::TempDir;
use tintype_tests::{Client, Server, Settings, command, pictures, sha256, text};

/// A server, and a folder for what goes in and out.
pub(crate) struct Library {
    pub(crate) server: Server,
    pub(crate) folder: TempDir,
}

impl Library {
    /// An empty one.
    pub(crate) async fn empty() -> Self {
        Self { server: Server::start(Settings::noop()).await, folder: tempfile::tempdir().unwrap() }
    }

    /// One that holds one of everything.
    pub(crate) async fn full() -> Self {
        let library = Self::empty().await;
        let client = library.client();
        let hearts = made(&client, "Hearts", Some("all of them")).await;
        let empty = made(&client, "empty", None).await;
        assert_ne!(hearts, empty);
        let job =
            client.drawn(json!({ "prompt": "red heart", "labels": { "mood": "good" }, "seed": 7 })).await;
        let drawn =
            json!({ "job_id": job["id"], "index": 0, "title": "Mine: a/b?", "tags": ["red", "Heart"] });
        let drawn = saved(&client, drawn).await;
        let parent = uploaded(
            &client,
            1,
            json!({
                "prompt": "a square\nof colours", "note": "two\nlines", "favorite": true, "rating": 4,
                "collections": [hearts],
            }),
        )
        .await;
        // Older than the one it came from, so that it comes first in the export.
        let child = uploaded(&client, 2, json!({
            "parent": { "id": parent["id"], "relation": "variant" }, "saved_at": "2019-12-31T23:59:59.999Z",
            "request": drawn["request"], "seed": 9, "tags": ["\u{732b}", "tab\u{e9}"], "collections": [hearts],
        })).await;
        uploaded(&client, 3, json!({ "parent": { "id": child["id"], "relation": "remix" } })).await;
        let trashed = uploaded(&client, 4, json!({ "title": "away" })).await;
        client.request("DELETE", format!("/images/{}", text(&trashed, "/id"))).send().await.expect(200);
        library
    }

    pub(crate) fn client(&self) -> Client {
        self.server.client()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = command(self.folder.path());
        command.args(arguments).env("TINTYPE_SERVER", format!("http://{}", self.server.address()));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The same; it must succeed. What it prints.
    pub(crate) fn print(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.print(arguments)).unwrap()
    }

    /// Every image, the newest first, and every collection.
    pub(crate) async fn everything(&self) -> Value {
        let client = self.client();
        let list = |path: &'static str| {
            let client = client.clone();
            async move { client.get(path).send().await.expect(200).json()["items"].take() }
        };
        json!([list("/images").await, list("/images?trashed=true").await, list("/collections").await])
    }
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) async fn made(client: &Client, name: &str, note: Option<&str>) -> String {
    let body = json!({ "name": name, "note": note });
    let made = client.post("/collections").json(&body).send().await.expect(201).json();
    text(&made, "/id").to_owned()
}

pub(crate) async fn saved(client: &Client, body: Value) -> Value {
    client.post("/save").json(&body).send().await.expect(201).json()
}

pub(crate) async fn uploaded(client: &Client, shade: u8, mut fields: Value) -> Value {
    fields["image"] = json!(pictures::base64(&pictures::png(shade)));
    saved(client, fields).await
}

/// What an export holds, by the pictures' hashes, without what may be another after an import: ids are those of what
/// they name.
pub(crate) fn read(export: &Path) -> Value {
    let manifest = json_at(&export.join("tintype-export.json"));
    let collections = json_at(&export.join("collections.json"))["items"].take();
    let collections: Vec<Value> = collections.as_array().unwrap().clone();
    let name_of = |id: &Value| {
        let named = collections.iter().find(|collection| collection["id"] == *id);
        named.map(|collection| collection["name"].clone()).unwrap()
    };
    let sidecars = sidecars(export);
    let sha_of = |id: &Value| {
        let image = sidecars.iter().map(|(_, image)| image).find(|image| image["id"] == *id);
        image.map(|image| image["sha256"].clone()).unwrap_or_default()
    };
    let mut images = BTreeMap::new();
    for (path, image) in &sidecars {
        let picture = fs::read(path.with_file_name(text(image, "/file"))).unwrap();
        assert_eq!(sha256(&picture), text(image, "/sha256"));
        let mut image = image.clone();
        for (pointer, name) in [("/parent/id", "parent"), ("/request/parent/id", "request")] {
            if let Some(id) = image.pointer(pointer).cloned() {
                let parent =
                    if name == "parent" { &mut image["parent"] } else { &mut image["request"]["parent"] };
                parent["id"] = sha_of(&id);
            }
        }
        image["collections"] = image["collections"].as_array().unwrap().iter().map(name_of).collect();
        for name in ["id", "version", "updated_at", "job_id", "job_index", "file"] {
            assert!(image.as_object_mut().unwrap().remove(name).is_some(), "{name} of {image}");
        }
        assert!(image.get("url").is_none() && image.get("thumbnail_url").is_none());
        images.insert(text(&image, "/sha256").to_owned(), image);
    }
    let collections = collections.iter().map(|collection| json!([collection["name"], collection["note"]]));
    json!({
        "complete": manifest["complete"], "version": manifest["version"], "count": manifest["images"],
        "collections": collections.collect::<Vec<_>>(), "images": images,
    })
}

/// The files of JSON beside the pictures.
pub(crate) fn sidecars(export: &Path) -> Vec<(PathBuf, Value)> {
    let mut sidecars = Vec::new();
    for month in fs::read_dir(export.join("pictures")).into_iter().flatten() {
        for file in fs::read_dir(month.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                sidecars.push((path.clone(), json_at(&path)));
            }
        }
    }
    sidecars.sort_by(|a, b| a.0.cmp(&b.0));
    sidecars
}

pub(crate) fn json_at(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}
