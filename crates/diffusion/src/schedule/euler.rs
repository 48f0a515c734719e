//! Euler's method on the probability flow (Karras et al., 2022, algorithm 2 without churn), as diffusers computes it.
//! Its latents are the picture plus `sigma` times the noise.

use super::{Blend, Schedule, Step, training};
use crate::config::{Prediction, SchedulerConfig, Spacing};

pub(super) fn schedule(config: &SchedulerConfig, steps: usize) -> Schedule {
    let sigmas: Vec<f64> = training::signal(config).iter().map(|a| ((1.0 - a) / a).sqrt()).collect();
    let timesteps = training::timesteps(config, steps);
    let at: Vec<f64> = timesteps.iter().map(|t| between(&sigmas, *t)).collect();
    let most = at.iter().copied().fold(0.0, f64::max);
    let noise_scale = match config.spacing {
        Spacing::Linspace | Spacing::Trailing => most,
        Spacing::Leading => (most * most + 1.0).sqrt(),
    };
    let step = |i: usize| {
        let next = at.get(i + 1).copied().unwrap_or(0.0);
        step(config.prediction, timesteps[i], at[i], next)
    };
    Schedule { noise_scale, steps: (0..steps).map(step).collect() }
}

fn step(prediction: Prediction, timestep: f64, sigma: f64, next: f64) -> Step {
    let variance = sigma * sigma + 1.0;
    let clean = match prediction {
        Prediction::Epsilon => Blend { latents: 1.0, output: -sigma },
        Prediction::Velocity => Blend { latents: 1.0 / variance, output: -sigma / variance.sqrt() },
        Prediction::Sample => Blend { latents: 0.0, output: 1.0 },
    };
    // Along the line from the latents to the picture, by as much as the noise shrinks.
    let share = next / sigma;
    let next = Blend { latents: share, output: 0.0 }.plus(clean.scaled(1.0 - share));
    Step { timestep, input_scale: 1.0 / variance.sqrt(), next, clean }
}

/// The value at a place between two training steps.
fn between(values: &[f64], place: f64) -> f64 {
    let low = place.floor();
    let (a, b) = (values[low as usize], values[place.ceil() as usize]);
    a + (b - a) * (place - low)
}
