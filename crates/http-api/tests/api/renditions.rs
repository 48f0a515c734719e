//! Renditions of images of every format and extreme size: each is made, or answered with the original or a 4xx.

use crate::desk::Desk;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use tintype_core::{
    domain::{Blob, ContentType, Encoding, ImageId, OutputFormat, OwnerId, SavedImage},
    imaging::{self, ImageLimits},
    ports::{ImageStore, MetadataRepo},
};
use tintype_http::Access;
use tintype_testkit::{hostile_images::BOMBS, samples::image_of};

/// Sizes within the limits that make trouble: sides as long as they may be, longer than WebP holds, of one pixel.
const SIZES: [(u32, u32); 7] =
    [(1, 1), (1, 100), (100, 1), (164, 16_384), (16_384, 164), (700, 16_383), (321, 8_000)];

fn queries() -> Vec<String> {
    let widths = [None, Some(1), Some(64), Some(320)];
    let formats = std::iter::once(None).chain(Encoding::ALL.iter().map(|format| Some(format.name())));
    let mut queries = vec!["?variant=thumbnail".to_owned(), "?strip=metadata".to_owned()];
    for format in formats {
        for width in widths {
            let width = width.map(|width| format!("w={width}"));
            let format = format.map(|format| format!("format={format}"));
            let parts: Vec<_> = [width, format].into_iter().flatten().collect();
            queries.push(format!("?{}", parts.join("&")));
        }
    }
    queries
}

/// Asks for every rendition; none may be a 5xx, and those that are given are images.
async fn ask_for_all(desk: &Desk, id: &str, name: &str) {
    for query in queries() {
        let answer = desk.get(&format!("/images/{id}/content{query}")).await;
        assert!(answer.status == 200 || answer.status.is_client_error(), "{name} {query}: {}", answer.status);
        if answer.status == 200 && answer.header("content-type") != "image/avif" {
            assert_eq!(
                imaging::recognise(&answer.body).map(ContentType::as_str),
                Some(answer.header("content-type")),
                "{name} {query}"
            );
        }
    }
}

#[tokio::test]
async fn every_rendition_of_every_accepted_image_is_made_or_refused_and_the_page_gets_its_own() {
    let desk = Desk::open();
    for (width, height) in SIZES {
        for format in OutputFormat::ALL {
            if width.max(height) > Encoding::from(format.content_type()).most_side() {
                continue;
            }
            let pixels =
                (0..width * height).flat_map(|at| [(at % 251) as u8, (at / 251) as u8, 90]).collect();
            let image = imaging::encode_rgb(width, height, pixels, format).unwrap();
            let saved = desk.post("/save", json!({ "image": STANDARD.encode(image.blob.bytes()) })).await;
            let name = format!("{format:?} of {width} x {height}");
            assert_eq!(saved.status, 201, "{name}");
            let id = saved.id();
            ask_for_all(&desk, &id, &name).await;
            let answer = desk.get(&format!("/images/{id}/content?w=320&format=webp")).await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("content-type")),
                (200, "image/webp"),
                "{name}"
            );
            // A narrow one may be longer for its width than an upload.
            let any_ratio = ImageLimits { max_ratio: u32::MAX, ..ImageLimits::DEFAULT };
            let small = imaging::check_within(answer.body.clone(), &any_ratio).unwrap();
            assert!(small.width <= 320 && small.height >= 1, "{name}");
        }
    }
}

#[tokio::test]
async fn an_image_that_is_too_tall_for_an_encoding_is_refused_with_what_to_ask_for() {
    let desk = Desk::open();
    let image = imaging::encode_rgb(164, 16_384, vec![9; 164 * 16_384 * 3], OutputFormat::Png).unwrap();
    let id = desk.post("/save", json!({ "image": STANDARD.encode(image.blob.bytes()) })).await.id();
    let answer = desk.get(&format!("/images/{id}/content?format=webp")).await;
    assert_eq!((answer.problem(), answer.pointers()), ("bad_query".to_owned(), vec!["/format".to_owned()]));
}

