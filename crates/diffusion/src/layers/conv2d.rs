//! Convolution as one matrix product for the whole batch. Candle's own turns the weights over in every call and
//! multiplies picture by picture, which costs a small model half of its time.

use super::numbers;
use super::product::{Bias, product};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use candle_nn::VarBuilder;
use rayon::prelude::*;
use std::ops::Range;

/// The most numbers that are unfolded at a time: beyond that the rows of the picture are taken in bands.
const UNFOLDED: usize = 8 * 1024 * 1024;

/// A square convolution with a bias, of odd size, with zeros around the picture.
#[derive(Debug)]
pub(crate) struct Conv2d {
    /// Output channels by unfolded inputs.
    weight: Tensor,
    bias: Vec<f32>,
    kernel: usize,
    stride: usize,
}

impl Conv2d {
    /// A convolution that keeps the size.
    pub(crate) fn load(
        weights: &VarBuilder<'_>,
        inputs: usize,
        outputs: usize,
        kernel: usize,
    ) -> Result<Self> {
        Self::load_strided(weights, inputs, outputs, kernel, 1)
    }

    /// A convolution that halves the size.
    pub(crate) fn load_half(weights: &VarBuilder<'_>, channels: usize) -> Result<Self> {
        Self::load_strided(weights, channels, channels, 3, 2)
    }

    fn load_strided(
        weights: &VarBuilder<'_>,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
    ) -> Result<Self> {
        let weight = weights.get((outputs, inputs, kernel, kernel), "weight")?;
        let weight = weight.reshape((outputs, inputs * kernel * kernel))?;
        let bias = weights.get(outputs, "bias")?.to_vec1()?;
        Ok(Self { weight, bias, kernel, stride })
    }

    /// `x` of shape batch, channels, height, width.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, channels, height, width) = x.dims4()?;
        let x = x.contiguous()?;
        let (out_height, out_width) = (self.out_size(height), self.out_size(width));
        let row = (batch * channels * self.kernel * self.kernel * out_width).max(1);
        let band = (UNFOLDED / row).clamp(1, out_height.max(1));
        let bands: Vec<Tensor> = (0..out_height)
            .step_by(band)
            .map(|from| self.band(&x, from..(from + band).min(out_height), out_width))
            .collect::<Result<_>>()?;
        let out = if bands.len() == 1 { bands[0].clone() } else { Tensor::cat(&bands, 2)? };
        out.transpose(0, 1)?.contiguous()
    }

    /// Some rows of the output, of shape channels, batch, rows, width.
    fn band(&self, x: &Tensor, rows: Range<usize>, width: usize) -> Result<Tensor> {
        let shape = (self.weight.dim(0)?, x.dim(0)?, rows.len(), width);
        let before = self.kernel / 2;
        let unfold = Unfold { kernel: self.kernel, stride: self.stride, before, rows, width };
        product(&self.weight, &x.apply_op1_no_bwd(&unfold)?, Bias::Rows(&self.bias))?.reshape(shape)
    }

    fn out_size(&self, size: usize) -> usize {
        (size + self.kernel / 2 * 2 - self.kernel) / self.stride + 1
    }
}

/// Lays out, for each pixel of some output rows, the inputs its kernel covers: a matrix of channels and places in the
/// kernel by pictures and pixels.
struct Unfold {
    kernel: usize,
    stride: usize,
    /// Zeros above and to the left.
    before: usize,
    rows: Range<usize>,
    width: usize,
}

impl Unfold {
    /// One row of the matrix: every pixel's input at place `ky`, `kx` of the kernel, from one channel of one picture.
    fn place(&self, out: &mut [f32], x: &[f32], (ky, kx): (usize, usize), width: usize) {
        let height = x.len() / width;
        for (out, row) in out.chunks_mut(self.width).zip(self.rows.clone()) {
            let y = (row * self.stride + ky).wrapping_sub(self.before);
            if y < height {
                self.line(out, &x[y * width..(y + 1) * width], kx);
            }
        }
    }

    fn line(&self, out: &mut [f32], x: &[f32], kx: usize) {
        if self.stride == 1 {
            let skip = self.before.saturating_sub(kx);
            let from = kx.saturating_sub(self.before);
            let count = (out.len() - skip.min(out.len())).min(x.len() - from.min(x.len()));
            out[skip..skip + count].copy_from_slice(&x[from..from + count]);
            return;
        }
        for (column, out) in out.iter_mut().enumerate() {
            if let Some(x) = x.get((column * self.stride + kx).wrapping_sub(self.before)) {
                *out = *x;
            }
        }
    }
}

impl CustomOp1 for Unfold {
    fn name(&self) -> &'static str {
        "unfold"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = layout.shape().dims4()?;
        let x = numbers(storage, layout)?;
        let (places, pixels) = (self.kernel * self.kernel, self.rows.len() * self.width);
        let mut out = vec![0.0; channels * places * batch * pixels];
        out.par_chunks_mut(batch * pixels).enumerate().with_min_len(16).for_each(|(i, out)| {
            let (channel, place) = (i / places, i % places);
            for (picture, out) in out.chunks_mut(pixels).enumerate() {
                let from = (picture * channels + channel) * height * width;
                self.place(
                    out,
                    &x[from..from + height * width],
                    (place / self.kernel, place % self.kernel),
                    width,
                );
            }
        });
        Ok((CpuStorage::F32(out), (channels * places, batch * pixels).into()))
    }
}
