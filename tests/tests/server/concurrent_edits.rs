//! Many clients that change the same images and collections at the same time. Without `If-Match` every change is
//! applied; with it exactly one is, and the others get 412.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use tintype_tests::{Answer, Client, Request, Server, Settings, pictures, text};
use tokio::task::JoinSet;

const CLIENTS: usize = 32;

/// Uploads the picture of this shade, with these fields beside it.
fn upload(client: &Client, shade: u8, fields: &Value) -> Request {
    let mut body = json!({ "image": pictures::base64(&pictures::png(shade)) });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    client.post("/save").json(&body)
}

async fn uploaded(client: &Client, shade: u8) -> String {
    let image = upload(client, shade, &json!({})).send().await.expect(201).json();
    text(&image, "/id").to_owned()
}

async fn collected(client: &Client, name: &str) -> String {
    let made = client.post("/collections").json(&json!({ "name": name })).send().await.expect(201).json();
    text(&made, "/id").to_owned()
}

/// Sends one request of each client at once; the answers.
async fn at_once(count: usize, request: impl Fn(usize) -> Request) -> Vec<Answer> {
    let mut sending = JoinSet::new();
    for n in 0..count {
        sending.spawn(request(n).send());
    }
    sending.join_all().await
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    statuses
}

/// Exactly one of these has `won`, and all others have `lost`.
fn expect_one_winner(answers: &[Answer], won: u16, lost: u16) {
    let mut expected = vec![lost; answers.len() - 1];
    expected.push(won);
    expected.sort_unstable();
    assert_eq!(statuses(answers), expected);
}

/// Sends `rounds` requests of each of 32 clients, one after another; every one is answered with 200.
async fn expect_all_applied(rounds: usize, request: impl Fn(usize, usize) -> Request + Sync) {
    let mut sending = JoinSet::new();
    for client in 0..CLIENTS {
        let requests: Vec<_> = (0..rounds).map(|round| request(client, round)).collect();
        sending.spawn(async move {
            for request in requests {
                request.send().await.expect(200);
            }
        });
    }
    sending.join_all().await;
}

