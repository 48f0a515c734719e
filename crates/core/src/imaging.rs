//! Images' bytes in the domain's terms. The work itself is in [`tintype_imaging`]; pure and slow: callers keep it off their
//! async threads.

mod look;

pub use look::{look, look_space};
pub use tintype_imaging::{Error as ImageError, Limits as ImageLimits};

use crate::domain::{Blob, ContentType, Encoding, FieldError, OutputFormat, ThumbHash};
use crate::error::{ErrorKind, PortError, PortResult};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use tintype_imaging::{Encoding as Target, Format};

/// Clients pad base64 or don't; both are taken.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A picture that was checked: whole, of a known format, within the limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its bytes.
    pub blob: Blob,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// Reads an image that a client sent as base64 or as a data URL, and checks all of it. The text is dropped before the image
/// is unpacked.
///
/// # Errors
/// The field at `pointer`, with what is wrong: bad base64, no known format, truncated, beyond a limit.
pub fn parse_upload(
    pointer: &str,
    text: impl AsRef<str>,
    limits: &ImageLimits,
) -> Result<Picture, FieldError> {
    let encoded = match text.as_ref().strip_prefix("data:") {
        None => text.as_ref(),
        Some(url) => url
            .split_once(',')
            .filter(|(head, _)| head.ends_with(";base64"))
            .map(|(_, data)| data)
            .ok_or_else(|| FieldError::new(pointer, "bad_data_url", "must be `data:<type>;base64,<data>`"))?,
    };
    limits.check_bytes(encoded.len() as u64 / 4 * 3).map_err(|error| refused(pointer, &error))?;
    let bytes = BASE64
        .decode(encoded.trim())
        .map_err(|error| FieldError::new(pointer, "bad_base64", format!("is not base64: {error}")))?;
    drop(text);
    check_within(bytes.into(), limits).map_err(|error| refused(pointer, &error))
}

fn refused(pointer: &str, error: &ImageError) -> FieldError {
    FieldError::new(pointer, error.code(), error.to_string())
}

/// Checks that `bytes` are one whole picture within the default limits: everything is decoded once.
///
/// # Errors
/// A code and a sentence for a person.
pub fn check(bytes: Bytes) -> Result<Picture, (&'static str, String)> {
    check_within(bytes, &ImageLimits::DEFAULT).map_err(|error| (error.code(), error.to_string()))
}

/// Checks that `bytes` are one whole image within `limits`: everything is decoded once.
///
/// # Errors
/// [`ImageError`].
pub fn check_within(bytes: Bytes, limits: &ImageLimits) -> Result<Picture, ImageError> {
    let checked = tintype_imaging::check(&bytes, limits)?;
    let blob = Blob::new(bytes, content_type_of(checked.format));
    Ok(Picture { blob, width: checked.width, height: checked.height })
}

/// The format of `bytes`, judged by their first bytes alone.
pub fn recognise(bytes: &[u8]) -> Option<ContentType> {
    Format::of(bytes).map(content_type_of)
}

const fn content_type_of(format: Format) -> ContentType {
    match format {
        Format::Png => ContentType::Png,
        Format::Jpeg => ContentType::Jpeg,
        Format::Webp => ContentType::Webp,
    }
}

const fn format_of(content_type: ContentType) -> Format {
    match content_type {
        ContentType::Png => Format::Png,
        ContentType::Jpeg => Format::Jpeg,
        ContentType::Webp => Format::Webp,
    }
}

impl From<Encoding> for Target {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Png => Self::Png,
            Encoding::Jpeg => Self::Jpeg,
            Encoding::Webp => Self::Webp,
            #[cfg(feature = "avif")]
            Encoding::Avif => Self::Avif,
        }
    }
}

/// The error of an image that should have been decodable: [`Data`](ErrorKind::Data), but for an encoder that failed.
fn port_error(operation: &'static str, error: &ImageError) -> PortError {
    let kind = match error {
        ImageError::NotEncoded(_) => ErrorKind::Internal,
        ImageError::UnsupportedFormat
        | ImageError::TooLarge { .. }
        | ImageError::SideTooLong { .. }
        | ImageError::RatioTooExtreme { .. }
        | ImageError::TooManyPixels { .. }
        | ImageError::TooManyParts(_)
        | ImageError::TooSlow(_)
        | ImageError::Broken(_)
        | ImageError::SideTooLongFor { .. } => ErrorKind::Data,
    };
    PortError::new(kind, operation, format!("the image {error}"))
}

