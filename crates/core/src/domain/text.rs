//! Texts that people type: when two are the same to them.

use unicode_normalization::UnicodeNormalization;

/// `text` with each letter and its marks as one character, where there is one (NFC). Systems differ in which they send.
pub(super) fn composed(text: &str) -> impl Iterator<Item = char> {
    text.nfc()
}

/// What is the same for texts that differ in capital letters only, or in how their marks are written.
pub fn folded(text: &str) -> String {
    composed(&text.to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_and_ways_to_write_a_mark_make_no_difference() {
        for (one, other) in [("Caf\u{e9}", "cafe\u{301}"), ("\u{212b}ngstr\u{f6}m", "a\u{30a}ngstro\u{308}m")]
        {
            assert_eq!(folded(one), folded(other));
        }
        assert_ne!(folded("cafe"), folded("caf\u{e9}"));
    }
}
