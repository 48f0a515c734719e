//! The training's noise: how much of the picture is left at each of its steps, and which of them a schedule takes.

use crate::config::{BetaSchedule, SchedulerConfig, Spacing};
use std::f64::consts::FRAC_PI_2;

/// For each training step, the share of the picture's variance that is left (`alphas_cumprod` in diffusers).
pub(super) fn signal(config: &SchedulerConfig) -> Vec<f64> {
    let n = config.train_steps;
    let even = |from: f64, to: f64, i: usize| from + (to - from) * i as f64 / (n.max(2) - 1) as f64;
    let beta = |i: usize| match config.beta_schedule {
        BetaSchedule::Linear => even(config.beta_start, config.beta_end, i),
        BetaSchedule::ScaledLinear => even(config.beta_start.sqrt(), config.beta_end.sqrt(), i).powi(2),
        BetaSchedule::SquaredCosine => {
            (1.0 - cosine((i + 1) as f64 / n as f64) / cosine(i as f64 / n as f64)).min(0.999)
        }
    };
    (0..n)
        .scan(1.0, |left, i| {
            *left *= 1.0 - beta(i);
            Some(*left)
        })
        .collect()
}

fn cosine(share: f64) -> f64 {
    ((share + 0.008) / 1.008 * FRAC_PI_2).cos().powi(2)
}

/// The training steps that `steps` steps take, from most noise to least. Whole numbers but for `linspace`.
pub(super) fn timesteps(config: &SchedulerConfig, steps: usize) -> Vec<f64> {
    let n = config.train_steps as f64;
    let last = n - 1.0;
    let at = |i: usize| match config.spacing {
        Spacing::Leading => ((steps - 1 - i) * (config.train_steps / steps) + config.steps_offset) as f64,
        Spacing::Trailing => (n - i as f64 * n / steps as f64).round_ties_even() - 1.0,
        Spacing::Linspace if steps == 1 => 0.0,
        Spacing::Linspace => last - last * i as f64 / (steps - 1) as f64,
    };
    (0..steps).map(|i| at(i).clamp(0.0, last)).collect()
}
