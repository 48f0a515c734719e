//! Texts that people type: when two are the same to them.

use unicode_normalization::UnicodeNormalization;

/// `text` with each letter and its marks as one character, where there is one (NFC): systems differ in what they send.
pub(crate) fn composed(text: &str) -> String {
    text.nfc().collect()
}

/// What is the same for texts that differ in capital letters only, or in how their marks are written.
pub fn folded(text: &str) -> String {
    composed(&text.to_lowercase())
}

/// Whether `part` stands in `text`, as whole lines.
pub fn has_lines(text: &str, part: &str) -> bool {
    format!("\n{text}\n").contains(&format!("\n{part}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_and_ways_to_write_a_mark_make_no_difference() {
        for (one, other) in [
            ("Caf\u{e9}", "cafe\u{301}"),
            ("\u{212b}ngstr\u{f6}m", "a\u{30a}ngstro\u{308}m"),
            ("J\u{30c}", "\u{1f0}"),
        ] {
            assert_eq!(folded(one), folded(other));
        }
        assert_ne!(folded("cafe"), folded("caf\u{e9}"));
    }

    #[test]
    fn a_part_of_a_line_is_no_line() {
        assert!(has_lines("one\ntwo\nthree", "two\nthree") && has_lines("one", "one"));
        assert!(!has_lines("concatenated", "cat") && !has_lines("one\ntwo", "one\nt"));
    }
}
