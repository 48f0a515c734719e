//! Another form of a stored picture.

use super::{BlobId, OutputFormat};

/// A picture made of another one's pixels: same source and form, same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Variant {
    /// The picture it is made of.
    pub source: BlobId,
    /// No wider than this, in pixels.
    pub max_width: Option<u32>,
    /// Its encoding.
    pub format: OutputFormat,
}

impl Variant {
    /// What tells it from its source's other variants, as in `w320-webp`: letters, digits and hyphens.
    pub fn form(&self) -> String {
        let width = self.max_width.map_or_else(String::new, |width| format!("w{width}-"));
        format!("{width}{}", self.format.name())
    }
}
