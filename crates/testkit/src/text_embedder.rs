//! The contract of [`TextEmbedder`], case by case. That its score tells what people mean is measured, not tested.

use crate::samples::score;
use crate::suites::cases;
use std::{collections::BTreeSet, sync::Arc};
use tintype_core::{
    domain::{Embedding, Understood},
    ports::TextEmbedder,
};

cases! { CASES of Arc<dyn TextEmbedder>:
    the_same_text_gives_the_same_answer,
    a_vector_has_the_dimensions_of_its_space,
    the_space_stays_the_same,
    texts_that_mean_the_like_are_nearer_than_others,
    most_texts_that_have_nothing_to_do_with_each_other_score_less_than_the_least,
    an_empty_text_is_answered_without_a_vector,
    any_text_is_answered,
    unknown_words_are_told_once_and_in_small_letters,
}

/// Of which no two have to do with each other.
const TEXTS: [&str; 6] = [
    "a red sports car",
    "a sleeping dog",
    "pizza with olives",
    "a violin on a table",
    "the income tax law",
    "snow on high mountains",
];

async fn embed(embedder: &dyn TextEmbedder, text: &str) -> Understood {
    embedder.embed(text).await.expect("embed")
}

async fn vector(embedder: &dyn TextEmbedder, text: &str) -> Embedding {
    embed(embedder, text).await.vector.expect("it says something")
}

async fn the_same_text_gives_the_same_answer(embedder: Arc<dyn TextEmbedder>) {
    for text in TEXTS {
        assert_eq!(embed(&*embedder, text).await, embed(&*embedder, text).await, "{text}");
    }
}

async fn a_vector_has_the_dimensions_of_its_space(embedder: Arc<dyn TextEmbedder>) {
    for text in TEXTS {
        assert_eq!(vector(&*embedder, text).await.dimensions(), embedder.space().dimensions, "{text}");
    }
}

async fn the_space_stays_the_same(embedder: Arc<dyn TextEmbedder>) {
    let space = embedder.space();
    assert!(!space.name.is_empty());
    embed(&*embedder, TEXTS[0]).await;
    assert_eq!(embedder.space(), space);
}

async fn texts_that_mean_the_like_are_nearer_than_others(embedder: Arc<dyn TextEmbedder>) {
    let [car, dog, ..] = TEXTS;
    let (car, dog) = (vector(&*embedder, car).await, vector(&*embedder, dog).await);
    let vehicle = vector(&*embedder, "a fast vehicle").await;
    let puppy = vector(&*embedder, "a puppy").await;
    assert!(score(&vehicle, &car) > score(&vehicle, &dog));
    assert!(score(&puppy, &dog) > score(&puppy, &car));
}

async fn most_texts_that_have_nothing_to_do_with_each_other_score_less_than_the_least(
    embedder: Arc<dyn TextEmbedder>,
) {
    let mut vectors = Vec::new();
    for text in TEXTS {
        vectors.push(vector(&*embedder, text).await);
    }
    let pairs = vectors.iter().enumerate().flat_map(|(n, a)| vectors[..n].iter().map(move |b| (a, b)));
    let scores: Vec<_> = pairs.map(|(a, b)| score(a, b)).collect();
    let less = scores.iter().filter(|score| **score < embedder.score_min()).count();
    assert!(2 * less > scores.len(), "{less} of {}: {scores:?}", scores.len());
}

async fn an_empty_text_is_answered_without_a_vector(embedder: Arc<dyn TextEmbedder>) {
    for text in ["", "  \n\t"] {
        assert_eq!(embed(&*embedder, text).await, Understood { vector: None, unknown: vec![] }, "{text:?}");
    }
}

async fn any_text_is_answered(embedder: Arc<dyn TextEmbedder>) {
    let long = "a very long prompt, ".repeat(1_000);
    for text in ["!?.,-", "\u{732b}\u{1f600}", "\u{0}\u{feff}\u{202e}", "12345", long.as_str()] {
        embed(&*embedder, text).await;
    }
}

/// Which words are unknown is the embedder's to say.
async fn unknown_words_are_told_once_and_in_small_letters(embedder: Arc<dyn TextEmbedder>) {
    let unknown = embed(&*embedder, "Qwrtzp qwrtzp, QWRTZP Zzyxq and a car").await.unknown;
    assert!(unknown.iter().all(|word| *word == word.to_lowercase()), "{unknown:?}");
    assert_eq!(unknown.len(), unknown.iter().collect::<BTreeSet<_>>().len(), "{unknown:?}");
}
