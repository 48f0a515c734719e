//! How an image looks, in 112 numbers: its colours and the directions of its edges, each in 4 x 4 cells. No network: what
//! is the same thing is similar where it is drawn similarly.

use image::{DynamicImage, RgbImage, imageops::FilterType};

/// The name of the space of these numbers. Whatever changes in them gives it another name.
pub const NAME: &str = "look-1";
/// How many numbers there are.
pub const DIMENSIONS: usize = COLOURS + EDGES;

/// A picture is looked at in this size.
const SIDE: usize = 32;
/// Cells across and down.
const CELLS: usize = 4;
const CELL: usize = SIDE / CELLS;
/// The directions of an edge that are told apart.
const DIRECTIONS: usize = 4;
const COLOURS: usize = CELLS * CELLS * 3;
const EDGES: usize = CELLS * CELLS * DIRECTIONS;
/// What colours count beside edges; chosen by trying on the pictures of `tests/similar/measure`.
const COLOURS_COUNT: f32 = 0.3;
/// What hue counts beside lightness.
const HUE_COUNTS: f32 = 2.5;

/// The image as it is looked at. The filter's intermediate has a height of 32: 512 bytes for each column, and a side has a
/// limit.
pub(crate) fn shrunk(image: DynamicImage) -> RgbImage {
    image::imageops::resize(&image.into_rgb8(), SIDE as u32, SIDE as u32, FilterType::Triangle)
}

/// The numbers of an image that was [`shrunk`].
pub(crate) fn descriptor(small: &RgbImage) -> Vec<f32> {
    let pixels = lab(small);
    let mut values = scaled(colours(&pixels), COLOURS_COUNT.sqrt());
    values.extend(scaled(edges(&pixels), (1.0 - COLOURS_COUNT).sqrt()));
    values
}

fn scaled(values: Vec<f32>, to: f32) -> Vec<f32> {
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    // Less than a trace of it is noise.
    let factor = if length < 1e-4 { 0.0 } else { to / length };
    values.into_iter().map(|value| value * factor).collect()
}

/// Oklab: lightness, green to red, blue to yellow, evenly spaced for the eye.
fn lab(image: &RgbImage) -> Vec<[f32; 3]> {
    image.pixels().map(|pixel| oklab(pixel.0.map(linear))).collect()
}

fn linear(level: u8) -> f32 {
    let value = f32::from(level) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// From Björn Ottosson, "A perceptual color space for image processing".
fn oklab([r, g, b]: [f32; 3]) -> [f32; 3] {
    let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}

/// The mean colour of each cell, its lightness against the picture's.
fn colours(pixels: &[[f32; 3]]) -> Vec<f32> {
    let mut cells = [[0.0_f32; 3]; CELLS * CELLS];
    for (at, pixel) in pixels.iter().enumerate() {
        let cell = &mut cells[cell(at)];
        cell.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value / (CELL * CELL) as f32);
    }
    let lightness = cells.iter().map(|cell| cell[0]).sum::<f32>() / cells.len() as f32;
    cells.iter().flat_map(|[l, a, b]| [l - lightness, a * HUE_COUNTS, b * HUE_COUNTS]).collect()
}

/// How much edge of each direction there is in each cell, by its root: a strong one does not drown the others.
fn edges(pixels: &[[f32; 3]]) -> Vec<f32> {
    let mut cells = vec![0.0_f32; EDGES];
    for at in 0..pixels.len() {
        let (x, y) = (at % SIDE, at / SIDE);
        let inner = |place: usize| (1..SIDE - 1).contains(&place);
        let across = if inner(x) { pixels[at + 1][0] - pixels[at - 1][0] } else { 0.0 };
        let down = if inner(y) { pixels[at + SIDE][0] - pixels[at - SIDE][0] } else { 0.0 };
        let turn = down.atan2(across).rem_euclid(std::f32::consts::PI) / std::f32::consts::PI;
        let place = turn * DIRECTIONS as f32;
        // Shared between the two directions that it lies between.
        let (first, share) = (place.floor(), place.fract());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 4")]
        let first = first as usize % DIRECTIONS;
        let strength = across.hypot(down);
        let own = cell(at) * DIRECTIONS;
        cells[own + first] += strength * (1.0 - share);
        cells[own + (first + 1) % DIRECTIONS] += strength * share;
    }
    cells.into_iter().map(f32::sqrt).collect()
}

const fn cell(at: usize) -> usize {
    at / SIDE / CELL * CELLS + at % SIDE / CELL
}
