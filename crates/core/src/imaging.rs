//! Pictures' bytes: recognising, decoding within bounds, encoding, making small. Pure and slow: callers keep it off
//! their async threads.

mod look;

pub use look::{look, look_space};

use crate::domain::{Blob, ContentType, Encoding, FieldError, OutputFormat, ThumbHash, Variant, limits};
use crate::error::{ErrorKind, PortError, PortResult};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage, codecs::jpeg::JpegEncoder};
use std::io::Cursor;

/// Clients pad base64 or don't; both are taken.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// The quality of JPEG results, of 100.
const JPEG_QUALITY: u8 = 92;
/// The quality of AVIF forms, of 100: about as good as a JPEG of 85.
#[cfg(feature = "avif")]
const AVIF_QUALITY: u8 = 75;
/// The quickest of 10: the next one takes twice as long for a sixth less.
#[cfg(feature = "avif")]
const AVIF_SPEED: u8 = 10;
/// The most memory one decoding may take, in bytes: the largest picture that is generated, in RGBA.
const DECODE_BYTES: u64 = 4 * STORED_PIXELS;
/// The most pixels of a picture that is stored: those that were drawn may be larger than those that are uploaded.
const STORED_PIXELS: u64 = limits::SIDE_MAX as u64 * limits::SIDE_MAX as u64;
/// The longest side of what a ThumbHash is made of, in pixels.
const THUMB_HASH_SIDE: u32 = 100;

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

/// Reads a picture that a client sent as base64 or as a data URL, and checks all of it.
///
/// # Errors
/// The field at `pointer`, with what is wrong: bad base64, no known format, truncated, too large.
pub fn parse_upload(pointer: &str, text: &str) -> Result<Picture, FieldError> {
    let encoded = match text.strip_prefix("data:") {
        None => text,
        Some(url) => url
            .split_once(',')
            .filter(|(head, _)| head.ends_with(";base64"))
            .map(|(_, data)| data)
            .ok_or_else(|| FieldError::new(pointer, "bad_data_url", "must be `data:<type>;base64,<data>`"))?,
    };
    if encoded.len() / 4 * 3 > limits::UPLOAD_BYTES {
        let detail = format!("is larger than {} bytes", limits::UPLOAD_BYTES);
        return Err(FieldError::new(pointer, "too_large", detail));
    }
    let bytes = BASE64
        .decode(encoded.trim())
        .map_err(|error| FieldError::new(pointer, "bad_base64", format!("is not base64: {error}")))?;
    check(bytes.into()).map_err(|(code, detail)| FieldError::new(pointer, code, detail))
}

/// Checks that `bytes` are one whole picture within the limits: everything is decoded once.
///
/// # Errors
/// A code and a sentence for a person.
pub fn check(bytes: Bytes) -> Result<Picture, (&'static str, String)> {
    let content_type = recognise(&bytes).ok_or_else(|| {
        ("unsupported_format", "is not a PNG, JPEG or WebP picture (judged by its first bytes)".to_owned())
    })?;
    let image = decode(&bytes, content_type, limits::UPLOAD_PIXELS)?;
    let (width, height) = (image.width(), image.height());
    Ok(Picture { blob: Blob::new(bytes, content_type), width, height })
}

/// The format of `bytes`, judged by their first bytes alone.
pub fn recognise(bytes: &[u8]) -> Option<ContentType> {
    match image::guess_format(bytes) {
        Ok(ImageFormat::Png) => Some(ContentType::Png),
        Ok(ImageFormat::Jpeg) => Some(ContentType::Jpeg),
        Ok(ImageFormat::WebP) => Some(ContentType::Webp),
        _ => None,
    }
}

fn format_of(content_type: ContentType) -> ImageFormat {
    match content_type {
        ContentType::Png => ImageFormat::Png,
        ContentType::Jpeg => ImageFormat::Jpeg,
        ContentType::Webp => ImageFormat::WebP,
    }
}

