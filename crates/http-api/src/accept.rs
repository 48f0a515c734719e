//! Which encoding of a picture suits a client that named none, by its `Accept` header.

use axum::http::{HeaderMap, HeaderValue, header};
use tintype_core::domain::{ContentType, Encoding};

/// The most parts of the header that are looked at.
const RANGES_MAX: usize = 64;

/// What to make of a picture whose own encoding is `own`, in so many pixels: the encoding the client likes best; among
/// equals that which suits the picture. A client that takes none of them gets the latter too.
pub(crate) fn suited(own: ContentType, pixels: u64, headers: &HeaderMap) -> Encoding {
    let ranges = ranges(headers);
    #[cfg(feature = "avif")]
    if pixels <= Encoding::Avif.most_pixels() && names_and_likes(&ranges, Encoding::Avif) {
        return Encoding::Avif;
    }
    // WebP keeps what is transparent and lossless; of a JPEG it would be larger.
    let ours = match own {
        ContentType::Jpeg => [Encoding::Jpeg, Encoding::Webp, Encoding::Png],
        ContentType::Png | ContentType::Webp => [Encoding::Webp, Encoding::Png, Encoding::Jpeg],
    };
    let likes = |format: Encoding| quality(&ranges, format.media_type());
    let takeable = ours.into_iter().filter(|format| pixels <= format.most_pixels());
    // The first of those that are liked alike.
    takeable.rev().max_by_key(|format| likes(*format)).unwrap_or(ours[0])
}

/// What to make for a browser: each asks for AVIF and WebP by name.
pub(crate) fn for_browsers(own: ContentType, pixels: u64) -> Encoding {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("image/avif,image/webp,image/*"));
    suited(own, pixels, &headers)
}

/// Whether the client names it, and likes nothing more: those that take all and name nothing often can't show it.
#[cfg(feature = "avif")]
fn names_and_likes(ranges: &[(String, u32)], encoding: Encoding) -> bool {
    let best = ranges.iter().map(|(_, quality)| *quality).max();
    best.is_some_and(|best| {
        best > 0 && ranges.iter().any(|range| *range == (encoding.media_type().to_owned(), best))
    })
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

    #[cfg(feature = "avif")]
    #[test]
    fn a_large_picture_is_not_made_in_avif_and_nobody_gets_it_unasked() {
        let mut headers = HeaderMap::new();
        assert_eq!(suited(ContentType::Png, 1, &headers), Encoding::Webp);
        headers.insert(header::ACCEPT, "image/avif,image/webp,*/*".parse().unwrap());
        assert_eq!(suited(ContentType::Png, Encoding::Avif.most_pixels() + 1, &headers), Encoding::Webp);
    }

    fn of(own: ContentType, accept: &str) -> &'static str {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        suited(own, 64 * 64, &headers).name()
    }

    #[test]
    fn a_client_that_says_nothing_gets_what_suits_the_picture() {
        assert_eq!(suited(ContentType::Png, 1, &HeaderMap::new()), Encoding::Webp);
        assert_eq!(suited(ContentType::Jpeg, 1, &HeaderMap::new()), Encoding::Jpeg);
        assert_eq!(of(ContentType::Png, "garbage"), "webp");
    }

    #[test]
    fn browsers_get_what_they_can_show() {
        let chromium = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";
        let old_safari = "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5";
        let (of_png, of_jpeg) = if cfg!(feature = "avif") { ("avif", "avif") } else { ("webp", "jpeg") };
        assert_eq!((of(ContentType::Png, chromium), of(ContentType::Png, old_safari)), (of_png, "png"));
        assert_eq!(of(ContentType::Jpeg, chromium), of_jpeg);
    }

    #[test]
    fn a_quality_decides_and_zero_is_a_no() {
        assert_eq!(of(ContentType::Png, "image/webp;q=0.5, image/jpeg;q=0.9"), "jpeg");
        assert_eq!(of(ContentType::Png, "image/webp;q=0, */*"), "png");
    }

    #[test]
    fn a_client_that_takes_none_gets_what_suits_the_picture() {
        assert_eq!(of(ContentType::Png, "image/gif, text/html;q=0.9"), "webp");
    }
}
