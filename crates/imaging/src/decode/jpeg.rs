//! JPEG. The parts of the file are counted first: a decoder keeps something of each, and walks over the whole image for each
//! scan.

use super::{Header, broken, image, orientation};
use crate::{
    Limits,
    error::{Error, Result},
    timed::{Deadline, Timed},
};
use image::DynamicImage;
use zune_core::{colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::JpegDecoder;

/// The most parts of a file. A profile of 16 MB has 255.
const PARTS_MAX: usize = 4_096;
/// The most scans. Programs write up to 15.
const SCANS_MAX: usize = 100;

fn decoder<'a>(bytes: &'a [u8], until: Deadline) -> Result<JpegDecoder<Timed<'a>>> {
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_max_scans(SCANS_MAX);
    let mut decoder = JpegDecoder::new_with_options(Timed::new(bytes, until), options);
    decoder.decode_headers().map_err(broken)?;
    Ok(decoder)
}

pub(super) fn header(bytes: &[u8], limits: &Limits, until: Deadline) -> Result<Header> {
    count_parts(bytes)?;
    let decoder = decoder(bytes, until)?;
    let (width, height) = size(&decoder)?;
    limits.check_size(width, height)?;
    Ok(Header { width, height, orientation: orientation(decoder.exif().map(Vec::as_slice)) })
}

pub(super) fn pixels(bytes: &[u8], until: Deadline) -> Result<DynamicImage> {
    let mut decoder = decoder(bytes, until)?;
    let (width, height) = size(&decoder)?;
    let (space, channels) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (ColorSpace::Luma, 1),
        Some(ColorSpace::LumaA) => (ColorSpace::LumaA, 2),
        Some(ColorSpace::RGBA) => (ColorSpace::RGBA, 4),
        _ => (ColorSpace::RGB, 3),
    };
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(space));
    let pixels = decoder.decode().map_err(broken)?;
    // A decoder that was stopped gives what it has.
    if until.is_over() {
        return Err(broken("it was stopped"));
    }
    image(width, height, channels, pixels)
}

fn size(decoder: &JpegDecoder<Timed<'_>>) -> Result<(u32, u32)> {
    let size = decoder.info().map(|info| (u32::from(info.width), u32::from(info.height)));
    size.ok_or_else(|| broken("it has no header"))
}

/// Counts the marker segments of the whole file, those between scans too.
fn count_parts(bytes: &[u8]) -> Result<()> {
    let (mut parts, mut scans, mut at) = (0, 0, 0);
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0xFF)) {
        let marker_at = at + found + 1;
        let Some(marker) = bytes.get(marker_at) else { break };
        at = marker_at + 1;
        match marker {
            // A byte of the pixels, a filler, a restart, the start and the end: they have no length.
            0x00 | 0x01 | 0xD0..=0xD9 => {}
            0xFF => at = marker_at,
            _ => {
                parts += 1;
                scans += usize::from(*marker == 0xDA);
                let length =
                    bytes.get(at..at + 2).map_or(0, |length| u16::from_be_bytes([length[0], length[1]]));
                at += usize::from(length.max(2));
            }
        }
        if scans > SCANS_MAX {
            return Err(Error::TooManyParts("scans"));
        }
        if parts > PARTS_MAX {
            return Err(Error::TooManyParts("segments"));
        }
    }
    Ok(())
}
