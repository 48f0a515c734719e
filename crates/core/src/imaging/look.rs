//! How an image looks, as an [`Embedding`].

use super::{ImageLimits, format_of, port_error};
use crate::domain::{ContentType, Embedding, Space};
use crate::error::PortResult;
use tintype_imaging::{LOOK_DIMENSIONS, LOOK_NAME};

/// The space of what [`look`] gives.
pub fn look_space() -> Space {
    Space { name: LOOK_NAME.to_owned(), dimensions: LOOK_DIMENSIONS }
}

/// How a stored picture looks; `None` for one that has neither colours nor edges. Slow: keep it off async threads.
///
/// # Errors
/// [`Data`](crate::ErrorKind::Data) if the bytes can't be decoded within `limits`.
pub fn look(bytes: &[u8], content_type: ContentType, limits: &ImageLimits) -> PortResult<Option<Embedding>> {
    let values = tintype_imaging::look(bytes, format_of(content_type), limits)
        .map_err(|error| port_error("imaging::look", &error))?;
    Ok(Embedding::of(&values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{OutputFormat, limits};
    use crate::error::ErrorKind;
    use crate::imaging::encode_rgb;

    /// A bar on white: across or down, in a colour.
    fn bar(side: u32, colour: [u8; 3], across: bool, format: OutputFormat) -> Embedding {
        let pixel = |at: u32| {
            let place = if across { at / side } else { at % side };
            if (side / 3..side / 2).contains(&place) { colour } else { [255; 3] }
        };
        let picture = encode_rgb(side, side, (0..side * side).flat_map(pixel).collect(), format).unwrap();
        look(picture.blob.bytes(), format.content_type(), &limits::IMAGES).unwrap().unwrap()
    }

    fn alike(a: &Embedding, b: &Embedding) -> f32 {
        let mut vectors = crate::domain::Vectors::new(look_space().dimensions);
        let id = crate::domain::ImageId::new(
            crate::domain::Timestamp::from_millis(1),
            &crate::domain::Entropy([1; 32]),
        );
        vectors.set(id, a);
        vectors.nearest(b, 1)[0].score
    }

    #[test]
    fn size_and_format_change_little_colour_some_and_shape_much() {
        let red = bar(64, [200, 20, 20], true, OutputFormat::Png);
        let same = alike(&red, &bar(256, [200, 20, 20], true, OutputFormat::Jpeg));
        let colour = alike(&red, &bar(64, [20, 20, 200], true, OutputFormat::Png));
        let shape = alike(&red, &bar(64, [200, 20, 20], false, OutputFormat::Png));
        assert!(same > 0.95 && same > colour && colour > shape, "{same} {colour} {shape}");
    }

    #[test]
    fn a_picture_of_one_grey_looks_like_nothing() {
        let grey = encode_rgb(8, 8, vec![90; 192], OutputFormat::Png).unwrap();
        assert_eq!(look(grey.blob.bytes(), ContentType::Png, &limits::IMAGES).unwrap(), None);
    }

    #[test]
    fn what_is_no_picture_is_an_error() {
        assert_eq!(look(b"text", ContentType::Png, &limits::IMAGES).unwrap_err().kind(), ErrorKind::Data);
    }
}
