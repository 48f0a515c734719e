//! Pictures that tests send, and a simple look at those that come back.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::{ImageFormat, RgbImage};
use std::io::Cursor;

/// A small picture as PNG; another one for another `shade`.
pub fn png(shade: u8) -> Vec<u8> {
    written(&RgbImage::from_fn(8, 8, |x, y| image::Rgb([shade, x as u8 * 30, y as u8 * 30])))
}

/// A small picture of one colour as PNG.
pub fn png_of(colour: [u8; 3]) -> Vec<u8> {
    written(&RgbImage::from_pixel(8, 8, image::Rgb(colour)))
}

/// A picture of noise, `side` by `side` pixels, as PNG: it is as large as its pixels, three bytes each.
pub fn noise_png(side: u32) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = move || {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    written(&RgbImage::from_fn(side, side, |_, _| image::Rgb([noise(), noise(), noise()])))
}

fn written(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes
}

/// A PNG of 65,535 x 65,535 pixels, 16 GB unpacked as RGBA: a head that says so, and a little data.
pub fn huge_png() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = Vec::new();
    head.extend(65_535_u32.to_be_bytes());
    head.extend(65_535_u32.to_be_bytes());
    head.extend([8, 6, 0, 0, 0]);
    bytes.extend(chunk(b"IHDR", &head));
    // A valid zlib stream that holds next to nothing.
    bytes.extend(chunk(b"IDAT", &[0x78, 0x9c, 0x63, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01]));
    bytes.extend(chunk(b"IEND", &[]));
    bytes
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(data.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(kind);
    bytes.extend(data);
    let checksum = crc32(&bytes[4..]);
    bytes.extend(checksum.to_be_bytes());
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

/// As requests hold it.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of a base64 text.
pub fn from_base64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

/// A picture's mean colour in a square, as red, green, blue from 0 to 255.
pub fn mean_colour(picture: &RgbImage, left: u32, top: u32, side: u32) -> [u32; 3] {
    let mut sums = [0; 3];
    for (x, y) in (left..left + side).flat_map(|x| (top..top + side).map(move |y| (x, y))) {
        for (sum, channel) in sums.iter_mut().zip(picture.get_pixel(x, y).0) {
            *sum += u32::from(channel);
        }
    }
    sums.map(|sum| sum / (side * side))
}

/// The picture of these bytes.
pub fn decode(bytes: &[u8]) -> RgbImage {
    image::load_from_memory(bytes).unwrap().to_rgb8()
}
