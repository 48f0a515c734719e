//! Making images smaller.

use image::{DynamicImage, metadata::Orientation};

/// The longest side of what a ThumbHash is made of, in pixels.
pub(crate) const THUMB_HASH_SIDE: u32 = 100;

/// The size of `width` and `height` pixels made no wider than `max_width` and, where a width is given, with no side of more
/// than `most_side`. No side becomes 0.
pub fn scaled(max_width: Option<u32>, most_side: u32, width: u32, height: u32) -> (u32, u32) {
    let Some(max_width) = max_width else { return (width, height) };
    let (own_width, own_height) = (u64::from(width.max(1)), u64::from(height.max(1)));
    // What the height allows, rounded down as the other one is.
    let by_height =
        if height > most_side { own_width * u64::from(most_side) / own_height } else { own_width };
    let new_width =
        own_width.min(u64::from(max_width.max(1))).min(u64::from(most_side)).min(by_height).max(1);
    if new_width == own_width && height <= most_side {
        return (width, height);
    }
    let new_height = (own_height * new_width / own_width).clamp(1, u64::from(most_side));
    let side = |side: u64| u32::try_from(side).unwrap_or(most_side);
    (side(new_width), side(new_height))
}

/// The size that fits into a square of `side` with the proportions kept.
pub(crate) fn within(side: u32) -> impl Fn(u32, u32) -> (u32, u32) {
    move |width, height| {
        let long = width.max(height);
        if long <= side {
            return (width, height);
        }
        let shrunk =
            |of: u32| u32::try_from(u64::from(of) * u64::from(side) / u64::from(long)).unwrap_or(side).max(1);
        (shrunk(width), shrunk(height))
    }
}

/// The size with its sides exchanged where `orientation` turns the image on its side.
pub(crate) const fn turned(orientation: Orientation, (width, height): (u32, u32)) -> (u32, u32) {
    match orientation {
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => (width, height),
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => (height, width),
    }
}

/// The image in `size`, the size after its orientation was applied. It is made smaller first, then turned.
pub(crate) fn upright(image: DynamicImage, orientation: Orientation, size: (u32, u32)) -> DynamicImage {
    let (width, height) = turned(orientation, size);
    let mut image = if (width, height) == (image.width(), image.height()) {
        image
    } else {
        image.thumbnail_exact(width, height)
    };
    image.apply_orientation(orientation);
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_side_becomes_zero_or_longer_than_the_encoding_holds() {
        assert_eq!(scaled(Some(10), 16_383, 100, 50), (10, 5));
        assert_eq!(scaled(Some(1), 16_383, 16_384, 164), (1, 1));
        assert_eq!(scaled(Some(320), 16_383, 64, 65_500), (16, 16_375));
        assert_eq!(scaled(Some(64), 16_383, 128, 65_535), (31, 15_871));
        assert_eq!(scaled(Some(320), 16_383, 200, 100), (200, 100));
        assert_eq!(scaled(None, 16_383, 64, 65_500), (64, 65_500));
        for side in [1, 2, 163, 164, 16_383, 16_384, 65_535, u32::MAX] {
            for other in [1, 2, 163, 164, 16_383, 16_384, 65_535, u32::MAX] {
                for max in [0, 1, 64, 320, u32::MAX] {
                    let (width, height) = scaled(Some(max), 16_383, side, other);
                    assert!(
                        (1..=16_383).contains(&width) && (1..=16_383).contains(&height),
                        "{side} {other} {max}"
                    );
                }
            }
        }
    }
}
