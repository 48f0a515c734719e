//! A picture as the terminal takes it. Small pictures are shown larger, with whole pixels.

mod half_blocks;
mod sixel;

use crate::terminal::{Pictures, Terminal};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::{RgbImage, imageops::FilterType};

/// The side in pixels up to which a small picture is enlarged where the terminal has real pixels.
const SHOWN_SIDE: u32 = 256;
/// The most characters across that a picture of characters takes.
const BLOCKS_ACROSS: usize = 96;
/// The most base64 in one of kitty's messages.
const KITTY_CHUNK: usize = 4_096;

/// Shows `bytes` where the terminal can; says nothing where it can't.
pub(crate) fn show(terminal: &Terminal, bytes: &[u8]) {
    let Some(pictures) = terminal.pictures else { return };
    let Ok(image) = image::load_from_memory(bytes) else { return };
    let image = image.to_rgb8();
    let text = match pictures {
        Pictures::Kitty => png(&enlarged(&image)).map(|png| kitty(&png)),
        Pictures::Iterm2 => png(&enlarged(&image)).map(|png| iterm2(&png)),
        Pictures::Sixel => Some(sixel::encode(&enlarged(&image))),
        Pictures::HalfBlocks => {
            let across = terminal.width().saturating_sub(1).min(BLOCKS_ACROSS);
            Some(half_blocks::encode(&within(&image, u32::try_from(across).unwrap_or(u32::MAX))))
        }
    };
    if let Some(text) = text {
        terminal.raw(&format!("{text}\n"));
    }
}

/// The picture at the largest whole multiple that fits, or made smaller to fit.
fn enlarged(image: &RgbImage) -> RgbImage {
    let side = image.width().max(image.height()).max(1);
    if side > 2 * SHOWN_SIDE {
        return within(image, 2 * SHOWN_SIDE);
    }
    let times = (SHOWN_SIDE / side).max(1);
    image::imageops::resize(image, image.width() * times, image.height() * times, FilterType::Nearest)
}

/// The picture, made smaller if it is wider than `across`.
fn within(image: &RgbImage, across: u32) -> RgbImage {
    if image.width() <= across {
        return image.clone();
    }
    let height = u64::from(image.height()) * u64::from(across) / u64::from(image.width());
    let height = u32::try_from(height).unwrap_or(1).max(1);
    image::imageops::resize(image, across, height, FilterType::Triangle)
}

fn png(image: &RgbImage) -> Option<Vec<u8>> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).ok()?;
    Some(bytes.into_inner())
}

/// kitty's graphics protocol: transmit a PNG and show it, in chunks.
fn kitty(png: &[u8]) -> String {
    let data = STANDARD.encode(png);
    let chunks: Vec<_> = data.as_bytes().chunks(KITTY_CHUNK).map(String::from_utf8_lossy).collect();
    let mut text = String::new();
    for (index, chunk) in chunks.iter().enumerate() {
        let first = if index == 0 { "a=T,f=100,q=2," } else { "" };
        let more = u8::from(index + 1 < chunks.len());
        text.push_str(&format!("\u{1b}_G{first}m={more};{chunk}\u{1b}\\"));
    }
    text
}

/// iTerm2's inline image.
fn iterm2(png: &[u8]) -> String {
    format!(
        "\u{1b}]1337;File=inline=1;size={};preserveAspectRatio=1:{}\u{7}",
        png.len(),
        STANDARD.encode(png)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_picture_grows_by_whole_pixels_and_a_large_one_shrinks() {
        assert_eq!(enlarged(&RgbImage::new(64, 32)).dimensions(), (256, 128));
        assert_eq!(enlarged(&RgbImage::new(300, 300)).dimensions(), (300, 300));
        assert_eq!(enlarged(&RgbImage::new(1_024, 512)).dimensions(), (512, 256));
    }

    #[test]
    fn kitty_gets_the_picture_in_chunks_of_which_the_last_says_so() {
        let text = kitty(&[7; 5_000]);
        assert_eq!(text.matches("\u{1b}_G").count(), 2);
        assert!(text.starts_with("\u{1b}_Ga=T,f=100,q=2,m=1;"));
        assert!(text.contains("\u{1b}_Gm=0;"));
    }
}
