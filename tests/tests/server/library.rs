//! The library over REST: keeping, showing, changing, throwing away.

use serde_json::{Value, json};
use tintype_tests::{Client, Server, Settings, pictures, sha256, text};

/// Uploads a picture; the saved image.
async fn uploaded(client: &Client, shade: u8) -> Value {
    let image = pictures::base64(&pictures::png(shade));
    client
        .post("/save")
        .json(&json!({ "image": image, "prompt": "a square" }))
        .send()
        .await
        .expect(201)
        .json()
}

fn path(image: &Value) -> String {
    format!("/images/{}", text(image, "/id"))
}

async fn listed(client: &Client, query: &str) -> Vec<String> {
    let page = client.get(format!("/images{query}")).send().await.expect(200).json();
    page["items"].as_array().unwrap().iter().map(|image| text(image, "/id").to_owned()).collect()
}

#[tokio::test]
async fn a_result_is_kept_with_201_and_once() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let job = client.drawn(json!({ "prompt": "red heart" })).await;
    let save = client.post("/save").json(&json!({ "job_id": job["id"], "index": 0, "title": "mine" }));
    let first = save.clone().send().await.expect(201);
    let image = first.json();
    assert_eq!(first.header("location"), path(&image));
    assert_eq!((&image["title"], &image["prompt"]), (&json!("mine"), &json!("red heart")));
    assert_eq!(save.send().await.expect(200).json()["id"], image["id"]);
}

#[tokio::test]
async fn a_picture_can_be_uploaded_as_base64_or_as_a_data_url() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let plain = uploaded(&client, 1).await;
    let url = format!("data:image/png;base64,{}", pictures::base64(&pictures::png(1)));
    let same = client.post("/save").json(&json!({ "image": url })).send().await.expect(200).json();
    assert_eq!(same["id"], plain["id"]);
}

#[tokio::test]
async fn content_comes_with_its_hash_and_may_be_kept_for_ever() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let image = uploaded(&client, 1).await;
    let answer = client.get(format!("{}/content", path(&image))).send().await.expect(200);
    assert_eq!(sha256(&answer.body), text(&image, "/sha256"));
    assert!(answer.header("cache-control").contains("immutable"));
    assert!(answer.header("content-security-policy").contains("sandbox"));
    let again =
        client.get(format!("{}/content", path(&image))).header("if-none-match", answer.header("etag"));
    assert_eq!(again.send().await.status, 304);
}

#[tokio::test]
async fn a_range_of_content_is_those_bytes() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let image = uploaded(&client, 1).await;
    let content = client.get(format!("{}/content", path(&image)));
    let whole = content.clone().send().await.expect(200).body;
    let part = content.header("range", "bytes=10-19").send().await.expect(206);
    assert_eq!(part.body, whole.slice(10..20));
    assert_eq!(part.header("content-range"), format!("bytes 10-19/{}", whole.len()));
}

#[tokio::test]
async fn content_is_made_in_another_encoding_and_size_on_request() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let image = uploaded(&client, 1).await;
    let answer = client.get(format!("{}/content?w=4&format=jpeg", path(&image))).send().await.expect(200);
    assert_eq!(answer.header("content-type"), "image/jpeg");
    assert_eq!(pictures::decode(&answer.body).width(), 4);
}

#[tokio::test]
async fn every_link_of_an_image_leads_somewhere() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let image = client.saved(json!({ "prompt": "red heart" })).await;
    for link in ["/url", "/thumbnail_url"] {
        let answer = client.get(text(&image, link)).send().await.expect(200);
        assert!(answer.header("content-type").starts_with("image/"), "{link}");
    }
}

#[tokio::test]
async fn an_edit_with_the_tag_that_was_read_is_made_and_a_later_one_with_it_is_stale() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let image = uploaded(&client, 1).await;
    let tag = client.get(path(&image)).send().await.expect(200).header("etag").to_owned();
    let edit = |title: &str| {
        client.request("PATCH", path(&image)).header("if-match", &tag).json(&json!({ "title": title }))
    };
    assert_eq!(edit("first").send().await.expect(200).json()["title"], "first");
    edit("second").send().await.problem(412, "stale");
}

#[tokio::test]
async fn null_clears_a_field_and_a_missing_one_is_left() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let image = uploaded(&client, 1).await;
    let edit = |edit: Value| client.request("PATCH", path(&image)).json(&edit).send();
    let _edited =
        edit(json!({ "title": "t", "rating": 5, "tags": ["b", "a"], "favorite": true })).await.expect(200);
    let edited = edit(json!({ "title": null })).await.expect(200).json();
    assert_eq!(edited["title"], Value::Null);
    assert_eq!((&edited["rating"], &edited["tags"]), (&json!(5), &json!(["a", "b"])));
}

#[tokio::test]
async fn a_trashed_image_is_in_the_trash_only_and_comes_back() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let image = uploaded(&client, 1).await;
    let id = text(&image, "/id").to_owned();
    client.request("DELETE", path(&image)).send().await.expect(200);
    assert_eq!(
        (listed(&client, "").await, listed(&client, "?trashed=true").await),
        (vec![], vec![id.clone()])
    );
    client.post(format!("{}/restore", path(&image))).send().await.expect(200);
    assert_eq!((listed(&client, "").await, listed(&client, "?trashed=true").await), (vec![id], vec![]));
}

#[tokio::test]
async fn an_erased_image_is_gone() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let image = uploaded(&client, 1).await;
    assert_eq!(client.request("DELETE", format!("{}?permanent=true", path(&image))).send().await.status, 204);
    client.get(path(&image)).send().await.problem(404, "not_found");
    client.get(format!("{}/content", path(&image))).send().await.problem(404, "not_found");
}

#[tokio::test]
async fn pages_show_each_image_once_in_both_orders() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let mut saved = Vec::new();
    for shade in 0..5 {
        saved.push(text(&uploaded(&client, shade).await, "/id").to_owned());
    }
    for sort in ["oldest", "newest"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page =
                client.get(format!("/images?limit=2&sort={sort}{cursor}")).send().await.expect(200).json();
            seen.extend(page["items"].as_array().unwrap().iter().map(|image| text(image, "/id").to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, saved, "{sort}");
        saved.reverse();
    }
}
