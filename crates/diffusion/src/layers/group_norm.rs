//! Group normalisation in one pass over each group, with the `silu` that usually follows.

use super::numbers;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use candle_nn::VarBuilder;
use rayon::prelude::*;

/// Normalises groups of channels of each picture.
#[derive(Debug)]
pub(crate) struct GroupNorm {
    weight: Tensor,
    bias: Tensor,
    groups: usize,
    eps: f64,
}

impl GroupNorm {
    pub(crate) fn load(weights: &VarBuilder<'_>, channels: usize, groups: usize, eps: f64) -> Result<Self> {
        if !channels.is_multiple_of(groups) {
            bail!("norm_num_groups ({groups}) must divide {channels} channels");
        }
        Ok(Self {
            weight: weights.get(channels, "weight")?,
            bias: weights.get(channels, "bias")?,
            groups,
            eps,
        })
    }

    /// `x` of shape batch, channels, height, width.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.apply(x, false)
    }

    /// The same, followed by `silu`.
    pub(crate) fn forward_silu(&self, x: &Tensor) -> Result<Tensor> {
        self.apply(x, true)
    }

    fn apply(&self, x: &Tensor, silu: bool) -> Result<Tensor> {
        let normalise = Normalise { groups: self.groups, eps: self.eps, silu };
        x.contiguous()?.apply_op3_no_bwd(&self.weight, &self.bias, &normalise)
    }
}

struct Normalise {
    groups: usize,
    eps: f64,
    silu: bool,
}

impl Normalise {
    /// One group of one picture: `pixels` numbers for each of its channels.
    fn group(&self, out: &mut [f32], x: &[f32], weight: &[f32], bias: &[f32], pixels: usize) {
        let (mean, deviation) = self.moments(x);
        let channels = out.chunks_mut(pixels).zip(x.chunks(pixels));
        for ((out, x), (weight, bias)) in channels.zip(weight.iter().zip(bias)) {
            let scale = weight / deviation;
            let shift = bias - mean * scale;
            for (out, x) in out.iter_mut().zip(x) {
                let y = x * scale + shift;
                *out = if self.silu { y / (1.0 + (-y).exp()) } else { y };
            }
        }
    }

    /// Mean and standard deviation; summed in 64 bits, in an order that does not depend on the threads.
    #[expect(clippy::cast_possible_truncation, reason = "the result is 32 bits wide by design")]
    fn moments(&self, x: &[f32]) -> (f32, f32) {
        let count = x.len() as f64;
        let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
        let variance = x.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / count;
        (mean as f32, (variance + self.eps).sqrt() as f32)
    }
}

impl CustomOp3 for Normalise {
    fn name(&self) -> &'static str {
        "group-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, channels, height, width) = x_layout.shape().dims4()?;
        let (x, pixels, per_group) = (numbers(x, x_layout)?, height * width, channels / self.groups);
        let (weight, bias) = (numbers(weight, weight_layout)?, numbers(bias, bias_layout)?);
        let mut out = vec![0.0; x.len()];
        let size = per_group * pixels;
        out.par_chunks_mut(size).zip(x.par_chunks(size)).enumerate().for_each(|(i, (out, x))| {
            let first = i % self.groups * per_group;
            let own = first..first + per_group;
            self.group(out, x, &weight[own.clone()], &bias[own], pixels);
        });
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }
}
