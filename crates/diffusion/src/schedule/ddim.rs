//! Denoising diffusion implicit models without added noise (Song et al., 2020), as diffusers computes them.

use super::{Blend, Schedule, Step, training};
use crate::config::{Prediction, SchedulerConfig};

pub(super) fn schedule(config: &SchedulerConfig, steps: usize) -> Schedule {
    let signal = training::signal(config);
    let stride = config.train_steps / steps;
    let last = if config.set_alpha_to_one { 1.0 } else { signal[0] };
    let step = |timestep: f64| {
        let now = timestep.round_ties_even() as usize;
        let next = now.checked_sub(stride).map_or(last, |t| signal[t]);
        let (clean, noise) = parts(config.prediction, signal[now]);
        let next = clean.scaled(next.sqrt()).plus(noise.scaled((1.0 - next).sqrt()));
        Step { timestep: now as f64, input_scale: 1.0, next, clean }
    };
    Schedule { noise_scale: 1.0, steps: training::timesteps(config, steps).into_iter().map(step).collect() }
}

/// The picture and the noise in latents whose share of signal is `signal`.
fn parts(prediction: Prediction, signal: f64) -> (Blend, Blend) {
    let (s, n) = (signal.sqrt(), (1.0 - signal).sqrt());
    let blend = |latents, output| Blend { latents, output };
    match prediction {
        Prediction::Epsilon => (blend(1.0 / s, -n / s), blend(0.0, 1.0)),
        Prediction::Velocity => (blend(s, -n), blend(n, s)),
        Prediction::Sample => (blend(0.0, 1.0), blend(1.0 / n, -s / n)),
    }
}