fn decode(
    bytes: &[u8],
    content_type: ContentType,
    most_pixels: u64,
) -> Result<DynamicImage, (&'static str, String)> {
    let broken = |error: image::ImageError| ("broken_image", format!("can't be decoded: {error}"));
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format_of(content_type));
    let mut bounds = image::Limits::default();
    bounds.max_alloc = Some(DECODE_BYTES);
    reader.limits(bounds);
    let decoder = reader.into_decoder().map_err(broken)?;
    // Judged from the header, before anything is unpacked.
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > most_pixels {
        let detail = format!("has {width} x {height} pixels; at most {most_pixels} in all are allowed");
        return Err(("too_many_pixels", detail));
    }
    if decoder.total_bytes() > DECODE_BYTES {
        let detail =
            format!("unpacks to {} bytes; at most {DECODE_BYTES} are allowed", decoder.total_bytes());
        return Err(("too_many_pixels", detail));
    }
    DynamicImage::from_decoder(decoder).map_err(broken)
}

/// Encodes RGB pixels, row by row from the top left: `width * height * 3` bytes.
///
/// # Errors
/// [`Data`](ErrorKind::Data) if the number of bytes does not fit the size.
pub fn encode_rgb(width: u32, height: u32, rgb: Vec<u8>, format: OutputFormat) -> PortResult<Picture> {
    let length = rgb.len();
    let image = RgbImage::from_raw(width, height, rgb).ok_or_else(|| {
        let message = format!("{length} bytes are not {width} x {height} RGB pixels");
        PortError::new(ErrorKind::Data, "imaging::encode_rgb", message)
    })?;
    encode(&DynamicImage::ImageRgb8(image), format)
}

fn encode(image: &DynamicImage, format: OutputFormat) -> PortResult<Picture> {
    let content_type = format.content_type();
    let blob = Blob::new(encoded(image, content_type.into())?, content_type);
    Ok(Picture { blob, width: image.width(), height: image.height() })
}

fn encoded(image: &DynamicImage, encoding: Encoding) -> PortResult<Bytes> {
    let mut bytes = Vec::new();
    let written = match encoding {
        Encoding::Jpeg => {
            image.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))
        }
        Encoding::Png => image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png),
        Encoding::Webp => image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::WebP),
        #[cfg(feature = "avif")]
        Encoding::Avif => image.to_rgba8().write_with_encoder(avif(&mut bytes)),
    };
    written.map_err(|error| {
        PortError::new(ErrorKind::Internal, "imaging::encode", "the picture could not be encoded")
            .with_source(error)
    })?;
    Ok(bytes.into())
}

/// One thread: as many pictures as there are turns are made at a time, and no more cores are taken.
#[cfg(feature = "avif")]
fn avif(bytes: &mut Vec<u8>) -> image::codecs::avif::AvifEncoder<&mut Vec<u8>> {
    image::codecs::avif::AvifEncoder::new_with_speed_quality(bytes, AVIF_SPEED, AVIF_QUALITY)
        .with_num_threads(Some(1))
}

/// Decodes a stored picture, the right way up.
fn decode_stored(bytes: &[u8], content_type: ContentType) -> PortResult<DynamicImage> {
    let mut image = decode(bytes, content_type, STORED_PIXELS).map_err(|(_, detail)| {
        PortError::new(ErrorKind::Data, "imaging::decode_stored", format!("the stored picture {detail}"))
    })?;
    // What is made anew has no metadata that could say how to turn it.
    let decoder = ImageReader::with_format(Cursor::new(bytes), format_of(content_type)).into_decoder();
    if let Ok(orientation) = decoder.and_then(|mut decoder| decoder.orientation()) {
        image.apply_orientation(orientation);
    }
    Ok(image)
}

/// The picture encoded anew in its own format, for one that decoders take though its parts do not fit together. A JPEG
/// loses a little.
///
/// # Errors
/// [`Data`](ErrorKind::Data) if the bytes can't be decoded.
pub fn mend(bytes: &[u8], content_type: ContentType) -> PortResult<Picture> {
    let format = OutputFormat::ALL.into_iter().find(|format| format.content_type() == content_type);
    encode(&decode_stored(bytes, content_type)?, format.unwrap_or_default())
}

/// The picture in another format, as large as it is.
///
/// # Errors
/// [`Data`](ErrorKind::Data) if the bytes can't be decoded.
pub fn reencode(picture: &Picture, format: OutputFormat) -> PortResult<Picture> {
    encode(&decode_stored(picture.blob.bytes(), picture.blob.content_type())?, format)
}

