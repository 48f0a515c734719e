//! PNG, row by row in 8 bits a channel: 16 bits are never held for the whole image. Texts and colour profiles are skipped.

use super::{Header, broken, image, orientation};
use crate::{
    Limits,
    error::Result,
    timed::{Deadline, Timed},
};
use image::DynamicImage;
use png::{ColorType, Decoder, DecodingError, Reader, Transformations};

/// What the decoder may hold beside the longest chunk of the file, in bytes: a few rows.
const ROWS_BYTES: u64 = 8 * 1024 * 1024;

fn reader<'a>(bytes: &'a [u8], limits: &Limits, until: Deadline) -> Result<Reader<Timed<'a>>> {
    let most = usize::try_from(ROWS_BYTES + bytes.len() as u64).unwrap_or(usize::MAX);
    let mut decoder = Decoder::new_with_limits(Timed::new(bytes, until), png::Limits { bytes: most });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let info = decoder.read_header_info().map_err(|error| failed(&error))?;
    limits.check_size(info.width, info.height)?;
    decoder.read_info().map_err(|error| failed(&error))
}

fn failed(error: &DecodingError) -> crate::Error {
    broken(error)
}

pub(super) fn header(bytes: &[u8], limits: &Limits, until: Deadline) -> Result<Header> {
    let reader = reader(bytes, limits, until)?;
    let info = reader.info();
    let orientation = orientation(info.exif_metadata.as_deref());
    Ok(Header { width: info.width, height: info.height, orientation })
}

pub(super) fn pixels(bytes: &[u8], limits: &Limits, until: Deadline) -> Result<DynamicImage> {
    let mut reader = reader(bytes, limits, until)?;
    let (width, height) = (reader.info().width, reader.info().height);
    let length = reader.output_buffer_size().ok_or_else(|| broken("it is too large"))?;
    let mut pixels = vec![0; length];
    let frame = reader.next_frame(&mut pixels).map_err(|error| failed(&error))?;
    let channels = match frame.color_type {
        ColorType::Grayscale | ColorType::Indexed => 1,
        ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb => 3,
        ColorType::Rgba => 4,
    };
    image(width, height, channels, pixels)
}
