//! A picture in characters: the upper half block shows two pixels, one in the text's colour, one behind it.

use image::{Rgb, RgbImage};
use std::fmt::Write;

/// `image`, one line of text for two rows of pixels.
pub(super) fn encode(image: &RgbImage) -> String {
    let lines: Vec<_> = (0..image.height()).step_by(2).map(|row| line(image, row)).collect();
    lines.join("\n")
}

fn line(image: &RgbImage, row: u32) -> String {
    let mut text = String::new();
    let mut last = None;
    for column in 0..image.width() {
        let upper = *image.get_pixel(column, row);
        let lower = image.get_pixel_checked(column, row + 1).copied();
        if last != Some((upper, lower)) {
            set_colors(&mut text, upper, lower);
            last = Some((upper, lower));
        }
        text.push('\u{2580}');
    }
    text.push_str("\u{1b}[0m");
    text
}

fn set_colors(text: &mut String, upper: Rgb<u8>, lower: Option<Rgb<u8>>) {
    let Rgb([r, g, b]) = upper;
    let behind = match lower {
        Some(Rgb([r, g, b])) => format!("48;2;{r};{g};{b}"),
        None => "49".to_owned(),
    };
    // Writing to a String can't fail.
    write!(text, "\u{1b}[38;2;{r};{g};{b};{behind}m").ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rows_make_one_line_and_the_same_colours_are_set_once() {
        let image = RgbImage::from_pixel(3, 2, Rgb([1, 2, 3]));
        assert_eq!(encode(&image), "\u{1b}[38;2;1;2;3;48;2;1;2;3m\u{2580}\u{2580}\u{2580}\u{1b}[0m");
    }

    #[test]
    fn a_last_odd_row_has_nothing_below() {
        let image = RgbImage::from_pixel(1, 3, Rgb([1, 2, 3]));
        assert!(encode(&image).ends_with("\u{1b}[38;2;1;2;3;49m\u{2580}\u{1b}[0m"));
    }
}
