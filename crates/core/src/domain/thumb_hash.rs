//! A picture in some 25 bytes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

/// A [ThumbHash](https://evanw.github.io/thumbhash/): colours and shapes, to be shown until the picture is there. In JSON
/// it is base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ThumbHash(Vec<u8>);

impl ThumbHash {
    /// The longest, in bytes.
    const MAX_BYTES: usize = 25;

    /// The hash that has these bytes; `None` if there are too few or too many.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (5..=Self::MAX_BYTES).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<String> for ThumbHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bytes = STANDARD.decode(&text).map_err(|error| format!("a ThumbHash is base64: {error}"))?;
        Self::new(bytes).ok_or_else(|| format!("a ThumbHash has at most {} bytes", Self::MAX_BYTES))
    }
}

impl From<ThumbHash> for String {
    fn from(hash: ThumbHash) -> Self {
        STANDARD.encode(hash.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_thumb_hash_is_refused() {
        for wrong in ["", "!", "AAAA", &"A".repeat(200)] {
            assert!(ThumbHash::try_from(wrong.to_owned()).is_err(), "{wrong:?}");
        }
    }
}
