//! A picture as sixels: six rows at a time, one colour after the other, from a fixed palette of 6 x 7 x 6 colours.

use image::{Rgb, RgbImage};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Shades of red, green and blue: 252 colours, within the 256 that terminals have at least.
const SHADES: [u32; 3] = [6, 7, 6];
/// How many rows one band of sixels has.
const BAND: u32 = 6;

/// `image` as one DEC sixel sequence.
pub(super) fn encode(image: &RgbImage) -> String {
    let mut text = format!("\u{1b}P0;1q\"1;1;{};{}", image.width(), image.height());
    for color in 0..SHADES.iter().product() {
        let [r, g, b] = percent(color);
        // Writing to a String can't fail.
        write!(text, "#{color};2;{r};{g};{b}").ok();
    }
    for top in (0..image.height()).step_by(BAND as usize) {
        for (color, bits) in band(image, top) {
            write!(text, "#{color}").ok();
            push_runs(&mut text, &bits);
            text.push('$');
        }
        text.push('-');
    }
    text.push_str("\u{1b}\\");
    text
}

/// The colours of the band from row `top` on, each with the rows it has in every column, as bits.
fn band(image: &RgbImage, top: u32) -> BTreeMap<u32, Vec<u8>> {
    let mut colors = BTreeMap::new();
    for row in top..(top + BAND).min(image.height()) {
        for column in 0..image.width() {
            let color = nearest(*image.get_pixel(column, row));
            let bits = colors.entry(color).or_insert_with(|| vec![0_u8; image.width() as usize]);
            bits[column as usize] |= 1 << (row - top);
        }
    }
    colors
}

fn push_runs(text: &mut String, bits: &[u8]) {
    for run in bits.chunk_by(|a, b| a == b) {
        let sixel = char::from(b'?' + run[0]);
        if run.len() > 3 {
            write!(text, "!{}{sixel}", run.len()).ok();
        } else {
            text.extend(std::iter::repeat_n(sixel, run.len()));
        }
    }
}

fn nearest(Rgb(channels): Rgb<u8>) -> u32 {
    channels
        .iter()
        .zip(SHADES)
        .fold(0, |color, (&channel, shades)| color * shades + (u32::from(channel) * (shades - 1) + 127) / 255)
}

fn percent(color: u32) -> [u32; 3] {
    let [_, greens, blues] = SHADES;
    let shades = [color / (greens * blues), color / blues % greens, color % blues];
    std::array::from_fn(|channel| shades[channel] * 100 / (SHADES[channel] - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_is_the_last_colour_and_full() {
        assert_eq!(nearest(Rgb([255, 255, 255])), 251);
        assert_eq!(percent(251), [100, 100, 100]);
        assert_eq!(percent(nearest(Rgb([0, 0, 0]))), [0, 0, 0]);
    }

    #[test]
    fn a_run_of_the_same_column_is_written_once() {
        let text = encode(&RgbImage::from_pixel(10, 6, Rgb([255, 255, 255])));
        assert!(text.ends_with("#251!10~$-\u{1b}\\"), "{text}");
    }
}