/// The ThumbHash of a stored picture.
///
/// # Errors
/// [`Data`](ErrorKind::Data) if the bytes can't be decoded.
pub fn thumb_hash(bytes: &[u8], content_type: ContentType) -> PortResult<ThumbHash> {
    let image = decode_stored(bytes, content_type)?;
    let longest = image.width().max(image.height());
    let small =
        if longest > THUMB_HASH_SIDE { image.thumbnail(THUMB_HASH_SIDE, THUMB_HASH_SIDE) } else { image };
    let small = small.to_rgba8();
    let (width, height) = (small.width() as usize, small.height() as usize);
    let hash = thumbhash::rgba_to_thumb_hash(width, height, small.as_raw());
    ThumbHash::new(hash).ok_or_else(|| {
        PortError::new(ErrorKind::Internal, "imaging::thumb_hash", "the hash has a wrong length")
    })
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
/// as it is.
///
/// # Errors
/// [`Data`](ErrorKind::Data) if the bytes can't be decoded.
pub fn convert(
    bytes: Bytes,
    content_type: ContentType,
    max_width: Option<u32>,
    format: Encoding,
) -> PortResult<Converted> {
    let image = decode_stored(&bytes, content_type)?;
    let own = (image.width(), image.height());
    let (width, height) = Variant::size(max_width, own.0, own.1);
    let bytes = match (width, height) == own {
        true if Encoding::from(content_type) == format => bytes,
        true => encoded(&image, format)?,
        false => encoded(&image.thumbnail_exact(width, height), format)?,
    };
    Ok(Converted { bytes, width, height })
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_png_that_unpacks_to_16_gb_is_refused_by_its_header() {
        let mut bytes = red(1, 1, OutputFormat::Png).blob.bytes().to_vec();
        // IHDR: width and height, then the checksum of the chunk, which the decoder verifies.
        bytes[16..20].copy_from_slice(&65_536_u32.to_be_bytes());
        bytes[20..24].copy_from_slice(&65_536_u32.to_be_bytes());
        let crc = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(code_of(bytes), "too_many_pixels");
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
            assert_eq!(parse_upload("/image", &text).unwrap(), picture);
        }
        assert_eq!(parse_upload("/image", "@@@").unwrap_err().code, "bad_base64");
    }

    #[test]
    fn a_small_form_keeps_the_proportions() {
        let picture = red(100, 50, OutputFormat::Png);
        let bytes = picture.blob.bytes().clone();
        let small = convert(bytes, ContentType::Png, Some(10), Encoding::Webp).unwrap();
        assert_eq!((small.width, small.height, recognise(&small.bytes)), (10, 5, Some(ContentType::Webp)));
    }

    #[test]
    fn the_largest_picture_that_is_drawn_can_be_made_small() {
        let picture = red(limits::SIDE_MAX, limits::SIDE_MAX, OutputFormat::Png);
        let bytes = picture.blob.bytes().clone();
        assert_eq!(code_of(bytes.to_vec()), "too_many_pixels");
        assert_eq!(convert(bytes, ContentType::Png, Some(16), Encoding::Jpeg).unwrap().height, 16);
    }

    #[test]
    fn a_small_form_is_the_right_way_up() {
        let jpeg = red(20, 10, OutputFormat::Jpeg).blob.bytes().clone();
        // Orientation 6: to be turned by a quarter.
        let exif = b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let turned = [&jpeg[..2], exif, &jpeg[2..]].concat();
        let small = convert(turned.into(), ContentType::Jpeg, Some(5), Encoding::Png).unwrap();
        assert_eq!((small.width, small.height), (5, 10));
    }

    #[test]
    fn a_thumb_hash_tells_the_mean_colour_in_every_format() {
        for format in OutputFormat::ALL {
            let picture = red(300, 200, format);
            let hash = thumb_hash(picture.blob.bytes(), format.content_type()).unwrap();
            let (r, g, b, a) = thumbhash::thumb_hash_to_average_rgba(hash.as_bytes()).unwrap();
            assert!(r > 0.7 && g < 0.2 && b < 0.2 && a > 0.9, "{format:?}: {r} {g} {b} {a}");
            let json = serde_json::to_string(&hash).unwrap();
            assert_eq!(serde_json::from_str::<ThumbHash>(&json).unwrap(), hash);
        }
    }

    #[test]
    fn the_smallest_picture_has_a_thumb_hash() {
        thumb_hash(red(1, 1, OutputFormat::Png).blob.bytes(), ContentType::Png).unwrap();
    }
}
