//! Sizes as the aspect ratios that Stability's models take in their place. They draw about a megapixel in that ratio;
//! the picture is then brought to the size that was asked for.

use super::GENERATE;
use tintype_core::{ErrorKind, PortError, PortResult};

/// The ratios, as width and height.
const RATIOS: [(u32, u32); 9] = [(1, 1), (16, 9), (21, 9), (2, 3), (3, 2), (4, 5), (5, 4), (9, 16), (9, 21)];
/// How far a size may be from a ratio: sides in steps of 64 can't meet one exactly.
const TOLERANCE: f64 = 0.04;

/// The ratio of `width` to `height`, such as `16:9`.
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid) with the ratios there are, if none is near.
pub(super) fn of(width: u32, height: u32) -> PortResult<String> {
    let asked = f64::from(width) / f64::from(height);
    let distance = |(across, down): &(u32, u32)| (asked * f64::from(*down) / f64::from(*across)).ln().abs();
    let nearest = RATIOS.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    match nearest.filter(|ratio| distance(ratio) <= TOLERANCE) {
        Some((across, down)) => Ok(format!("{across}:{down}")),
        None => Err(PortError::new(ErrorKind::Invalid, GENERATE, refusal(width, height))),
    }
}

fn refusal(width: u32, height: u32) -> String {
    let ratios: Vec<_> = RATIOS.iter().map(|(across, down)| format!("{across}:{down}")).collect();
    format!(
        "{width} x {height} is no size of this model: width to height must be one of {}",
        ratios.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_near_a_ratio_have_it() {
        for (width, height, ratio) in [
            (512, 512, "1:1"),
            (1024, 1024, "1:1"),
            (1344, 768, "16:9"),
            (1536, 640, "21:9"),
            (832, 1216, "2:3"),
            (1216, 832, "3:2"),
            (896, 1088, "4:5"),
            (1088, 896, "5:4"),
            (768, 1344, "9:16"),
            (640, 1536, "9:21"),
        ] {
            assert_eq!(of(width, height).unwrap(), ratio, "{width} x {height}");
        }
    }

    #[test]
    fn a_size_between_ratios_is_refused_with_the_ratios_there_are() {
        let error = of(1024, 512).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().starts_with("1024 x 512 is no size") && error.message().contains("16:9"));
    }
}
