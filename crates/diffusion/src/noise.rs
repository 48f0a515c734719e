//! The noise a picture starts from: a documented function of the seed, the same on every machine.

use rand_chacha::{
    ChaCha12Rng,
    rand_core::{Rng, SeedableRng},
};
use std::f64::consts::TAU;
use tintype_core::domain::Seed;

/// `count` numbers of the standard normal distribution.
///
/// The scheme, which never changes: ChaCha with 12 rounds, keyed with the seed's four bytes, the lowest first, and 28
/// zeros; each two 64-bit outputs give `u` in (0, 1] and `v` in [0, 1) from their upper 53 bits, and by Box and Muller
/// the numbers `sqrt(-2 ln u) cos(2 pi v)` and `sqrt(-2 ln u) sin(2 pi v)`, computed in 64 bits by the `libm`
/// crate, not by the platform, and rounded to 32. They fill the latents channel by channel, row by row.
pub(crate) fn noise(seed: Seed, count: usize) -> Vec<f32> {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&seed.0.to_le_bytes());
    let mut random = ChaCha12Rng::from_seed(key);
    let mut numbers: Vec<f32> =
        std::iter::repeat_with(|| pair(&mut random)).take(count.div_ceil(2)).flatten().collect();
    numbers.truncate(count);
    numbers
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to 32 bits is meant")]
fn pair(random: &mut ChaCha12Rng) -> [f32; 2] {
    let u = 1.0 - unit(random.next_u64());
    let angle = TAU * unit(random.next_u64());
    let radius = libm::sqrt(-2.0 * libm::log(u));
    [(radius * libm::cos(angle)) as f32, (radius * libm::sin(angle)) as f32]
}

/// The upper 53 bits as a number in [0, 1): every one of them is exact.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_of_a_seed_never_changes() {
        let noise = noise(Seed(42), 4);
        assert_eq!(noise, [0.563_841_16, 0.901_917_93, -0.584_004_3, -1.374_545_1]);
    }

    #[test]
    fn the_noise_is_standard_normal() {
        let noise = noise(Seed(7), 100_001);
        assert_eq!(noise.len(), 100_001);
        let mean = noise.iter().map(|x| f64::from(*x)).sum::<f64>() / 100_001.0;
        let variance = noise.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / 100_001.0;
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "mean {mean}, variance {variance}");
    }
}
