//! Decoding: the header is judged first, then the pixels are unpacked under a share of the memory and a deadline.

mod jpeg;
mod png;
mod vp8l;
mod webp;

use crate::{
    Format, Limits,
    error::{Error, Result},
    memory::{self, Permit},
    resize::turned,
    timed::Deadline,
};
use image::{DynamicImage, metadata::Orientation};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What an operation takes beside its pixels, in bytes.
const OVERHEAD_BYTES: u64 = 1024 * 1024;

/// What the header of an image tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    width: u32,
    height: u32,
    orientation: Orientation,
}

impl Header {
    /// The size after the orientation was applied.
    pub(crate) const fn upright(self) -> (u32, u32) {
        turned(self.orientation, (self.width, self.height))
    }
}

/// An image that was unpacked.
#[derive(Debug)]
pub(crate) struct Pixels {
    /// 8 bits per channel, as they are stored.
    pub(crate) image: DynamicImage,
    /// How a viewer turns it.
    pub(crate) orientation: Orientation,
    /// The memory that it takes.
    pub(crate) permit: Permit,
}

/// Reads the header and judges it. Nothing is unpacked.
pub(crate) fn header(bytes: &[u8], format: Format, limits: &Limits) -> Result<Header> {
    limits.check_bytes(bytes.len() as u64)?;
    let until = Deadline::after(limits.time);
    let read = || match format {
        Format::Png => png::header(bytes, limits, until),
        Format::Jpeg => jpeg::header(bytes, limits, until),
        Format::Webp => webp::header(bytes, limits, until),
    };
    guarded(limits, until, read)
}

/// Unpacks the image.
pub(crate) fn pixels(bytes: &[u8], format: Format, limits: &Limits) -> Result<Pixels> {
    let Header { width, height, orientation } = header(bytes, format, limits)?;
    let pixels = u64::from(width) * u64::from(height);
    let permit = memory::take(pixels * bytes_per_pixel(format) + OVERHEAD_BYTES);
    // From now on: what was spent on waiting is nobody's fault.
    let until = Deadline::after(limits.time);
    let unpack = || match format {
        Format::Png => png::pixels(bytes, limits, until),
        Format::Jpeg => jpeg::pixels(bytes, until),
        Format::Webp => webp::pixels(bytes, until),
    };
    let image = guarded(limits, until, unpack)?;
    if (image.width(), image.height()) != (width, height) {
        return Err(Error::Broken("the pixels are of another size than the header tells".to_owned()));
    }
    Ok(Pixels { image, orientation, permit })
}

/// Unpacks the image and makes it smaller, with its orientation applied.
pub(crate) fn small(
    bytes: &[u8],
    format: Format,
    limits: &Limits,
    size: impl Fn(u32, u32) -> (u32, u32),
) -> Result<DynamicImage> {
    let Pixels { image, orientation, permit } = pixels(bytes, format, limits)?;
    let (width, height) = size(image.width(), image.height());
    let mut small = if (width, height) == (image.width(), image.height()) {
        image
    } else {
        image.thumbnail_exact(width, height)
    };
    small.apply_orientation(orientation);
    drop(permit);
    Ok(small)
}

/// The most that decoding and encoding an image takes for each pixel: its channels twice, and for JPEG and WebP what their
/// decoders hold beside the result (16-bit coefficients; planes, an alpha channel).
const fn bytes_per_pixel(format: Format) -> u64 {
    match format {
        Format::Png => 10,
        Format::Jpeg | Format::Webp => 12,
    }
}

/// A decoder that panics has met a broken file. One that was stopped says that it could not read on.
fn guarded<T>(limits: &Limits, until: Deadline, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let done = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::Broken("the decoder gave up".to_owned())));
    match done {
        Err(Error::Broken(_)) if until.is_over() => Err(Error::TooSlow(limits.time.as_secs())),
        done => done,
    }
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::Broken(error.to_string())
}

/// The orientation that an EXIF block tells.
fn orientation(exif: Option<&[u8]>) -> Orientation {
    exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms)
}

/// The image of these bytes, with 1 to 4 channels.
fn image(width: u32, height: u32, channels: usize, bytes: Vec<u8>) -> Result<DynamicImage> {
    use image::ImageBuffer;
    let image = match channels {
        1 => ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageLuma8),
        2 => ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageLumaA8),
        3 => ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageRgb8),
        4 => ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageRgba8),
        _ => None,
    };
    image.ok_or_else(|| Error::Broken("the pixels are not as many as the header tells".to_owned()))
}
