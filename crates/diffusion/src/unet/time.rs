//! The time of a step as numbers: waves of many lengths, then two layers.

use crate::config::UnetConfig;
use crate::layers::Linear;
use candle_core::{Device, Result, Tensor};
use candle_nn::{VarBuilder, ops::silu};

#[derive(Debug)]
pub(super) struct TimeEmbedding {
    frequencies: Vec<f64>,
    cosine_first: bool,
    linear1: Linear,
    linear2: Linear,
}

impl TimeEmbedding {
    pub(super) fn load(weights: &VarBuilder<'_>, config: &UnetConfig) -> Result<Self> {
        let width = config.blocks[0].channels;
        let half = width / 2;
        let frequency = |i: usize| (-(10_000_f64.ln()) * i as f64 / (half as f64 - config.freq_shift)).exp();
        Ok(Self {
            frequencies: (0..half).map(frequency).collect(),
            cosine_first: config.flip_sin_to_cos,
            linear1: Linear::load(&weights.pp("linear_1"), width, width * 4)?,
            linear2: Linear::load(&weights.pp("linear_2"), width * 4, width * 4)?,
        })
    }

    /// One row, after the `silu` that every residual block begins with.
    pub(super) fn forward(&self, timestep: f64) -> Result<Tensor> {
        let angles = self.frequencies.iter().map(|frequency| frequency * timestep);
        #[expect(clippy::cast_possible_truncation, reason = "the network computes in 32 bits")]
        let (sines, cosines): (Vec<f32>, Vec<f32>) =
            angles.map(|angle| (angle.sin() as f32, angle.cos() as f32)).unzip();
        let waves = if self.cosine_first { [cosines, sines] } else { [sines, cosines] }.concat();
        let waves = Tensor::from_vec(waves, (1, self.frequencies.len() * 2), &Device::Cpu)?;
        silu(&self.linear2.forward(&silu(&self.linear1.forward(&waves)?)?)?)
    }
}