/// Puts an image into the library as an earlier release did, which had other limits.
async fn saved_before(desk: &Desk, n: u64, bytes: Vec<u8>, width: u32, height: u32) -> ImageId {
    let content_type = imaging::recognise(&bytes).unwrap();
    let blob = Blob::new(bytes.into(), content_type);
    desk.memory.images.put(&blob, tintype_testkit::samples::START).await.unwrap();
    let (sha256, bytes) = (*blob.id(), blob.bytes().len() as u64);
    let image = image_of(&OwnerId::local(), n, 0);
    let image = SavedImage { sha256, content_type, bytes, width, height, ..image };
    desk.memory.metadata.insert(&image).await.unwrap();
    image.id
}

#[tokio::test]
async fn an_image_that_was_saved_under_other_limits_is_served_as_it_is() {
    let desk = Desk::open();
    for (n, (name, width, height)) in (1..).zip([
        ("PNG of 8,388,608 x 1 pixels", 8_388_608, 1),
        ("PNG of 128 x 65,535 pixels", 128, 65_535),
        ("JPEG of 64 x 65,500 pixels", 64, 65_500),
    ]) {
        let bytes = BOMBS.iter().find(|bomb| bomb.name == name).map(|bomb| (bomb.make)()).unwrap();
        let id = saved_before(&desk, n, bytes.clone(), width, height).await.to_string();
        ask_for_all(&desk, &id, name).await;
        for query in ["?w=64", "?w=320&format=webp"] {
            let answer = desk.get(&format!("/images/{id}/content{query}")).await;
            assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &bytes[..]), "{name} {query}");
        }
    }
}

#[tokio::test]
async fn an_image_that_can_not_be_decoded_any_more_is_no_error_of_the_server() {
    let desk = Desk::open();
    for (n, bytes) in
        [(1, &b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"[..]), (2, b"\xff\xd8\xff\xe0"), (3, b"RIFF\x04\0\0\0WEBP")]
    {
        let id = saved_before(&desk, n, bytes.to_vec(), 64, 64).await.to_string();
        ask_for_all(&desk, &id, &format!("damaged image {n}")).await;
    }
}

#[tokio::test]
async fn what_lies_beyond_a_limit_is_refused_with_its_field_and_a_code_wherever_an_image_is_taken() {
    let limits =
        ImageLimits { max_pixels: 64, max_side: 16, max_ratio: 4, max_bytes: 300, ..ImageLimits::DEFAULT };
    let desk = Desk::with(Access::Open, |api| api.with_image_limits(limits));
    let image = |width: u32, height: u32| {
        let pixels = (0..width * height * 3).map(|n| (n * 167) as u8).collect();
        STANDARD.encode(imaging::encode_rgb(width, height, pixels, OutputFormat::Png).unwrap().blob.bytes())
    };
    for (width, height, code) in [
        (8, 9, "too_many_pixels"),
        (17, 3, "side_too_long"),
        (2, 9, "ratio_too_extreme"),
        (12, 12, "too_large"),
    ] {
        let saved = desk.post("/save", json!({ "image": image(width, height) })).await;
        let asked =
            desk.post("/generate", json!({ "prompt": "x", "init_image": image(width, height) })).await;
        for (answer, pointer) in [(saved, "/image"), (asked, "/init_image")] {
            let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(answer.status, 422, "{body}");
            let error = &body["errors"][0];
            assert_eq!(
                (error["pointer"].as_str(), error["code"].as_str()),
                (Some(pointer), Some(code)),
                "{body}"
            );
        }
    }
    assert_eq!(desk.post("/save", json!({ "image": image(8, 8) })).await.status, 201);
    // The body follows the largest image.
    let answer = desk.post("/save", json!({ "image": "A".repeat(300_000) })).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (413, "body_too_large".to_owned()));
}
