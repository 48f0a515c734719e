//! What a request gives: the contract of `ImageModel`, kept by the embedded model.
#![cfg(feature = "embedded-model")]

mod support;

use futures_executor::block_on;
use futures_util::StreamExt;
use std::time::{Duration, Instant};
use support::{drawn, embedded, events, images, request, settings};
use tintype_core::ErrorKind;
use tintype_core::domain::{ContentType, Seed, limits};
use tintype_core::imaging;
use tintype_core::ports::{Generated, ImageModel};
use tintype_diffusion::DiffusionModel;

#[test]
fn the_same_seed_gives_the_same_bytes_on_one_and_on_two_threads() {
    let two = DiffusionModel::embedded(settings(2)).unwrap();
    assert_eq!(drawn(&embedded(), |_| ()), drawn(&two, |_| ()));
}

#[test]
fn another_seed_gives_another_picture() {
    let model = embedded();
    assert_ne!(drawn(&model, |_| ()), drawn(&model, |input| input.seed = Some(8)));
}

#[test]
fn several_images_are_those_of_the_seeds_counted_up() {
    let model = embedded();
    let images = images(&model, &request(&model, |input| input.count = Some(2)));
    let indexes: Vec<_> = images.iter().map(|image| (image.index, image.seed)).collect();
    assert_eq!(indexes, [(0, Seed(7)), (1, Seed(8))]);
    assert_eq!(images[1].picture.bytes(), &drawn(&model, |input| input.seed = Some(8)));
}

#[test]
fn a_picture_has_the_requested_size_and_encoding() {
    let model = embedded();
    for (name, content_type) in
        [("png", ContentType::Png), ("jpeg", ContentType::Jpeg), ("webp", ContentType::Webp)]
    {
        let request = request(&model, |input| input.output_format = Some(name.to_owned()));
        let image = images(&model, &request).remove(0);
        let picture = imaging::check(image.picture.bytes().clone()).unwrap();
        assert_eq!(picture.blob.content_type(), content_type);
        assert_eq!((picture.width, picture.height, image.width, image.height), (64, 64, 64, 64));
    }
}

#[test]
fn progress_counts_over_all_images_and_ends_at_the_last_step() {
    let model = embedded();
    let steps: Vec<_> = events(&model, &request(&model, |input| input.count = Some(2)))
        .into_iter()
        .filter_map(|event| match event.unwrap() {
            Generated::Progress(progress) => Some((progress.image, progress.step, progress.steps)),
            Generated::Preview(_) | Generated::Image(_) => None,
        })
        .collect();
    assert!(steps.is_sorted_by(|a, b| a.1 < b.1), "{steps:?}");
    assert_eq!(steps.last(), Some(&(1, 6, 6)));
}

#[test]
fn previews_are_small_pictures_that_come_every_few_steps() {
    let model = embedded();
    let previews: Vec<_> = events(&model, &request(&model, |input| input.steps = Some(9)))
        .into_iter()
        .filter_map(|event| match event.unwrap() {
            Generated::Preview(preview) => Some(preview),
            Generated::Progress(_) | Generated::Image(_) => None,
        })
        .collect();
    assert!(!previews.is_empty());
    for preview in previews {
        assert!(preview.progress.step.is_multiple_of(4));
        assert!(preview.picture.bytes().len() <= limits::CHUNK_BYTES);
        imaging::check(preview.picture.bytes().clone()).unwrap();
    }
}

#[test]
fn guidance_of_one_or_less_draws_as_none_does() {
    let model = embedded();
    let at = |scale| drawn(&model, |input| input.guidance_scale = Some(scale));
    assert_eq!(at(1.0), at(0.0));
    assert_ne!(at(1.0), at(2.5));
}

#[test]
fn a_negative_prompt_changes_the_picture_where_there_is_guidance() {
    let model = embedded();
    let at = |scale, negative: Option<&str>| {
        drawn(&model, |input| {
            input.guidance_scale = Some(scale);
            input.negative_prompt = negative.map(str::to_owned);
        })
    };
    assert_ne!(at(2.5, Some("blue")), at(2.5, None));
    assert_eq!(at(1.0, Some("blue")), at(1.0, None));
}

#[test]
fn ddim_and_euler_draw_and_differ() {
    let model = embedded();
    let with = |name: &str| drawn(&model, |input| input.scheduler = Some(name.to_owned()));
    assert_ne!(with("ddim"), with("euler"));
}

#[test]
fn words_it_never_learnt_are_drawn_around_and_warned_of() {
    let model = embedded();
    let prompt = "a red heart, \u{1f600} zeppelin; \u{5fc3}!";
    assert!(!drawn(&model, |input| input.prompt = Some(prompt.to_owned())).is_empty());
    let words: Vec<_> =
        model.card().warnings(prompt).into_iter().filter_map(|warning| warning.word).collect();
    assert_eq!(words, ["zeppelin", "\u{5fc3}"]);
}

#[test]
fn a_prompt_longer_than_the_model_reads_is_cut_off() {
    let model = embedded();
    let long = "red heart ".repeat(100);
    assert!(!drawn(&model, |input| input.prompt = Some(long)).is_empty());
}

#[test]
fn a_dropped_stream_frees_the_worker_within_a_step() {
    let model = embedded();
    let long = request(&model, |input| (input.steps, input.count) = (Some(50), Some(8)));
    block_on(async {
        let mut stream = model.generate(&long, None).await.unwrap();
        stream.next().await.unwrap().unwrap();
    });
    let started = Instant::now();
    drawn(&model, |input| input.steps = Some(1));
    // 400 steps take many seconds even on a fast machine; one and a picture take far less on a slow one.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn a_stream_that_is_never_polled_draws_nothing() {
    let model = embedded();
    let long = request(&model, |input| (input.steps, input.count) = (Some(50), Some(8)));
    let idle = block_on(model.generate(&long, None)).unwrap();
    let started = Instant::now();
    drawn(&model, |input| input.steps = Some(1));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    drop(idle);
}

#[test]
fn a_reader_that_sleeps_loses_no_picture() {
    let model = embedded();
    let request = request(&model, |input| (input.steps, input.count) = (Some(4), Some(3)));
    let images = block_on(async {
        let mut stream = model.generate(&request, None).await.unwrap();
        let mut images = 0;
        while let Some(event) = stream.next().await {
            images += u32::from(matches!(event.unwrap(), Generated::Image(_)));
            std::thread::sleep(Duration::from_millis(150));
        }
        images
    });
    assert_eq!(images, 3);
}

#[test]
fn a_stream_that_ended_stays_ended() {
    let model = embedded();
    let request = request(&model, |_| ());
    block_on(async {
        let mut stream = model.generate(&request, None).await.unwrap();
        while stream.next().await.is_some() {}
        assert!(stream.next().await.is_none());
    });
}

#[test]
fn a_request_the_card_does_not_offer_is_invalid() {
    let model = embedded();
    let mut request = request(&model, |_| ());
    request.width = 72;
    let error = block_on(model.generate(&request, None)).err().unwrap();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Invalid, "width is 72; must be 64"));
}