fn expect_quiet_log(server: &Server) {
    let log = server.log();
    let noise: Vec<_> = log.lines().filter(|line| line.contains("ERROR") || line.contains("WARN")).collect();
    assert!(noise.is_empty(), "{noise:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_clients_edit_one_image_without_if_match_and_all_edits_are_applied() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let id = uploaded(&client, 1).await;
    expect_all_applied(5, |n, round| {
        let edit = json!({ "title": format!("client {n}"), "rating": round + 1 });
        client.request("PATCH", format!("/images/{id}")).json(&edit)
    })
    .await;
    let last = client.get(format!("/images/{id}")).send().await.expect(200);
    // Each was one version: an edit that was lost would be missing here.
    assert_eq!(last.header("etag"), "\"v161\"");
    assert_eq!(last.json()["rating"], 5);
    expect_quiet_log(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_thirty_two_edits_of_one_image_with_if_match_one_is_applied_and_31_are_stale() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let id = uploaded(&client, 1).await;
    // Some ask for the very same.
    let answers = at_once(CLIENTS, |n| {
        let edit = json!({ "title": format!("title {}", n / 2) });
        client.request("PATCH", format!("/images/{id}")).header("if-match", "\"v1\"").json(&edit)
    });
    let answers = answers.await;
    expect_one_winner(&answers, 200, 412);
    assert!(answers.iter().all(|answer| answer.header("etag") == "\"v2\""));
    let trashed =
        at_once(CLIENTS, |_| client.request("DELETE", format!("/images/{id}")).header("if-match", "\"v2\""));
    expect_one_winner(&trashed.await, 200, 412);
    expect_quiet_log(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_clients_tag_the_same_hundred_images_and_no_tag_is_lost() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let mut ids = Vec::new();
    for shade in 0..100 {
        ids.push(uploaded(&client, shade).await);
    }
    let answers = at_once(16, |n| {
        let edit = json!({ "ids": ids, "add_tags": [format!("tag {n:02}")] });
        client.post("/images/edit").json(&edit)
    });
    for answer in answers.await {
        let edited = answer.expect(200).json();
        assert_eq!(edited["items"].as_array().map(Vec::len), Some(100), "{edited:#}");
    }
    let tags: Vec<_> = (0..16).map(|n| format!("tag {n:02}")).collect();
    let page = client.get("/images?limit=200").send().await.expect(200).json();
    let images = page["items"].as_array().unwrap();
    assert_eq!(images.len(), 100);
    assert!(images.iter().all(|image| image["tags"] == json!(tags)), "{page:#}");
    // The index has them too.
    for tag in tags {
        let found = client.get(format!("/images?limit=200&tag={}", tag.replace(' ', "%20")));
        let found = found.send().await.expect(200).json();
        assert_eq!(found["items"].as_array().map(Vec::len), Some(100), "{tag}");
    }
    expect_quiet_log(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_clients_trash_restore_and_save_one_image_at_once_and_none_is_refused() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let id = uploaded(&client, 1).await;
    expect_all_applied(4, |n, round| match n % 3 {
        0 => client.request("DELETE", format!("/images/{id}")),
        1 => client.post(format!("/images/{id}/restore")),
        _ => upload(&client, 1, &json!({ "title": format!("client {n} in round {round}") })),
    })
    .await;
    client.post(format!("/images/{id}/restore")).send().await.expect(200);
    let image = client.get(format!("/images/{id}")).send().await.expect(200).json();
    assert!(text(&image, "/title").starts_with("client "), "{image:#}");
    let page = client.get("/images?q=round").send().await.expect(200).json();
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
    expect_quiet_log(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_that_thirty_one_clients_edit_without_end_is_erased() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let id = uploaded(&client, 1).await;
    let mut editing = JoinSet::new();
    for n in 1..CLIENTS {
        let (client, id) = (client.clone(), id.clone());
        editing.spawn(async move {
            for round in 0.. {
                let edit = json!({ "title": format!("client {n} in round {round}") });
                let answer = client.request("PATCH", format!("/images/{id}")).json(&edit).send().await;
                if answer.status != 200 {
                    answer.problem(404, "not_found");
                    return round;
                }
            }
            unreachable!("the rounds do not end")
        });
    }
    let is_edited = async || client.get(format!("/images/{id}")).send().await.header("etag") != "\"v1\"";
    while !is_edited().await {}
    client.request("DELETE", format!("/images/{id}?permanent=true")).send().await.expect(204);
    let edits: usize = editing.join_all().await.into_iter().sum();
    assert!(edits > 0, "nobody edited it");
    client.get(format!("/images/{id}")).send().await.problem(404, "not_found");
    let trash = client.get("/images?trashed=true").send().await.expect(200).json();
    assert_eq!(trash["items"], json!([]));
    expect_quiet_log(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_clients_edit_one_collection_without_if_match_and_all_edits_are_applied() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let id = collected(&client, "Hearts").await;
    expect_all_applied(5, |n, round| {
        let edit = json!({ "name": format!("name {n} {round}"), "note": format!("note {n} {round}") });
        client.request("PATCH", format!("/collections/{id}")).json(&edit)
    })
    .await;
    let last = client.get(format!("/collections/{id}")).send().await.expect(200);
    assert_eq!(last.header("etag"), "\"v161\"");
    let last = last.json();
    assert_eq!(text(&last, "/name").strip_prefix("name"), text(&last, "/note").strip_prefix("note"));
    expect_quiet_log(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_thirty_two_edits_of_one_collection_with_if_match_one_is_applied_and_31_are_stale() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let id = collected(&client, "Hearts").await;
    let path = format!("/collections/{id}");
    let edits = at_once(CLIENTS, |n| {
        let edit = json!({ "name": format!("name {n}") });
        client.request("PATCH", path.as_str()).header("if-match", "\"v1\"").json(&edit)
    });
    expect_one_winner(&edits.await, 200, 412);
    let stale = at_once(CLIENTS, |_| client.request("DELETE", path.as_str()).header("if-match", "\"v1\""));
    assert!(stale.await.iter().all(|answer| answer.status == 412));
    let removed = at_once(CLIENTS, |_| client.request("DELETE", path.as_str()).header("if-match", "\"v2\""));
    expect_one_winner(&removed.await, 204, 404);
    expect_quiet_log(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_collections_that_are_made_or_renamed_to_one_name_at_once_one_gets_it() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let body = json!({ "name": "Hearts" });
    let made = at_once(CLIENTS, |_| client.post("/collections").json(&body));
    expect_one_winner(&made.await, 201, 422);
    let mut ids = Vec::new();
    for n in 0..8 {
        ids.push(collected(&client, &format!("Stars {n}")).await);
    }
    let body = json!({ "name": "stars" });
    let renamed =
        at_once(ids.len(), |n| client.request("PATCH", format!("/collections/{}", ids[n])).json(&body));
    expect_one_winner(&renamed.await, 200, 422);
    let all = client.get("/collections").send().await.expect(200).json();
    let names: Vec<_> = all["items"].as_array().unwrap().iter().map(|item| text(item, "/name")).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    expect_quiet_log(&server);
}
