//! What a model can do, as it says of itself.

use super::{FieldError, ModelName, OutputFormat, Warning};
use serde::Serialize;
use std::collections::BTreeSet;

/// How much of a word a warning quotes.
const WORD_CHARS: usize = 40;

/// Whole numbers a model takes: `min` to `max` in steps of `step` from `min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct IntRange {
    /// The least.
    pub min: u32,
    /// The most.
    pub max: u32,
    /// The distance from one allowed number to the next.
    pub step: u32,
    /// Used where the request names none.
    pub default: u32,
}

impl IntRange {
    /// Only this number.
    pub const fn only(value: u32) -> Self {
        Self { min: value, max: value, step: 1, default: value }
    }

    /// Every number from `min` to `max`.
    pub const fn of(min: u32, max: u32, default: u32) -> Self {
        Self { min, max, step: 1, default }
    }

    /// `value` if it is allowed; the default for none.
    ///
    /// # Errors
    /// What is allowed, under `pointer`.
    pub fn pick(&self, pointer: &'static str, value: Option<i64>) -> Result<u32, FieldError> {
        let Some(value) = value else { return Ok(self.default) };
        u32::try_from(value)
            .ok()
            .filter(|n| (self.min..=self.max).contains(n) && (n - self.min).is_multiple_of(self.step.max(1)))
            .ok_or_else(|| FieldError::new(pointer, "out_of_range", format!("is {value}; {}", self.rule())))
    }

    fn rule(&self) -> String {
        match (self.min == self.max, self.step) {
            (true, _) => format!("must be {}", self.min),
            (false, 0 | 1) => format!("must be from {} to {}", self.min, self.max),
            (false, step) => format!("must be from {} to {} in steps of {step}", self.min, self.max),
        }
    }
}

/// Real numbers a model takes, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FloatRange {
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
    /// Used where the request names none.
    pub default: f64,
}

impl FloatRange {
    /// `value` if it is allowed; the default for none.
    ///
    /// # Errors
    /// What is allowed, under `pointer`. NaN is never allowed.
    pub fn pick(&self, pointer: &'static str, value: Option<f64>) -> Result<f64, FieldError> {
        match value {
            None => Ok(self.default),
            Some(value) if (self.min..=self.max).contains(&value) => Ok(value),
            Some(value) => {
                let detail = format!("is {value}; must be from {} to {}", self.min, self.max);
                Err(FieldError::new(pointer, "out_of_range", detail))
            }
        }
    }
}

/// What a small model was taught.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vocabulary {
    /// Prompts it was trained on: what to offer a person.
    pub concepts: Vec<String>,
    /// Words that mean something to it, in lower case; others are ignored when it draws.
    #[serde(skip)]
    pub words: BTreeSet<String>,
}

impl Vocabulary {
    /// The vocabulary of these concepts, where `fillers` are words that may stand in any prompt.
    pub fn new(concepts: Vec<String>, fillers: &[&str]) -> Self {
        let fillers = fillers.iter().map(|word| (*word).to_owned());
        let words = concepts.iter().flat_map(|concept| words(concept)).chain(fillers).collect();
        Self { concepts, words }
    }

    /// The prompt's words that it was never taught, in order, each once.
    pub fn unknown(&self, prompt: &str) -> Vec<String> {
        let mut seen = BTreeSet::new();
        words(prompt).filter(|word| !self.words.contains(word) && seen.insert(word.clone())).collect()
    }
}

/// The word as a sentence can hold it.
fn shortened(word: &str) -> String {
    let mut chars = word.chars();
    let start: String = chars.by_ref().take(WORD_CHARS).collect();
    if chars.next().is_some() { start + "\u{2026}" } else { start }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// A model's own account of itself: limits, defaults, abilities. Every check of a request derives from it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelCard {
    /// Its name in requests.
    pub name: ModelName,
    /// Its name for people.
    pub title: String,
    /// What it is and is not good at, in a sentence or two.
    pub description: String,
    /// Allowed widths in pixels.
    pub width: IntRange,
    /// Allowed heights in pixels.
    pub height: IntRange,
    /// Allowed sampling steps.
    pub steps: IntRange,
    /// Allowed guidance scales.
    pub guidance_scale: FloatRange,
    /// Allowed numbers of images in one job.
    pub count: IntRange,
    /// Its schedulers, the default first; never empty.
    pub schedulers: Vec<String>,
    /// The encodings it gives, the default first; never empty.
    pub output_formats: Vec<OutputFormat>,
    /// Whether it takes a negative prompt.
    pub negative_prompt: bool,
    /// Whether it can start from a picture.
    pub init_image: bool,
    /// Whether it can draw only a part of a picture anew.
    pub mask_image: bool,
    /// Whether it tells of its steps.
    pub progress: bool,
    /// Whether it shows pictures on the way.
    pub previews: bool,
    /// Whether its pictures are generated, so that they must say so; not those of a model that gives the same one always.
    #[serde(skip)]
    pub generative: bool,
    /// What it was taught, where that is little enough to list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<Vocabulary>,
    /// Its licence, and what must be said of its pictures.
    pub license: String,
}

impl ModelCard {
    /// What a person should know of a prompt before this model draws it.
    pub fn warnings(&self, prompt: &str) -> Vec<Warning> {
        let Some(vocabulary) = &self.vocabulary else { return Vec::new() };
        vocabulary
            .unknown(prompt)
            .into_iter()
            .map(|word| Warning {
                code: "unknown_word".to_owned(),
                detail: format!(
                    "the model {} was never taught \u{201c}{}\u{201d}; GET /models lists what it knows",
                    self.name,
                    shortened(&word)
                ),
                word: Some(word),
            })
            .collect()
    }

    /// A model that can do everything within moderate ranges, for tests and examples.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "a constant name, checked by every test"
    )]
    pub fn example() -> Self {
        Self {
            name: "example".parse().expect("a good name"),
            title: "Example".to_owned(),
            description: "For tests.".to_owned(),
            width: IntRange { min: 64, max: 512, step: 64, default: 64 },
            height: IntRange { min: 64, max: 512, step: 64, default: 64 },
            steps: IntRange::of(1, 100, 4),
            guidance_scale: FloatRange { min: 0.0, max: 20.0, default: 2.5 },
            count: IntRange::of(1, 4, 1),
            schedulers: vec!["ddim".to_owned(), "euler".to_owned()],
            output_formats: OutputFormat::ALL.to_vec(),
            negative_prompt: true,
            init_image: true,
            mask_image: true,
            progress: true,
            previews: true,
            generative: true,
            vocabulary: None,
            license: "MIT OR Apache-2.0".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_never_taught_are_warned_of_once_each() {
        let vocabulary = Vocabulary::new(vec!["red heart".to_owned(), "cat face".to_owned()], &["a"]);
        let card = ModelCard { vocabulary: Some(vocabulary), ..ModelCard::example() };
        let warnings = card.warnings("A Red unicorn, unicorn heart!");
        assert_eq!(warnings.len(), 1);
        assert_eq!(warnings[0].word.as_deref(), Some("unicorn"));
    }

    #[test]
    fn a_width_between_two_steps_is_refused_with_the_rule() {
        let error = ModelCard::example().width.pick("/width", Some(100)).unwrap_err();
        assert_eq!(error.detail, "is 100; must be from 64 to 512 in steps of 64");
    }
}
