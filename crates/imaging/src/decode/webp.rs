//! WebP. Of an animation the first frame is taken out and decoded as an image of its own: a decoder of animations holds the
//! canvas as well.

use super::{Header, broken, image, orientation, vp8l};
use crate::{
    Limits,
    error::{Error, Result},
    timed::{Deadline, Timed},
};
use image::{DynamicImage, RgbaImage, imageops::replace};
use image_webp::WebPDecoder;

/// The most chunks of a file, frames of an animation among them.
const CHUNKS_MAX: usize = 65_536;
/// The most bytes of an EXIF block that is looked at for the orientation.
const EXIF_BYTES: usize = 1024 * 1024;

/// A chunk: its name and its content.
type Chunk<'a> = ([u8; 4], &'a [u8]);

/// The chunks of a file or a frame. One that is cut off is the last, as far as it goes.
fn chunks(mut bytes: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    std::iter::from_fn(move || {
        let (name, rest) = bytes.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let content = &rest[..length.min(rest.len())];
        bytes = &rest[(length + length % 2).min(rest.len())..];
        Some((*name, content))
    })
}

fn number(bytes: &[u8], at: usize) -> Result<u32> {
    let three = bytes.get(at..at + 3).ok_or_else(|| broken("a header is cut off"))?;
    Ok(u32::from_le_bytes([three[0], three[1], three[2], 0]))
}

/// What the chunks of a file hold.
struct File<'a> {
    /// The size of the canvas, where the file has an extended header.
    canvas: Option<(u32, u32)>,
    /// The first frame of an animation.
    frame: Option<&'a [u8]>,
    exif: Option<&'a [u8]>,
    /// The chunks of the pixels: `ALPH`, `VP8 `, `VP8L`.
    image: Vec<Chunk<'a>>,
}

fn file(bytes: &[u8]) -> Result<File<'_>> {
    let mut file = File { canvas: None, frame: None, exif: None, image: Vec::new() };
    let (mut count, mut is_animated) = (0, false);
    for (name, content) in chunks(bytes.get(12..).unwrap_or_default()) {
        count += 1;
        if count > CHUNKS_MAX {
            return Err(Error::TooManyParts("chunks"));
        }
        match &name {
            b"VP8X" if count == 1 => {
                file.canvas = Some((number(content, 4)? + 1, number(content, 7)? + 1));
                is_animated = content[0] & 2 != 0;
            }
            b"ANMF" if is_animated && file.frame.is_none() => file.frame = Some(content),
            b"EXIF" if file.exif.is_none() => file.exif = Some(&content[..content.len().min(EXIF_BYTES)]),
            b"ALPH" | b"VP8 " | b"VP8L" if file.image.iter().all(|(known, _)| *known != name) => {
                file.image.push((name, content));
            }
            _ => {}
        }
    }
    Ok(file)
}

/// Where the first frame of an animation stands on the canvas.
struct Frame {
    at: (u32, u32),
    size: (u32, u32),
}

impl Frame {
    fn read(content: &[u8], canvas: (u32, u32)) -> Result<Self> {
        let at = (2 * number(content, 0)?, 2 * number(content, 3)?);
        let size = (number(content, 6)? + 1, number(content, 9)? + 1);
        if at.0 + size.0 > canvas.0 || at.1 + size.1 > canvas.1 {
            return Err(broken("a frame lies outside of the canvas"));
        }
        Ok(Self { at, size })
    }

    /// The frame as a file of its own.
    fn as_file(&self, content: &[u8]) -> Vec<u8> {
        let image = content.get(16..).unwrap_or_default();
        let has_alpha = chunks(image).any(|(name, _)| matches!(&name, b"ALPH" | b"VP8L"));
        let mut bytes = Vec::with_capacity(30 + image.len());
        bytes.extend_from_slice(b"RIFF");
        bytes.extend_from_slice(&u32::try_from(22 + image.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(b"WEBPVP8X\x0a\0\0\0");
        bytes.extend_from_slice(&[if has_alpha { 0x10 } else { 0 }, 0, 0, 0]);
        for side in [self.size.0, self.size.1] {
            bytes.extend_from_slice(&(side - 1).to_le_bytes()[..3]);
        }
        bytes.extend_from_slice(image);
        bytes
    }
}

pub(super) fn header(bytes: &[u8], limits: &Limits, until: Deadline) -> Result<Header> {
    let file = file(bytes)?;
    if let Some((width, height)) = file.canvas {
        limits.check_size(width, height)?;
    }
    let (width, height) = WebPDecoder::new(Timed::new(bytes, until)).map_err(broken)?.dimensions();
    limits.check_size(width, height)?;
    Ok(Header { width, height, orientation: orientation(file.exif) })
}

pub(super) fn pixels(bytes: &[u8], until: Deadline) -> Result<DynamicImage> {
    let file = file(bytes)?;
    let (Some(canvas), Some(content)) = (file.canvas, file.frame) else {
        return still(bytes, &file, until);
    };
    let frame = Frame::read(content, canvas)?;
    let alone = frame.as_file(content);
    let image = still(&alone, &self::file(&alone)?, until)?;
    if frame.size == canvas {
        return Ok(image);
    }
    let mut whole = RgbaImage::new(canvas.0, canvas.1);
    replace(&mut whole, &image.into_rgba8(), frame.at.0.into(), frame.at.1.into());
    Ok(DynamicImage::ImageRgba8(whole))
}

fn still(bytes: &[u8], file: &File<'_>, until: Deadline) -> Result<DynamicImage> {
    let mut decoder = WebPDecoder::new(Timed::new(bytes, until)).map_err(broken)?;
    let (width, height) = decoder.dimensions();
    for (name, content) in &file.image {
        match name {
            b"VP8L" => vp8l::check(content.get(5..).unwrap_or_default(), width, height, until)?,
            // Its lowest bits tell how the channel is packed.
            b"ALPH" if content.first().is_some_and(|info| info & 3 == 1) => {
                vp8l::check(&content[1..], width, height, until)?;
            }
            _ => {}
        }
    }
    let length = decoder.output_buffer_size().ok_or_else(|| broken("it is too large"))?;
    let mut pixels = vec![0; length];
    decoder.read_image(&mut pixels).map_err(broken)?;
    image(width, height, if decoder.has_alpha() { 4 } else { 3 }, pixels)
}
