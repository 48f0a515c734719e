//! The residual block of the UNet and the VAE.

use super::{Conv2d, GroupNorm, Linear};
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

/// The dimensions of a residual block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResnetShape {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// The width of the time embedding; none in the VAE.
    pub(crate) time: Option<usize>,
    pub(crate) groups: usize,
    pub(crate) eps: f64,
}

/// Two convolutions around which the input is carried.
#[derive(Debug)]
pub(crate) struct Resnet {
    norm1: GroupNorm,
    conv1: Conv2d,
    time: Option<Linear>,
    norm2: GroupNorm,
    conv2: Conv2d,
    shortcut: Option<Conv2d>,
}

impl Resnet {
    pub(crate) fn load(weights: &VarBuilder<'_>, shape: ResnetShape) -> Result<Self> {
        let ResnetShape { inputs, outputs, time, groups, eps } = shape;
        Ok(Self {
            norm1: GroupNorm::load(&weights.pp("norm1"), inputs, groups, eps)?,
            conv1: Conv2d::load(&weights.pp("conv1"), inputs, outputs, 3)?,
            time: time.map(|width| Linear::load(&weights.pp("time_emb_proj"), width, outputs)).transpose()?,
            norm2: GroupNorm::load(&weights.pp("norm2"), outputs, groups, eps)?,
            conv2: Conv2d::load(&weights.pp("conv2"), outputs, outputs, 3)?,
            shortcut: (inputs != outputs)
                .then(|| Conv2d::load(&weights.pp("conv_shortcut"), inputs, outputs, 1))
                .transpose()?,
        })
    }

    /// `time` is the time embedding after `silu`, one row for the whole batch.
    pub(crate) fn forward(&self, x: &Tensor, time: Option<&Tensor>) -> Result<Tensor> {
        let mut hidden = self.conv1.forward(&self.norm1.forward_silu(x)?)?;
        if let (Some(layer), Some(time)) = (&self.time, time) {
            let shift = layer.forward(time)?;
            hidden = hidden.broadcast_add(&shift.reshape((1, (), 1, 1))?)?;
        }
        let hidden = self.conv2.forward(&self.norm2.forward_silu(&hidden)?)?;
        match &self.shortcut {
            Some(shortcut) => shortcut.forward(x)? + hidden,
            None => x + hidden,
        }
    }
}
