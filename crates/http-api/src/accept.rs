//! Which encoding of a picture suits a client that named none, by its `Accept` header.

use axum::http::{HeaderMap, header};
use tintype_core::domain::{ContentType, OutputFormat};

/// The most parts of the header that are looked at.
const RANGES_MAX: usize = 64;

/// What to make of a picture whose own encoding is `own`: the encoding the client likes best; among equals that which
/// suits the picture. A client that takes none of them gets the latter too.
pub(crate) fn suited(own: ContentType, headers: &HeaderMap) -> OutputFormat {
    // WebP keeps what is transparent and lossless; of a JPEG it would be larger.
    let ours = match own {
        ContentType::Jpeg => [OutputFormat::Jpeg, OutputFormat::Webp, OutputFormat::Png],
        ContentType::Png | ContentType::Webp => [OutputFormat::Webp, OutputFormat::Png, OutputFormat::Jpeg],
    };
    let ranges = ranges(headers);
    let likes = |format: OutputFormat| quality(&ranges, format.content_type().as_str());
    let mut best = ours[0];
    for format in ours {
        if likes(format) > likes(best) {
            best = format;
        }
    }
    best
}

/// The media ranges of the header with their qualities in thousandths; without one everything is welcome.
fn ranges(headers: &HeaderMap) -> Vec<(String, u32)> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<_> =
        values.flat_map(|value| value.split(',')).take(RANGES_MAX).filter_map(range).collect();
    if ranges.is_empty() { vec![("*/*".to_owned(), 1_000)] } else { ranges }
}

fn range(text: &str) -> Option<(String, u32)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| name.contains('/'))?.to_ascii_lowercase();
    let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let quality = quality.map_or(Some(1.0), |quality| quality.trim().parse::<f32>().ok())?;
    Some((name, (quality.clamp(0.0, 1.0) * 1_000.0) as u32))
}

/// The quality of a media type: that of the narrowest range that holds it.
fn quality(ranges: &[(String, u32)], kind: &str) -> u32 {
    let of = |name: &str| ranges.iter().find(|(range, _)| range == name).map(|(_, quality)| *quality);
    of(kind).or_else(|| of("image/*")).or_else(|| of("*/*")).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(own: ContentType, accept: &str) -> &'static str {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        suited(own, &headers).name()
    }

    #[test]
    fn a_client_that_says_nothing_gets_what_suits_the_picture() {
        assert_eq!(suited(ContentType::Png, &HeaderMap::new()), OutputFormat::Webp);
        assert_eq!(suited(ContentType::Jpeg, &HeaderMap::new()), OutputFormat::Jpeg);
        assert_eq!(of(ContentType::Png, "garbage"), "webp");
    }

    #[test]
    fn browsers_get_what_they_can_show() {
        let chromium = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";
        let old_safari = "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5";
        assert_eq!((of(ContentType::Png, chromium), of(ContentType::Png, old_safari)), ("webp", "png"));
        assert_eq!(of(ContentType::Jpeg, chromium), "jpeg");
    }

    #[test]
    fn a_quality_decides_and_zero_is_a_no() {
        assert_eq!(of(ContentType::Png, "image/webp;q=0.5, image/jpeg;q=0.9"), "jpeg");
        assert_eq!(of(ContentType::Png, "image/webp;q=0, */*"), "png");
    }

    #[test]
    fn a_client_that_takes_none_gets_what_suits_the_picture() {
        assert_eq!(of(ContentType::Png, "image/avif, text/html;q=0.9"), "webp");
    }
}