/// Encodes RGB pixels, row by row from the top left: `width * height * 3` bytes.
///
/// # Errors
/// [`Data`](ErrorKind::Data) if the number of bytes does not fit the size.
pub fn encode_rgb(width: u32, height: u32, rgb: Vec<u8>, format: OutputFormat) -> PortResult<Picture> {
    let content_type = format.content_type();
    let target = format_of(content_type).into();
    let bytes = tintype_imaging::encode_rgb(width, height, rgb, target)
        .map_err(|error| port_error("imaging::encode_rgb", &error))?;
    Ok(Picture { blob: Blob::new(bytes.into(), content_type), width, height })
}

/// The picture encoded anew in its own format, for one that decoders take though its parts do not fit together. A JPEG
/// loses a little.
///
/// # Errors
/// [`Data`](ErrorKind::Data) if the bytes can't be decoded.
pub fn mend(bytes: &[u8], content_type: ContentType, limits: &ImageLimits) -> PortResult<Picture> {
    encoded_anew("imaging::mend", bytes, content_type, content_type, limits)
}

/// The picture in another format, as large as it is.
///
/// # Errors
/// [`Data`](ErrorKind::Data) if the bytes can't be decoded.
pub fn reencode(picture: &Picture, format: OutputFormat) -> PortResult<Picture> {
    let (bytes, own) = (picture.blob.bytes(), picture.blob.content_type());
    encoded_anew("imaging::reencode", bytes, own, format.content_type(), &ImageLimits::DEFAULT)
}

fn encoded_anew(
    operation: &'static str,
    bytes: &[u8],
    own: ContentType,
    to: ContentType,
    limits: &ImageLimits,
) -> PortResult<Picture> {
    let made = tintype_imaging::reencode(bytes, format_of(own), format_of(to).into(), limits)
        .map_err(|error| port_error(operation, &error))?;
    let bytes = made.bytes.unwrap_or_else(|| bytes.to_vec());
    Ok(Picture { blob: Blob::new(bytes.into(), to), width: made.width, height: made.height })
}

/// The ThumbHash of a stored picture.
///
/// # Errors
/// [`Data`](ErrorKind::Data) if the bytes can't be decoded within `limits`.
pub fn thumb_hash(bytes: &[u8], content_type: ContentType, limits: &ImageLimits) -> PortResult<ThumbHash> {
    const OPERATION: &str = "imaging::thumb_hash";
    let hash = tintype_imaging::thumb_hash(bytes, format_of(content_type), limits)
        .map_err(|error| port_error(OPERATION, &error))?;
    ThumbHash::new(hash)
        .ok_or_else(|| PortError::new(ErrorKind::Internal, OPERATION, "the hash has a wrong length"))
}

/// A picture in another form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// Its bytes.
    pub bytes: Bytes,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// Encodes a picture anew, no wider than `max_width`, in `format`, the right way up. One that already is so comes back
