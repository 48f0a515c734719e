//! Smaller forms: made once, in the encoding the client likes, gone with their picture.

use crate::desk::{Answer, Desk, ask, soon, with_header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::json;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tintype_core::{
    ErrorKind, PortError,
    domain::OutputFormat,
    imaging,
    ports::{MockVariantCache, VariantCache},
};
use tintype_http::Access;

fn desk(cache: impl VariantCache) -> Desk {
    Desk::with(Access::Open, |api| api.with_variants(Arc::new(cache)))
}

/// A cache of one variant, and how often it was put.
fn one_place() -> (MockVariantCache, Arc<AtomicUsize>) {
    let (kept, puts) = (Arc::new(Mutex::new(None::<Bytes>)), Arc::new(AtomicUsize::new(0)));
    let mut cache = MockVariantCache::new();
    let reading = kept.clone();
    cache.expect_get().returning(move |_| Ok(reading.lock().unwrap().clone()));
    let counting = puts.clone();
    cache.expect_put().returning(move |_, bytes| {
        counting.fetch_add(1, Ordering::SeqCst);
        *kept.lock().unwrap() = Some(bytes);
        Ok(())
    });
    (cache, puts)
}

async fn small(desk: &Desk, id: &str, accept: &str) -> Answer {
    desk.send(with_header(ask("GET", &format!("/images/{id}/content?w=32")), "accept", accept)).await
}

#[tokio::test]
async fn a_small_form_is_made_once_for_all_who_want_it() {
    let (cache, puts) = one_place();
    let desk = desk(cache);
    let id = desk.saved_image().await;
    let path = format!("/images/{id}/content?w=32");
    let answers = futures_util::future::join_all((0..8).map(|_| desk.get(&path))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    assert_eq!(puts.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_form_that_was_made_is_served_without_its_source() {
    let (cache, _) = one_place();
    let desk = desk(cache);
    let id = desk.saved_image().await;
    let path = format!("/images/{id}/content?w=32");
    let first = desk.get(&path).await;
    let sha256 = desk.get(&format!("/images/{id}")).await.json()["sha256"].as_str().unwrap().to_owned();
    desk.memory.images.corrupt(&sha256.parse().unwrap());
    assert_eq!(desk.get(&path).await.body, first.body);
    let part = desk.send(with_header(ask("GET", &path), "range", "bytes=2-5")).await;
    assert_eq!((part.status.as_u16(), &part.body[..]), (206, &first.body[2..6]));
}

#[tokio::test]
async fn a_cache_that_fails_costs_work_and_nothing_else() {
    let failure = || PortError::new(ErrorKind::Unavailable, "VariantCache", "the disk is full");
    let mut cache = MockVariantCache::new();
    cache.expect_get().returning(move |_| Err(failure()));
    cache.expect_put().returning(move |_, _| Err(failure()));
    let desk = desk(cache);
    let id = desk.saved_image().await;
    assert_eq!(desk.get(&format!("/images/{id}/content?w=32")).await.status, 200);
}

#[tokio::test]
async fn a_small_form_is_in_the_encoding_its_client_likes() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    for (accept, kind) in [
        ("image/avif,image/webp,*/*", if cfg!(feature = "avif") { "image/avif" } else { "image/webp" }),
        ("image/jpeg", "image/jpeg"),
        ("image/webp;q=0, image/*", "image/png"),
        ("text/html", "image/webp"),
    ] {
        let answer = small(&desk, &id, accept).await;
        assert_eq!(answer.header("content-type"), kind, "{accept}");
        let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
        assert!(vary.iter().any(|value| *value == "accept"), "{vary:?}");
        let tag = answer.header("etag").to_owned();
        let request = with_header(ask("GET", &format!("/images/{id}/content?w=32")), "accept", accept);
        let again = desk.send(with_header(request, "if-none-match", &tag)).await;
        assert_eq!(again.status, 304, "{accept}");
        assert!(again.headers.get_all("vary").iter().any(|value| value == "accept"));
    }
}

#[tokio::test]
async fn neither_the_original_nor_a_named_encoding_depends_on_accept() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    for query in ["", "?variant=original", "?w=32&format=png"] {
        let request = ask("GET", &format!("/images/{id}/content{query}"));
        let answer = desk.send(with_header(request, "accept", "image/jpeg")).await;
        assert_eq!(answer.header("content-type"), "image/png", "{query}");
        assert!(!answer.headers.get_all("vary").iter().any(|value| value == "accept"), "{query}");
    }
}

#[tokio::test]
async fn a_saved_image_has_a_thumbhash_whether_it_was_drawn_or_uploaded() {
    let desk = Desk::open();
    let drawn = desk.saved_image().await;
    let bytes = desk.get(&format!("/images/{drawn}/content?format=webp")).await.body;
    let upload = serde_json::json!({
        "image": STANDARD.encode(&bytes),
    });
    let uploaded = desk.post("/save", upload).await.id();
    let hash_of = async |id: &str| desk.get(&format!("/images/{id}")).await.json()["thumbhash"].clone();
    let (drawn, uploaded) = (hash_of(&drawn).await, hash_of(&uploaded).await);
    assert!(drawn.as_str().is_some_and(|hash| (8..=36).contains(&hash.len())), "{drawn}");
    assert_eq!(drawn, uploaded, "the same pixels");
}

/// A picture that a thumbnail is smaller than; its id.
async fn save_large(desk: &Desk) -> String {
    let pixels = [200, 10, 10].repeat(400 * 300);
    let picture = imaging::encode_rgb(400, 300, pixels, OutputFormat::Png).unwrap();
    let image = STANDARD.encode(picture.blob.bytes());
    desk.post("/save", json!({ "image": image })).await.id()
}

#[tokio::test]
async fn the_thumbnail_of_a_saved_picture_is_made_before_anybody_asks() {
    let (cache, puts) = one_place();
    let desk = desk(cache);
    let id = save_large(&desk).await;
    let made = async {
        while puts.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon("the thumbnail", made).await;
    let path = format!("/images/{id}/content?variant=thumbnail");
    let shown = desk.send(with_header(ask("GET", &path), "accept", "image/avif,image/webp,image/*")).await;
    assert_eq!((shown.status.as_u16(), puts.load(Ordering::SeqCst)), (200, 1));
}

#[cfg(feature = "avif")]
#[tokio::test]
async fn a_small_form_in_avif_is_asked_for_by_name_and_bounded() {
    let desk = Desk::open();
    let id = save_large(&desk).await;
    let answer = desk.get(&format!("/images/{id}/content?format=avif&w=100")).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "image/avif"));
    assert_eq!(&answer.body[4..12], b"ftypavif");
    let pixels = [0].repeat(3 * 2_000 * 2_000);
    let picture = imaging::encode_rgb(2_000, 2_000, pixels, OutputFormat::Png).unwrap();
    let image = STANDARD.encode(picture.blob.bytes());
    let id = desk.post("/save", json!({ "image": image })).await.id();
    let refused = desk.get(&format!("/images/{id}/content?format=avif")).await;
    assert_eq!((refused.status.as_u16(), refused.pointers()), (400, vec!["/format".to_owned()]));
}
