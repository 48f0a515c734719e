//! `GET /images/{id}/content`: bytes whole, in part, and made anew.

use crate::desk::{Answer, Desk, ask, with_header};
use tintype_core::{
    domain::{ContentType, Encoding, limits},
    imaging,
};
use tintype_testkit::faults::{FaultPlan, wrap};

async fn content(desk: &Desk, id: &str, query: &str, headers: &[(&'static str, &str)]) -> Answer {
    let mut request = ask("GET", &format!("/images/{id}/content{query}"));
    for (name, value) in headers {
        request = with_header(request, name, value);
    }
    desk.send(request).await
}

#[tokio::test]
async fn the_bytes_are_immutable_and_harmless() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    let answer = content(&desk, &id, "", &[]).await;
    for (name, value) in [
        ("content-type", "image/png"),
        ("cache-control", "private, max-age=31536000, immutable"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(answer.header(name), value);
    }
    assert_eq!(answer.header("content-disposition"), format!("inline; filename=\"{id}.png\""));
    let again = content(&desk, &id, "", &[("if-none-match", answer.header("etag"))]).await;
    assert_eq!(again.status, 304);
}

#[tokio::test]
async fn a_range_is_a_part_of_the_bytes() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    for query in ["", "?w=32"] {
        let whole = content(&desk, &id, query, &[]).await;
        let part = content(&desk, &id, query, &[("range", "bytes=2-5")]).await;
        assert_eq!((part.status.as_u16(), &part.body[..]), (206, &whole.body[2..6]));
        assert_eq!(part.header("content-range"), format!("bytes 2-5/{}", whole.body.len()));
        assert_eq!(part.header("content-length"), "4");
    }
}

#[tokio::test]
async fn a_range_past_the_end_says_how_long_it_is() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    let length = content(&desk, &id, "", &[]).await.body.len();
    let answer = content(&desk, &id, "", &[("range", "bytes=9999999-")]).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (416, "range_not_satisfiable".to_owned()));
    assert_eq!(answer.header("content-range"), format!("bytes */{length}"));
}

#[tokio::test]
async fn a_range_of_something_else_is_the_whole() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    let answer = content(&desk, &id, "", &[("range", "bytes=0-1"), ("if-range", "\"old\"")]).await;
    assert_eq!(answer.status, 200);
    let tag = answer.header("etag");
    let part = content(&desk, &id, "", &[("range", "bytes=0-1"), ("if-range", tag)]).await;
    assert_eq!(part.status, 206);
}

#[tokio::test]
async fn a_picture_comes_in_every_format_and_no_wider_than_asked() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    let mut tags = Vec::new();
    for (query, kind, width) in [
        ("", ContentType::Png, 64),
        ("?variant=thumbnail", ContentType::Png, 64),
        ("?w=32", ContentType::Webp, 32),
        ("?w=32&format=jpeg", ContentType::Jpeg, 32),
        ("?format=webp", ContentType::Webp, 64),
        ("?w=4096&format=png", ContentType::Png, 64),
    ] {
        let answer = content(&desk, &id, query, &[]).await;
        assert_eq!(answer.header("content-type"), kind.as_str(), "{query}");
        assert_eq!(imaging::check(answer.body.clone()).unwrap().width, width, "{query}");
        tags.push(answer.header("etag").to_owned());
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4, "one tag for each different form");
}

#[tokio::test]
async fn a_form_that_is_not_there_is_refused_by_name() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    for (query, pointer) in [
        ("?w=0", "/w"),
        ("?w=4097", "/w"),
        ("?w=1e3", "/w"),
        ("?variant=huge", "/variant"),
        ("?format=svg", "/format"),
        ("?strip=pixels", "/strip"),
        ("?height=7", "/height"),
    ] {
        let answer = content(&desk, &id, query, &[]).await;
        assert_eq!((answer.problem(), answer.pointers()), ("bad_query".to_owned(), vec![pointer.to_owned()]));
    }
}

#[tokio::test]
async fn a_picture_too_large_for_one_answer_is_answered_with_its_link_and_a_small_part_with_its_bytes() {
    let desk = Desk::with(tintype_http::Access::Open, |api| api.with_redirect_over(16));
    let id = desk.saved_image().await;
    for headers in [&[][..], &[("range", "bytes=0-99")]] {
        let whole = content(&desk, &id, "", headers).await;
        assert_eq!(whole.status, 307);
        assert!(whole.header("location").starts_with("memory:"), "{}", whole.header("location"));
    }
    let part = content(&desk, &id, "", &[("range", "bytes=0-15")]).await;
    assert_eq!((part.status.as_u16(), part.body.len()), (206, 16));
}

