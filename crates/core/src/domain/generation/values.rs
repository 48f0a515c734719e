//! The values of a request that can't be bad.

use crate::domain::{ContentType, FieldError, InvalidInput, limits};
use serde::{Deserialize, Serialize};

/// What to draw: 1 to 2,000 characters, neither blank nor holding control characters other than line breaks and tabs.
/// Leading and trailing white space is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prompt(String);

impl Prompt {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn parse(pointer: &'static str, text: &str) -> Result<Self, FieldError> {
        let text = text.trim();
        let chars = text.chars().count();
        if chars == 0 {
            return Err(FieldError::new(pointer, "too_short", "must not be empty"));
        }
        if chars > limits::PROMPT_CHARS {
            let detail = format!("has {chars} characters; at most {} are allowed", limits::PROMPT_CHARS);
            return Err(FieldError::new(pointer, "too_long", detail));
        }
        if text.chars().any(is_forbidden_control) {
            return Err(FieldError::new(pointer, "bad_character", "must not hold control characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Control characters corrupt logs and file metadata; line breaks and tabs are what people paste.
pub(crate) fn is_forbidden_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t')
}

impl TryFrom<String> for Prompt {
    type Error = InvalidInput;

    fn try_from(text: String) -> Result<Self, InvalidInput> {
        Self::parse("/prompt", &text)
            .map_err(|error| InvalidInput::field(error.pointer, error.code, error.detail))
    }
}

impl From<Prompt> for String {
    fn from(prompt: Prompt) -> String {
        prompt.0
    }
}

/// Where the noise of an image starts: 0 to 4,294,967,295. Same seed and request, same picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seed(pub u32);

impl Seed {
    /// The seed of image `index` of a job that makes several: counted up, and round past the largest.
    #[must_use]
    pub const fn nth(self, index: u32) -> Self {
        Self(self.0.wrapping_add(index))
    }
}

/// How strongly the prompt pulls (classifier-free guidance): finite, 0 to 50. At 1 and below there is no guidance.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct GuidanceScale(pub(super) f64);

impl GuidanceScale {
    /// The scale as a number.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for GuidanceScale {
    type Error = InvalidInput;

    fn try_from(value: f64) -> Result<Self, InvalidInput> {
        if (0.0..=limits::GUIDANCE_MAX).contains(&value) {
            Ok(Self(value))
        } else {
            let detail = format!("must be from 0 to {}", limits::GUIDANCE_MAX);
            Err(InvalidInput::field("/guidance_scale", "out_of_range", detail))
        }
    }
}

impl From<GuidanceScale> for f64 {
    fn from(scale: GuidanceScale) -> f64 {
        scale.0
    }
}

/// How far an image may leave its source: finite, above 0 and up to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Strength(f64);

impl Strength {
    /// The strength as a number.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Strength {
    type Error = InvalidInput;

    fn try_from(value: f64) -> Result<Self, InvalidInput> {
        if value > 0.0 && value <= 1.0 {
            Ok(Self(value))
        } else {
            Err(InvalidInput::field("/strength", "out_of_range", "must be above 0 and at most 1"))
        }
    }
}

impl From<Strength> for f64 {
    fn from(strength: Strength) -> f64 {
        strength.0
    }
}

/// Which of an owner's own waiting jobs goes first: 0 to 9, the highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Priority(u8);

impl Priority {
    /// The priority as a number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self(limits::PRIORITY_DEFAULT)
    }
}

impl TryFrom<u8> for Priority {
    type Error = InvalidInput;

    fn try_from(value: u8) -> Result<Self, InvalidInput> {
        if value <= limits::PRIORITY_MAX {
            Ok(Self(value))
        } else {
            Err(InvalidInput::field("/priority", "out_of_range", "must be from 0 to 9"))
        }
    }
}

impl From<Priority> for u8 {
    fn from(priority: Priority) -> u8 {
        priority.0
    }
}

/// The encoding of the pictures a job makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputFormat {
    /// Lossless; the default.
    #[default]
    Png,
    /// Lossy, quality 92.
    Jpeg,
    /// Lossless WebP.
    Webp,
}

impl OutputFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Png, Self::Jpeg, Self::Webp];

    /// The format's name in requests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
        }
    }

    /// The content type of a picture in this format.
    pub const fn content_type(self) -> ContentType {
        match self {
            Self::Png => ContentType::Png,
            Self::Jpeg => ContentType::Jpeg,
            Self::Webp => ContentType::Webp,
        }
    }
}
