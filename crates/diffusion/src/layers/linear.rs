//! A linear layer: a product with a matrix of weights.

use super::product::{Bias, product};
use candle_core::{D, Result, Tensor};
use candle_nn::VarBuilder;

/// Weights of shape outputs, inputs, and perhaps a bias.
#[derive(Debug)]
pub(crate) struct Linear {
    weight: Tensor,
    bias: Option<Vec<f32>>,
}

impl Linear {
    pub(crate) fn load(weights: &VarBuilder<'_>, inputs: usize, outputs: usize) -> Result<Self> {
        let bias = Some(weights.get(outputs, "bias")?.to_vec1()?);
        Ok(Self { bias, ..Self::load_without_bias(weights, inputs, outputs)? })
    }

    pub(super) fn load_without_bias(weights: &VarBuilder<'_>, inputs: usize, outputs: usize) -> Result<Self> {
        Ok(Self { weight: weights.get((outputs, inputs), "weight")?, bias: None })
    }

    /// A 1 x 1 convolution, applied to rows of channels.
    pub(super) fn load_convolution(weights: &VarBuilder<'_>, width: usize) -> Result<Self> {
        let weight = weights.get((width, width, 1, 1), "weight")?.reshape((width, width))?;
        Ok(Self { weight, bias: Some(weights.get(width, "bias")?.to_vec1()?) })
    }

    /// `x` of shape .., inputs.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut dims = x.dims().to_vec();
        let rows = x.reshape(((), x.dim(D::Minus1)?))?;
        let bias = self.bias.as_deref().map_or(Bias::None, Bias::Columns);
        let out = product(&rows, &self.weight.t()?, bias)?;
        if let Some(width) = dims.last_mut() {
            *width = out.dim(1)?;
        }
        out.reshape(dims)
    }
}