#[tokio::test]
async fn a_picture_says_how_it_was_made_unless_it_is_stripped() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    let whole = content(&desk, &id, "", &[]).await;
    let stripped = content(&desk, &id, "?strip=metadata", &[]).await;
    let says = |answer: &Answer| answer.body.windows(5).any(|part| part == b"a cat");
    assert_eq!((says(&whole), says(&stripped)), (true, false));
    // The small form is made of the pixels alone.
    let pixels = |answer: &Answer| {
        imaging::convert(answer.body.clone(), ContentType::Png, Some(32), Encoding::Png, &limits::IMAGES)
            .unwrap()
    };
    assert_eq!(pixels(&whole), pixels(&stripped));
    for query in ["?w=32", "?w=32&strip=metadata", "?format=jpeg"] {
        assert!(!says(&content(&desk, &id, query, &[]).await), "{query}");
    }
}

#[tokio::test]
async fn a_stripped_picture_has_a_tag_of_its_own_and_parts() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    let whole = content(&desk, &id, "", &[]).await;
    let stripped = content(&desk, &id, "?strip=metadata", &[]).await;
    let tag = stripped.header("etag");
    assert_ne!(tag, whole.header("etag"));
    let again = content(&desk, &id, "?strip=metadata", &[("if-none-match", tag)]).await;
    assert_eq!(again.status, 304);
    let part = content(&desk, &id, "?strip=metadata", &[("range", "bytes=2-5")]).await;
    assert_eq!((part.status.as_u16(), &part.body[..]), (206, &stripped.body[2..6]));
}

#[tokio::test]
async fn a_result_is_stripped_as_a_saved_image_is() {
    let desk = Desk::open();
    let id = desk.finished_job().await;
    let [whole, stripped] = ["", "?strip=metadata"].map(|query| format!("/jobs/{id}/images/0{query}"));
    let (whole, stripped) = (desk.get(&whole).await, desk.get(&stripped).await);
    assert_eq!(stripped.header("content-type"), "image/png");
    assert!(stripped.body.len() < whole.body.len());
    assert_eq!(desk.get(&format!("/jobs/{id}/images/0?w=3")).await.pointers(), ["/w"]);
}

#[tokio::test]
async fn a_picture_made_anew_that_is_too_large_for_one_answer_is_refused_with_what_to_ask_for() {
    let desk = Desk::with(tintype_http::Access::Open, |api| api.with_redirect_over(16));
    let id = desk.saved_image().await;
    for (query, headers) in [("?format=jpeg", &[][..]), ("?w=32", &[("range", "bytes=0-99")])] {
        let answer = content(&desk, &id, query, headers).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, "bad_query".to_owned()));
        assert_eq!(answer.pointers(), ["/w"]);
    }
    let part = content(&desk, &id, "?w=32", &[("range", "bytes=0-15")]).await;
    assert_eq!((part.status.as_u16(), part.body.len()), (206, 16));
}

/// A deployment whose calls are counted.
fn counted() -> (Desk, FaultPlan) {
    let plan = FaultPlan::new(1);
    (Desk::with_ports(|ports| wrap(ports, &plan)), plan)
}

#[tokio::test]
async fn stored_bytes_are_read_in_parts_of_saved_images_and_of_results_whole_and_by_range() {
    let (desk, plan) = counted();
    let job = desk.finished_job().await;
    let id = desk.post("/save", serde_json::json!({ "job_id": job, "index": 0 })).await.id();
    let (whole_before, opened_before) = (plan.calls("ImageStore::get"), plan.calls("ImageStore::open"));
    for path in [format!("/images/{id}/content"), format!("/jobs/{job}/images/0")] {
        assert_eq!(desk.get(&path).await.status, 200);
        assert_eq!(desk.send(with_header(ask("GET", &path), "range", "bytes=2-")).await.status, 206);
    }
    assert_eq!(plan.calls("ImageStore::get"), whole_before);
    assert_eq!(plan.calls("ImageStore::open"), opened_before + 4);
}

#[tokio::test]
async fn damaged_bytes_are_no_answer_whole_or_in_part() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    let sha256 = desk.get(&format!("/images/{id}")).await.json()["sha256"].as_str().unwrap().to_owned();
    desk.memory.images.corrupt(&sha256.parse().unwrap());
    for headers in [&[][..], &[("range", "bytes=2-5")]] {
        let answer = content(&desk, &id, "", headers).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (500, "internal".to_owned()), "{headers:?}");
    }
}

#[tokio::test]
async fn a_head_request_tells_the_length_and_has_no_bytes() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    let length = content(&desk, &id, "", &[]).await.body.len().to_string();
    let answer = desk.send(ask("HEAD", &format!("/images/{id}/content"))).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-length")), (200, length.as_str()));
    assert!(answer.body.is_empty());
}
