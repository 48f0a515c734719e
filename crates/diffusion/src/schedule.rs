//! The way from noise to a picture as plain numbers: which steps are taken, and how each blends what is with what the
//! UNet says. DDIM and Euler are linear in both, so that a schedule is data.

mod ddim;
mod euler;
mod training;

use crate::config::{Sampler, SchedulerConfig};

/// A blend of the latents as they are and the UNet's output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Blend {
    pub(crate) latents: f64,
    pub(crate) output: f64,
}

impl Blend {
    fn scaled(self, factor: f64) -> Self {
        Self { latents: self.latents * factor, output: self.output * factor }
    }

    fn plus(self, other: Self) -> Self {
        Self { latents: self.latents + other.latents, output: self.output + other.output }
    }
}

/// One step of a schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Step {
    /// The training step, which the UNet is told.
    pub(crate) timestep: f64,
    /// What the latents are multiplied with for the UNet.
    pub(crate) input_scale: f64,
    /// The latents of the next step.
    pub(crate) next: Blend,
    /// The picture as the UNet sees it from here.
    pub(crate) clean: Blend,
}

/// A whole way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Schedule {
    /// What the noise is multiplied with.
    pub(crate) noise_scale: f64,
    pub(crate) steps: Vec<Step>,
}

impl Schedule {
    /// The way of `sampler` in `steps` steps, at least 1.
    pub(crate) fn new(config: &SchedulerConfig, sampler: Sampler, steps: u32) -> Self {
        match sampler {
            Sampler::Ddim => ddim::schedule(config, steps as usize),
            Sampler::Euler => euler::schedule(config, steps as usize),
        }
    }
}
