//! What English texts mean, as vectors: those of their words, added up. The words stand in `models/glove-40k`, whose README
//! says where they come from; they are part of the program.

mod text_embedder;

pub use text_embedder::WordVectors;

use std::sync::LazyLock;
use tintype_core::domain::{Embedding, Understood};

/// One a line, in the order of their letters.
static WORDS: &str = include_str!("../../../models/glove-40k/words.txt");
/// For each word, numbers of one byte.
static VECTORS: &[u8] = include_bytes!("../../../models/glove-40k/vectors.i8");
const DIMENSIONS: usize = 100;
/// The sum of a text that says nothing is shorter: all of its words are as common as `the`. A rare word is about 250 long.
const LENGTH_MIN: f32 = 8.0;
/// Of two words at random, one pair in a hundred is nearer than this.
const SCORE_MIN: f32 = 0.35;

static LINES: LazyLock<Vec<&str>> = LazyLock::new(|| WORDS.lines().collect());

fn understand(text: &str) -> Understood {
    let text = text.to_lowercase();
    let mut sum = [0_f32; DIMENSIONS];
    let mut unknown: Vec<String> = Vec::new();
    for word in text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        match vector(word).or_else(|| vector(word.strip_suffix('s')?)) {
            Some(vector) => sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value),
            // One letter is no word: of "a cat's" there are two.
            None if word.chars().nth(1).is_some() && !unknown.iter().any(|known| known == word) => {
                unknown.push(word.to_owned());
            }
            None => {}
        }
    }
    let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
    let vector = if length < LENGTH_MIN { None } else { Embedding::of(&sum) };
    Understood { vector, unknown }
}

fn vector(word: &str) -> Option<impl Iterator<Item = f32>> {
    let line = LINES.binary_search(&word).ok()?;
    let numbers = VECTORS.chunks_exact(DIMENSIONS).nth(line)?;
    Some(numbers.iter().map(|byte| f32::from(i8::from_ne_bytes([*byte]))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_core::domain::{Entropy, ImageId, Timestamp, Vectors};

    /// The first of `texts` by how near they are to `to`, with what lies below the least score left out.
    fn nearest<'a>(to: &str, texts: &[&'a str]) -> Vec<&'a str> {
        let mut vectors = Vectors::new(DIMENSIONS);
        let ids: Vec<_> = (0_u8..)
            .take(texts.len())
            .map(|n| ImageId::new(Timestamp::from_millis(0), &Entropy([n; 32])))
            .collect();
        for (id, text) in ids.iter().zip(texts) {
            vectors.set(*id, &understand(text).vector.unwrap());
        }
        let near = vectors.nearest(&understand(to).vector.unwrap(), texts.len());
        let near = near.into_iter().filter(|near| near.score >= SCORE_MIN);
        near.map(|near| texts[ids.iter().position(|id| *id == near.id).unwrap()]).collect()
    }

    #[test]
    fn every_word_is_in_order_and_has_its_numbers() {
        assert!(LINES.is_sorted_by(|a, b| a < b));
        assert_eq!(VECTORS.len(), LINES.len() * DIMENSIONS);
        assert_eq!(LINES.len(), 40_000);
    }

    #[test]
    fn what_means_the_like_is_near_without_a_word_in_common() {
        let prompts = ["a red sports car", "a sleeping dog", "pizza with olives", "a violin on a table"];
        assert_eq!(nearest("vehicle", &prompts)[0], "a red sports car");
        assert_eq!(nearest("puppy", &prompts)[0], "a sleeping dog");
        assert_eq!(nearest("italian food", &prompts)[0], "pizza with olives");
        assert_eq!(nearest("musical instrument", &prompts)[0], "a violin on a table");
        assert_eq!(nearest("tax law", &prompts), Vec::<&str>::new());
    }

    #[test]
    fn words_that_say_nothing_or_are_unknown_have_no_direction() {
        assert_eq!(understand("the of and"), Understood { vector: None, unknown: Vec::new() });
        let unknown = ["qwrtzp", "\u{732b}\u{732b}"].map(str::to_owned).to_vec();
        assert_eq!(understand("Qwrtzp, \u{732b}\u{732b} qwrtzp!"), Understood { vector: None, unknown });
        assert_eq!(understand(""), Understood { vector: None, unknown: Vec::new() });
    }

    #[test]
    fn letters_of_any_size_and_plurals_are_the_same_word() {
        assert_eq!(understand("DRAGON'S").vector, understand("dragon").vector);
        assert_eq!(understand("a hedgehog, hedgehogs").unknown, Vec::<String>::new());
    }
}
