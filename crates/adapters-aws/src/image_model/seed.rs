//! Our seeds as the models' own: theirs have narrower ranges.

use tintype_core::domain::Seed;

/// The largest seed of Stability's models.
const STABILITY_MAX: u32 = u32::MAX - 1;
/// The largest seed of Amazon's models.
const AMAZON_MAX: u32 = 2_147_483_646;

/// For Stability's models 0 means "draw one": a picture that can't be had again. The two of ours that they lack become
/// the two largest of theirs.
pub(super) const fn for_stability(seed: Seed) -> u32 {
    match seed.0 {
        0 => STABILITY_MAX,
        u32::MAX => STABILITY_MAX - 1,
        seed => seed,
    }
}

/// Amazon's models take 31 bits: larger seeds of ours start anew at 0.
pub(super) const fn for_amazon(seed: Seed) -> u32 {
    seed.0 % (AMAZON_MAX + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_stay_within_the_models_ranges() {
        assert_eq!(
            [0, 1, u32::MAX - 1, u32::MAX].map(|seed| for_stability(Seed(seed))),
            [u32::MAX - 1, 1, u32::MAX - 1, u32::MAX - 2]
        );
        assert_eq!([0, AMAZON_MAX, AMAZON_MAX + 1].map(|seed| for_amazon(Seed(seed))), [0, AMAZON_MAX, 0]);
    }
}
