//! What an exported picture's files are called: by day and time, title or prompt, and the end of its id. Such a name is
//! good on every system, and its order is that of the library.

use super::Image;
use crate::archive::PICTURES;
use crate::output_file::slug;

/// The characters of an id that a name ends with: the most random ones.
const TAIL: usize = 12;

/// The folder and the name of an image's files, without what they end in: `pictures/2026-11/2026-11-24_101503_red-heart_0c8a4e1f2b77`.
pub(super) fn stem(image: &Image) -> String {
    let time = image.saved_at.to_string();
    // As in 2026-11-24T10:15:03.000Z; a name holds no colons.
    let (day, clock) = time.split_once('T').unwrap_or((time.as_str(), ""));
    let clock: String = clock.chars().filter(char::is_ascii_digit).take(6).collect();
    let month = day.rsplit_once('-').map_or(day, |(month, _)| month);
    let words = image.title.as_deref().or(image.prompt.as_deref()).unwrap_or_default();
    format!("{PICTURES}/{month}/{day}_{clock}_{}_{}", slug(words), tail(&image.id.to_string()))
}

/// The end of an id, as names have it.
pub(super) fn tail(id: &str) -> &str {
    id.get(id.len().saturating_sub(TAIL)..).unwrap_or(id)
}

/// The end of the id that a name was made of.
pub(super) fn tail_of(stem: &str) -> Option<&str> {
    stem.rsplit_once('_').map(|(_, tail)| tail)
}

/// Whether this is a name that an export gave.
pub(crate) fn is_given(stem: &str) -> bool {
    tail_of(stem)
        .is_some_and(|tail| tail.len() == TAIL && tail.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_core::domain::{BlobId, ContentType, Timestamp};

    fn named(title: Option<&str>, prompt: Option<&str>) -> String {
        stem(&Image {
            id: "019b2c5e-6f3a-7c11-9d53-0c8a4e1f2b77".parse().unwrap(),
            sha256: BlobId::of(b""),
            content_type: ContentType::Png,
            saved_at: Timestamp::parse("2026-11-24T10:15:03.004Z").unwrap(),
            title: title.map(str::to_owned),
            prompt: prompt.map(str::to_owned),
        })
    }

    #[test]
    fn a_name_has_the_time_the_words_and_the_end_of_the_id() {
        let name = "pictures/2026-11/2026-11-24_101503_my-heart_0c8a4e1f2b77";
        assert_eq!(named(Some("My Heart!"), Some("red heart")), name);
        assert_eq!(tail_of(name), Some("0c8a4e1f2b77"));
    }

    #[test]
    fn a_name_that_an_export_gave_is_told_from_others() {
        assert!(is_given(&named(Some("red heart"), None)));
        for other in ["holiday", "IMG_1234", "pictures/2026-11/0c8a4e1f2b77", "red_nothexdigits"] {
            assert!(!is_given(other), "{other}");
        }
    }

    #[test]
    fn no_title_leads_out_of_the_folder_or_is_a_name_that_windows_keeps() {
        for title in ["../../etc/passwd", "C:\\x", "con", "a\0b", "..", "x:y|z?*<>\"", ""] {
            let name = named(Some(title), None);
            let file = name.strip_prefix("pictures/2026-11/2026-11-24_101503_").unwrap();
            assert!(file.chars().all(|c| c.is_alphanumeric() || "-_".contains(c)), "{file}");
        }
    }
}
