//! Encoding.

use crate::error::{Error, Result};
use image::{
    DynamicImage, ExtendedColorType, ImageEncoder as _, ImageFormat,
    codecs::{jpeg::JpegEncoder, webp::WebPEncoder},
};
use std::io::Cursor;

/// The quality of JPEG results, of 100.
const JPEG_QUALITY: u8 = 92;
/// The quality of AVIF forms, of 100: about as good as a JPEG of 85.
#[cfg(feature = "avif")]
const AVIF_QUALITY: u8 = 75;
/// The quickest of 10: the next one takes twice as long for a sixth less.
#[cfg(feature = "avif")]
const AVIF_SPEED: u8 = 10;

/// What an image is encoded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Lossless.
    Png,
    /// Lossy, quality 92.
    Jpeg,
    /// Lossless.
    Webp,
    /// Lossy, and far smaller than the others; slow to make. In builds with the feature `avif`.
    #[cfg(feature = "avif")]
    Avif,
}

impl Encoding {
    /// The name of the encoding, as in `png`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
            #[cfg(feature = "avif")]
            Self::Avif => "avif",
        }
    }

    /// The most pixels of a side that the encoding can hold.
    pub const fn most_side(self) -> u32 {
        match self {
            Self::Png => i32::MAX.cast_unsigned(),
            Self::Jpeg => u16::MAX as u32,
            Self::Webp => 16_383,
            #[cfg(feature = "avif")]
            Self::Avif => u16::MAX as u32,
        }
    }
}

pub(crate) fn encoded(image: DynamicImage, encoding: Encoding) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let written = match encoding {
        Encoding::Jpeg => {
            let image = image.into_rgb8();
            image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))
        }
        Encoding::Png => image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png),
        Encoding::Webp => webp(image, &mut bytes),
        #[cfg(feature = "avif")]
        Encoding::Avif => image.into_rgba8().write_with_encoder(avif(&mut bytes)),
    };
    written.map_err(|error| Error::NotEncoded(error.to_string()))?;
    Ok(bytes)
}

fn webp(image: DynamicImage, bytes: &mut Vec<u8>) -> image::ImageResult<()> {
    let encoder = WebPEncoder::new_lossless(bytes);
    let (width, height) = (image.width(), image.height());
    if image.color().has_alpha() {
        encoder.write_image(image.into_rgba8().as_raw(), width, height, ExtendedColorType::Rgba8)
    } else {
        encoder.write_image(image.into_rgb8().as_raw(), width, height, ExtendedColorType::Rgb8)
    }
}

/// One thread: as many images as there are permits are made at a time, and no more cores are taken.
#[cfg(feature = "avif")]
fn avif(bytes: &mut Vec<u8>) -> image::codecs::avif::AvifEncoder<&mut Vec<u8>> {
    image::codecs::avif::AvifEncoder::new_with_speed_quality(bytes, AVIF_SPEED, AVIF_QUALITY)
        .with_num_threads(Some(1))
}
