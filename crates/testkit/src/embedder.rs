//! The contract of [`Embedder`], case by case.

use crate::samples::{blob, score};
use crate::suites::cases;
use futures_util::FutureExt;
use std::sync::Arc;
use tintype_core::{
    ErrorKind,
    domain::{Blob, ContentType, Embedding, OutputFormat},
    imaging,
    ports::Embedder,
};

cases! { CASES of Arc<dyn Embedder>:
    the_same_picture_gives_the_same_vector,
    a_vector_has_the_dimensions_of_its_space,
    the_space_stays_the_same,
    pictures_that_are_alike_are_nearer_than_others,
    any_size_is_looked_at,
    a_picture_with_nothing_in_it_is_no_error,
    what_is_no_picture_is_an_error_of_its_data,
    its_work_is_done_off_the_callers_thread,
}

const RED: [u8; 3] = [200, 20, 20];
const WHITE: [u8; 3] = [255; 3];

/// A bar in the picture's upper part, or in its left one.
fn bar(side: u32, across: bool, format: OutputFormat) -> Blob {
    let pixel = |at: u32| {
        let place = if across { at / side } else { at % side };
        if (side / 4..side / 2).contains(&place) { RED } else { WHITE }
    };
    let pixels = (0..side * side).flat_map(pixel).collect();
    imaging::encode_rgb(side, side, pixels, format).expect("encode").blob
}

async fn vector(embedder: &dyn Embedder, picture: &Blob) -> Embedding {
    embedder.embed(picture).await.expect("embed").expect("there is something in it")
}

async fn the_same_picture_gives_the_same_vector(embedder: Arc<dyn Embedder>) {
    let picture = bar(64, true, OutputFormat::Png);
    let first = vector(&*embedder, &picture).await;
    assert_eq!(vector(&*embedder, &picture).await, first);
}

async fn a_vector_has_the_dimensions_of_its_space(embedder: Arc<dyn Embedder>) {
    let vector = vector(&*embedder, &bar(64, true, OutputFormat::Png)).await;
    assert_eq!(vector.dimensions(), embedder.space().dimensions);
}

async fn the_space_stays_the_same(embedder: Arc<dyn Embedder>) {
    let space = embedder.space();
    assert!(!space.name.is_empty());
    vector(&*embedder, &bar(64, true, OutputFormat::Png)).await;
    assert_eq!(embedder.space(), space);
}

async fn pictures_that_are_alike_are_nearer_than_others(embedder: Arc<dyn Embedder>) {
    let picture = vector(&*embedder, &bar(64, true, OutputFormat::Png)).await;
    let other = vector(&*embedder, &bar(64, false, OutputFormat::Png)).await;
    for format in [OutputFormat::Jpeg, OutputFormat::Webp] {
        let same = vector(&*embedder, &bar(128, true, format)).await;
        assert!(score(&picture, &same) > score(&picture, &other), "{format:?}");
    }
}

async fn any_size_is_looked_at(embedder: Arc<dyn Embedder>) {
    for (width, height) in [(1, 1), (1, 100), (100, 1), (1, 2), (640, 7)] {
        let pixels = (0..width * height).flat_map(|at| if at % 2 == 0 { RED } else { WHITE }).collect();
        let picture = imaging::encode_rgb(width, height, pixels, OutputFormat::Png).expect("encode");
        embedder.embed(&picture.blob).await.expect("embed");
    }
}

/// Whether there is nothing in it to compare is the embedder's to say.
async fn a_picture_with_nothing_in_it_is_no_error(embedder: Arc<dyn Embedder>) {
    for level in [0, 128, 255] {
        let picture = imaging::encode_rgb(8, 8, vec![level; 8 * 8 * 3], OutputFormat::Png).expect("encode");
        embedder.embed(&picture.blob).await.expect("embed");
    }
}

async fn what_is_no_picture_is_an_error_of_its_data(embedder: Arc<dyn Embedder>) {
    let whole = bar(64, true, OutputFormat::Png);
    let half = whole.bytes().slice(..whole.bytes().len() / 2);
    for broken in [blob(1), Blob::new(half, ContentType::Png), Blob::new("".into(), ContentType::Jpeg)] {
        let error = embedder.embed(&broken).await.expect_err("it can't be decoded");
        assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    }
}

async fn its_work_is_done_off_the_callers_thread(embedder: Arc<dyn Embedder>) {
    // Of a size that takes longer than it takes to ask whether it is done.
    let picture = bar(1_024, true, OutputFormat::Png);
    assert!(embedder.embed(&picture).now_or_never().is_none());
}
