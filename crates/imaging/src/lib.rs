//! Decodes, resizes and encodes images within bounds of memory and time. Pure functions over bytes, and slow: callers keep
//! them off their async threads.
//!
//! # Bounds
//! - [`Limits`] are judged by the header, before a pixel is unpacked.
//! - Of a file only its pixels and its orientation are read. Colour profiles and texts are skipped, never unpacked.
//! - An operation takes at most 16 bytes per pixel and 64 MiB. All operations of a process together take [`MEMORY_BYTES`];
//!   those beyond wait their turn. One that needs more than that by itself, because larger limits allow it, runs alone.
//! - An operation that takes longer than [`Limits::time`] is stopped.
//! - Of an animation only the first frame is read.

mod decode;
mod encode;
mod error;
mod limits;
mod look;
mod memory;
mod resize;
mod timed;

pub use encode::Encoding;
pub use error::{Error, Result};
pub use limits::Limits;
pub use look::{DIMENSIONS as LOOK_DIMENSIONS, NAME as LOOK_NAME};
pub use memory::MEMORY_BYTES;
pub use resize::scaled;

use image::{DynamicImage, RgbImage};

/// The format of a stored image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Portable Network Graphics.
    Png,
    /// JPEG, baseline or progressive.
    Jpeg,
    /// WebP, lossy or lossless.
    Webp,
}

impl Format {
    /// The format of `bytes`, by their first bytes alone.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match image::guess_format(bytes) {
            Ok(image::ImageFormat::Png) => Some(Self::Png),
            Ok(image::ImageFormat::Jpeg) => Some(Self::Jpeg),
            Ok(image::ImageFormat::WebP) => Some(Self::Webp),
            _ => None,
        }
    }
}

impl From<Format> for Encoding {
    fn from(format: Format) -> Self {
        match format {
            Format::Png => Self::Png,
            Format::Jpeg => Self::Jpeg,
            Format::Webp => Self::Webp,
        }
    }
}

/// An image that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Its format.
    pub format: Format,
    /// Pixels across, before any orientation is applied.
    pub width: u32,
    /// Pixels down, before any orientation is applied.
    pub height: u32,
}

/// Checks that `bytes` are one whole image within `limits`: all of it is decoded once.
///
/// # Errors
/// [`Error`], never [`SideTooLongFor`](Error::SideTooLongFor) nor [`NotEncoded`](Error::NotEncoded).
pub fn check(bytes: &[u8], limits: &Limits) -> Result<Checked> {
    let format = Format::of(bytes).ok_or(Error::UnsupportedFormat)?;
    let image = decode::pixels(bytes, format, limits)?.image;
    Ok(Checked { format, width: image.width(), height: image.height() })
}

/// The ThumbHash of an image: a placeholder of at most 25 bytes.
///
/// # Errors
/// As [`check`].
pub fn thumb_hash(bytes: &[u8], format: Format, limits: &Limits) -> Result<Vec<u8>> {
    let small = decode::small(bytes, format, limits, resize::within(resize::THUMB_HASH_SIDE))?.to_rgba8();
    let (width, height) = (small.width() as usize, small.height() as usize);
    Ok(thumbhash::rgba_to_thumb_hash(width, height, small.as_raw()))
}

/// How an image looks, in [`LOOK_DIMENSIONS`] numbers: its colours and the directions of its edges, each in 4 x 4 cells.
///
/// # Errors
/// As [`check`].
pub fn look(bytes: &[u8], format: Format, limits: &Limits) -> Result<Vec<f32>> {
    let decode::Pixels { image, orientation, permit } = decode::pixels(bytes, format, limits)?;
    let mut small = DynamicImage::ImageRgb8(look::shrunk(image));
    drop(permit);
    small.apply_orientation(orientation);
    Ok(look::descriptor(&small.to_rgb8()))
}

/// A rendition of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// Its bytes; `None` where the image already has that size and encoding.
    pub bytes: Option<Vec<u8>>,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// The image in another encoding, no wider than `max_width`, with its orientation applied. With a width, an image that is too
/// tall for the encoding is shrunk until it fits.
///
/// # Errors
/// As [`check`]; [`SideTooLongFor`](Error::SideTooLongFor) where no width is given and a side is too long for the encoding;
/// [`NotEncoded`](Error::NotEncoded).
pub fn convert(
    bytes: &[u8],
    format: Format,
    max_width: Option<u32>,
    encoding: Encoding,
    limits: &Limits,
) -> Result<Converted> {
    let header = decode::header(bytes, format, limits)?;
    let own = header.upright();
    let (width, height) = scaled(max_width, encoding.most_side(), own.0, own.1);
    if (width, height) == own && Encoding::from(format) == encoding {
        return Ok(Converted { bytes: None, width, height });
    }
    if width.max(height) > encoding.most_side() {
        return Err(Error::SideTooLongFor { encoding, side: width.max(height) });
    }
    let decode::Pixels { image, orientation, permit } = decode::pixels(bytes, format, limits)?;
    let image = resize::upright(image, orientation, (width, height));
    let bytes = encode::encoded(image, encoding)?;
    drop(permit);
    Ok(Converted { bytes: Some(bytes), width, height })
}

/// The image encoded anew, as large as it is, with its orientation applied and without any metadata.
///
/// # Errors
/// As [`convert`].
pub fn reencode(bytes: &[u8], format: Format, encoding: Encoding, limits: &Limits) -> Result<Converted> {
    let decode::Pixels { image, orientation, permit } = decode::pixels(bytes, format, limits)?;
    let side = image.width().max(image.height());
    if side > encoding.most_side() {
        return Err(Error::SideTooLongFor { encoding, side });
    }
    let mut image = image;
    image.apply_orientation(orientation);
    let (width, height) = (image.width(), image.height());
    let bytes = Some(encode::encoded(image, encoding)?);
    drop(permit);
    Ok(Converted { bytes, width, height })
}

/// Encodes RGB pixels, row by row from the top left: `width * height * 3` bytes.
///
/// # Errors
/// [`Broken`](Error::Broken) if the number of bytes does not fit the size, [`SideTooLongFor`](Error::SideTooLongFor),
/// [`NotEncoded`](Error::NotEncoded).
pub fn encode_rgb(width: u32, height: u32, rgb: Vec<u8>, encoding: Encoding) -> Result<Vec<u8>> {
    let length = rgb.len();
    let image = RgbImage::from_raw(width, height, rgb)
        .ok_or_else(|| Error::Broken(format!("{length} bytes are not {width} x {height} RGB pixels")))?;
    let side = width.max(height);
    if side > encoding.most_side() {
        return Err(Error::SideTooLongFor { encoding, side });
    }
    encode::encoded(DynamicImage::ImageRgb8(image), encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumb_hash_tells_the_mean_colour_in_every_format() {
        for format in [Format::Png, Format::Jpeg, Format::Webp] {
            let red = [200, 10, 10].repeat(300 * 200);
            let bytes = encode_rgb(300, 200, red, format.into()).unwrap();
            let hash = thumb_hash(&bytes, format, &Limits::DEFAULT).unwrap();
            let (r, g, b, a) = thumbhash::thumb_hash_to_average_rgba(&hash).unwrap();
            assert!(r > 0.7 && g < 0.2 && b < 0.2 && a > 0.9, "{format:?}: {r} {g} {b} {a}");
        }
    }
}