/// as it is. With a width, one that is too tall for the encoding is shrunk until it fits.
///
/// # Errors
/// [`ImageError`]: the bytes can't be decoded within `limits`, or the encoding can't hold the picture.
pub fn convert(
    bytes: Bytes,
    content_type: ContentType,
    max_width: Option<u32>,
    format: Encoding,
    limits: &ImageLimits,
) -> Result<Converted, ImageError> {
    let own = format_of(content_type);
    let made = tintype_imaging::convert(&bytes, own, max_width, format.into(), limits)?;
    let bytes = made.bytes.map_or(bytes, Bytes::from);
    Ok(Converted { bytes, width: made.width, height: made.height })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::limits;

    fn red(width: u32, height: u32, format: OutputFormat) -> Picture {
        let pixels = [200, 10, 10].repeat((width * height) as usize);
        encode_rgb(width, height, pixels, format).unwrap()
    }

    fn code_of(bytes: Vec<u8>) -> &'static str {
        check(bytes.into()).unwrap_err().0
    }

    #[test]
    fn every_format_encodes_and_is_recognised() {
        for format in OutputFormat::ALL {
            let picture = red(8, 4, format);
            assert_eq!(recognise(picture.blob.bytes()), Some(format.content_type()));
            assert_eq!(check(picture.blob.bytes().clone()).unwrap(), picture);
        }
    }

    #[test]
    fn a_truncated_png_is_broken() {
        let bytes = red(64, 64, OutputFormat::Png).blob.bytes().clone();
        assert_eq!(code_of(bytes[..bytes.len() / 2].to_vec()), "broken_image");
    }

    #[test]
    fn an_svg_is_no_picture() {
        assert_eq!(code_of(b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec()), "unsupported_format");
    }

    #[test]
    fn what_lies_beyond_a_limit_is_refused_by_its_header() {
        let sized = |width: u32, height: u32| {
            let mut bytes = red(1, 1, OutputFormat::Png).blob.bytes().to_vec();
            // IHDR: width and height, then the checksum of the chunk, which the decoder verifies.
            bytes[16..20].copy_from_slice(&width.to_be_bytes());
            bytes[20..24].copy_from_slice(&height.to_be_bytes());
            let crc = crc32(&bytes[12..29]);
            bytes[29..33].copy_from_slice(&crc.to_be_bytes());
            code_of(bytes)
        };
        assert_eq!(sized(65_536, 65_536), "side_too_long");
        assert_eq!(sized(8_388_608, 1), "side_too_long");
        assert_eq!(sized(16_384, 16_384), "too_many_pixels");
        assert_eq!(sized(16_384, 163), "ratio_too_extreme");
        let mut bytes = red(1, 1, OutputFormat::Png).blob.bytes().to_vec();
        bytes.resize(limits::IMAGES.max_bytes as usize + 1, 0);
        assert_eq!(code_of(bytes), "too_large");
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
        })
    }

    #[test]
    fn base64_is_taken_with_and_without_padding_and_as_a_data_url() {
        use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
        let picture = red(3, 3, OutputFormat::Png);
        let bytes = picture.blob.bytes();
        for text in [
            STANDARD.encode(bytes),
            STANDARD_NO_PAD.encode(bytes),
            format!("data:image/png;base64,{}", STANDARD.encode(bytes)),
        ] {
            assert_eq!(parse_upload("/image", &text, &limits::IMAGES).unwrap(), picture);
        }
        assert_eq!(parse_upload("/image", "@@@", &limits::IMAGES).unwrap_err().code, "bad_base64");
    }

    #[test]
    fn a_small_form_keeps_the_proportions() {
        let picture = red(100, 50, OutputFormat::Png);
        let bytes = picture.blob.bytes().clone();
        let small = convert(bytes, ContentType::Png, Some(10), Encoding::Webp, &limits::IMAGES).unwrap();
        assert_eq!((small.width, small.height, recognise(&small.bytes)), (10, 5, Some(ContentType::Webp)));
    }

    #[test]
    fn the_largest_picture_that_is_drawn_can_be_saved_and_made_small() {
        let picture = red(limits::SIDE_MAX, limits::SIDE_MAX, OutputFormat::Png);
        let bytes = picture.blob.bytes().clone();
        check(bytes.clone()).unwrap();
        let small = convert(bytes, ContentType::Png, Some(16), Encoding::Jpeg, &limits::IMAGES).unwrap();
        assert_eq!(small.height, 16);
    }

    #[test]
    fn a_small_form_is_the_right_way_up() {
        let jpeg = red(20, 10, OutputFormat::Jpeg).blob.bytes().clone();
        // Orientation 6: to be turned by a quarter.
        let exif = b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let turned = [&jpeg[..2], exif, &jpeg[2..]].concat();
        let small =
            convert(turned.into(), ContentType::Jpeg, Some(5), Encoding::Png, &limits::IMAGES).unwrap();
        assert_eq!((small.width, small.height), (5, 10));
    }

    #[test]
    fn a_thumb_hash_is_made_in_every_format_and_kept_as_json() {
        for format in OutputFormat::ALL {
            let picture = red(300, 200, format);
            let hash = thumb_hash(picture.blob.bytes(), format.content_type(), &limits::IMAGES).unwrap();
            let json = serde_json::to_string(&hash).unwrap();
            assert_eq!(serde_json::from_str::<ThumbHash>(&json).unwrap(), hash);
        }
    }

    #[test]
    fn the_smallest_picture_has_a_thumb_hash() {
        thumb_hash(red(1, 1, OutputFormat::Png).blob.bytes(), ContentType::Png, &limits::IMAGES).unwrap();
    }
}
