//! Collections, parents, many edits at once, and how a list lies in time.

use crate::desk::{Answer, Desk, ask, ask_json, with_header};
use axum::http::StatusCode;
use serde_json::{Value, json};

async fn made(desk: &Desk, name: &str) -> String {
    let answer = desk.post("/collections", json!({ "name": name })).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.id()
}

fn names(answer: &Answer) -> Vec<String> {
    answer.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

fn ids(answer: &Answer) -> Vec<String> {
    answer.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_collection_is_made_renamed_and_deleted() {
    let desk = Desk::open();
    let id = made(&desk, " Hearts ").await;
    made(&desk, "animals").await;
    assert_eq!(names(&desk.get("/collections").await), ["animals", "Hearts"]);
    let path = format!("/collections/{id}");
    let first = desk.get(&path).await;
    assert_eq!(first.header("etag"), "\"v1\"");
    let edit = ask_json("PATCH", &path, &json!({ "name": "Stars", "note": "bright" }));
    let edited = desk.send(with_header(edit, "if-match", "\"v1\"")).await;
    assert_eq!((edited.status, edited.header("etag")), (StatusCode::OK, "\"v2\""));
    assert_eq!(edited.json()["note"], "bright");
    let stale = ask_json("PATCH", &path, &json!({ "note": null }));
    assert_eq!(
        desk.send(with_header(stale, "if-match", "\"v1\"")).await.status,
        StatusCode::PRECONDITION_FAILED
    );
    assert_eq!(desk.send(ask("DELETE", &path)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(desk.get(&path).await.problem(), "not_found");
    assert_eq!(names(&desk.get("/collections").await), ["animals"]);
}

#[tokio::test]
async fn a_precondition_that_failed_names_the_kind_of_resource() {
    let desk = Desk::open();
    let collection = format!("/collections/{}", made(&desk, "Hearts").await);
    let image = format!("/images/{}", desk.saved_image().await);
    for (path, what) in [(&collection, "the collection was changed"), (&image, "the image was changed")] {
        for method in ["PATCH", "DELETE"] {
            let request = ask_json(method, path, &json!({ "note": "x" }));
            let answer = desk.send(with_header(request, "if-match", "\"v9\"")).await;
            assert_eq!(
                (answer.status.as_u16(), answer.problem()),
                (412, "stale".to_owned()),
                "{method} {path}"
            );
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.starts_with(what), "{method} {path}: {detail}");
        }
    }
}

#[tokio::test]
async fn a_name_that_is_taken_or_missing_is_named() {
    let desk = Desk::open();
    let id = made(&desk, "Hearts").await;
    for body in [json!({ "name": "hearts" }), json!({ "name": "  " }), json!({ "note": "no name" })] {
        let answer = desk.post("/collections", body).await;
        assert_eq!(
            (answer.status, answer.pointers()),
            (StatusCode::UNPROCESSABLE_ENTITY, vec!["/name".to_owned()])
        );
    }
    // Its own name in other letters is no other's.
    let renamed =
        desk.send(ask_json("PATCH", &format!("/collections/{id}"), &json!({ "name": "HEARTS" }))).await;
    assert_eq!(renamed.json()["name"], "HEARTS");
}

#[tokio::test]
async fn an_image_is_put_in_a_collection_found_there_and_stays_when_it_is_deleted() {
    let desk = Desk::open();
    let (image, hearts) = (desk.saved_image().await, made(&desk, "Hearts").await);
    let path = format!("/images/{image}");
    let put = desk.send(ask_json("PATCH", &path, &json!({ "collections": [hearts] }))).await;
    assert_eq!(put.json()["collections"], json!([hearts]));
    assert_eq!(ids(&desk.get(&format!("/images?collection={hearts}")).await), [image.as_str()]);
    desk.send(ask("DELETE", &format!("/collections/{hearts}"))).await;
    assert_eq!(desk.get(&path).await.status, StatusCode::OK);
    // One that it was in may be named, and is left out; a new one must exist.
    let kept = desk.send(ask_json("PATCH", &path, &json!({ "collections": [hearts], "title": "a" }))).await;
    assert_eq!((kept.status, &kept.json()["collections"]), (StatusCode::OK, &json!([])));
    let unknown = image.clone();
    let refused = desk.send(ask_json("PATCH", &path, &json!({ "collections": [unknown] }))).await;
    assert_eq!(refused.pointers(), ["/collections/0"]);
}

#[tokio::test]
async fn a_result_keeps_its_parent_and_is_found_by_it() {
    let desk = Desk::open();
    let parent = desk.saved_image().await;
    let wish = json!({ "prompt": "a dog", "parent": { "id": parent, "relation": "remix" } });
    let with_key = || with_header(ask_json("POST", "/generate", &wish), "idempotency-key", "a-dog");
    let job = desk.send(with_key()).await.id();
    desk.run_all().await;
    let child = desk.post("/save", json!({ "job_id": job })).await;
    assert_eq!(child.json()["parent"], wish["parent"]);
    let child = child.id();
    for query in [format!("parent={parent}"), "has_parent=true".to_owned()] {
        assert_eq!(ids(&desk.get(&format!("/images?{query}")).await), [child.as_str()]);
    }
    assert_eq!(ids(&desk.get("/images?has_parent=false").await), [parent.as_str()]);
    // An erased parent leaves its name behind.
    desk.send(ask("DELETE", &format!("/images/{parent}?permanent=true"))).await;
    assert_eq!(desk.get(&format!("/images/{child}")).await.json()["parent"], wish["parent"]);
    assert_eq!(desk.send(with_key()).await.id(), job);
    let again = desk.post("/generate", wish.clone()).await;
    assert_eq!(
        (again.status, again.pointers()),
        (StatusCode::UNPROCESSABLE_ENTITY, vec!["/parent/id".to_owned()])
    );
}

#[tokio::test]
async fn many_images_are_changed_at_once_and_what_can_not_be_is_told() {
    let desk = Desk::open();
    let (kept, trashed) = (desk.saved_image().await, desk.saved_image().await);
    let missing = desk.finished_job().await;
    desk.send(ask("DELETE", &format!("/images/{trashed}"))).await;
    let edit = json!({ "ids": [kept, trashed, missing], "add_tags": ["sea"], "favorite": true, "rating": 4 });
    let answer = desk.post("/images/edit", edit.clone()).await.json();
    let item = &answer["items"][0];
    assert_eq!(
        (&item["id"], &item["tags"], &item["favorite"], &item["rating"]),
        (&json!(kept), &json!(["sea"]), &json!(true), &json!(4))
    );
    assert_eq!(answer["missing"], json!([missing]));
    assert_eq!(
        (&answer["refused"][0]["id"], &answer["refused"][0]["errors"][0]["code"]),
        (&json!(trashed), &json!("in_trash"))
    );
    // Again: nothing more changes.
    let again = desk.post("/images/edit", edit).await.json();
    assert_eq!(again["items"][0]["version"], item["version"]);
    let both = json!({ "ids": [kept, trashed], "trashed": false, "remove_tags": ["SEA"], "rating": 0 });
    let restored = desk.post("/images/edit", both).await.json();
    let tags: Vec<&Value> = restored["items"].as_array().unwrap().iter().map(|item| &item["tags"]).collect();
    assert_eq!(tags, [&json!([]), &json!([])]);
    assert_eq!(restored["items"][0]["rating"], Value::Null);
}

#[tokio::test]
async fn a_change_that_no_image_could_take_is_refused_for_all() {
    let desk = Desk::open();
    let image = desk.saved_image().await;
    for (change, pointer) in [
        (json!({ "ids": [] }), "/ids"),
        (json!({ "ids": vec![&image; 101] }), "/ids"),
        (json!({ "ids": [image], "add_tags": [""] }), "/add_tags/0"),
        (json!({ "ids": [image], "rating": 6 }), "/rating"),
        (json!({ "ids": [image], "add_to": [image] }), "/add_to/0"),
    ] {
        let answer = desk.post("/images/edit", change).await;
        assert_eq!(
            (answer.status, answer.pointers()),
            (StatusCode::UNPROCESSABLE_ENTITY, vec![pointer.to_owned()])
        );
    }
}

#[tokio::test]
async fn a_timeline_tells_the_months_and_where_each_page_begins() {
    let desk = Desk::open();
    let mut images = Vec::new();
    for _ in 0..3 {
        images.push(desk.saved_image().await);
    }
    let timeline = desk.get("/images/timeline?limit=2&sort=oldest").await.json();
    assert_eq!(timeline["complete"], true);
    assert_eq!(timeline["months"][0]["count"], 3);
    let pages = timeline["pages"].as_array().unwrap();
    assert_eq!((pages.len(), &pages[0]["cursor"]), (2, &Value::Null));
    let second = pages[1]["cursor"].as_str().unwrap();
    let page = desk.get(&format!("/images?limit=2&sort=oldest&cursor={second}")).await;
    assert_eq!(ids(&page), [images[2].as_str()]);
    assert_eq!(desk.get("/images/timeline?sort=best&q=cat").await.pointers(), ["/sort"]);
    assert_eq!(desk.get("/images/timeline?cursor=x").await.pointers(), ["/cursor"]);
}

#[tokio::test]
async fn nobody_sees_or_uses_anothers_collection() {
    let desk = Desk::with_keys();
    let as_owner = |request, key: &str| with_header(request, "x-api-key", key);
    let made =
        desk.send(as_owner(ask_json("POST", "/collections", &json!({ "name": "Hearts" })), "anna")).await;
    let path = format!("/collections/{}", made.id());
    for request in
        [ask("GET", &path), ask("DELETE", &path), ask_json("PATCH", &path, &json!({ "name": "x" }))]
    {
        assert_eq!(desk.send(as_owner(request, "bert")).await.status, StatusCode::NOT_FOUND);
    }
    assert!(names(&desk.send(as_owner(ask("GET", "/collections"), "bert")).await).is_empty());
    // The same name is free for another owner.
    let other = as_owner(ask_json("POST", "/collections", &json!({ "name": "Hearts" })), "bert");
    assert_eq!(desk.send(other).await.status, StatusCode::CREATED);
}
