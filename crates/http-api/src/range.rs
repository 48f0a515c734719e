//! The `Range` header: one range of bytes, as browsers and download tools ask for.

use std::ops::Range;

/// What a client wants of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it: no range, several, or one that is not understood, which may be ignored.
    All,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes of which none is there.
    Nothing,
}

/// Reads a `Range` header for a body of `length` bytes.
pub(crate) fn wanted(header: Option<&str>, length: u64) -> Wanted {
    let Some(spec) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else { return Wanted::All };
    let Some((first, last)) = spec.trim().split_once('-') else { return Wanted::All };
    match (first.is_empty(), number(first), number(last)) {
        (true, _, Some(count)) => part(length.saturating_sub(count)..length),
        (false, Some(first), None) if last.is_empty() => part(first..length),
        (false, Some(first), Some(last)) if first <= last => part(first..length.min(last.saturating_add(1))),
        _ => Wanted::All,
    }
}

fn part(range: Range<u64>) -> Wanted {
    if range.is_empty() { Wanted::Nothing } else { Wanted::Part(range) }
}

fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_understood_in_its_three_forms() {
        for (header, range) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-5", 2..6),
            ("bytes=7-", 7..10),
            ("bytes=7-99", 7..10),
            ("bytes=-3", 7..10),
            ("bytes=-99", 0..10),
        ] {
            assert_eq!(wanted(Some(header), 10), Wanted::Part(range), "{header}");
        }
    }

    #[test]
    fn a_range_past_the_end_is_nothing() {
        for header in ["bytes=10-", "bytes=10-20", "bytes=-0"] {
            assert_eq!(wanted(Some(header), 10), Wanted::Nothing, "{header}");
        }
    }

    #[test]
    fn what_is_not_understood_is_ignored() {
        for header in ["bytes=5-2", "bytes=a-b", "bytes=0-1,3-4", "items=0-1", "bytes=", "bytes=-"] {
            assert_eq!(wanted(Some(header), 10), Wanted::All, "{header}");
        }
        assert_eq!(wanted(None, 10), Wanted::All);
    }
}
