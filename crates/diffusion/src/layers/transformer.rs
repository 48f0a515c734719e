//! The transformer between the UNet's residual blocks: pixels attend to each other and to the prompt.

use super::{Attention, GroupNorm, Linear, gelu::gated_gelu};
use candle_core::{Result, Tensor};
use candle_nn::{LayerNorm, Module, VarBuilder, layer_norm};

/// The dimensions of a transformer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TransformerShape {
    pub(crate) channels: usize,
    pub(crate) heads: usize,
    pub(crate) layers: usize,
    /// The width of the prompt's states.
    pub(crate) context: usize,
    pub(crate) groups: usize,
    /// Whether its outer projections are stored as matrices, not as 1 x 1 convolutions. They compute the same.
    pub(crate) linear_projection: bool,
}

/// Attends over the pixels of a picture.
#[derive(Debug)]
pub(crate) struct SpatialTransformer {
    norm: GroupNorm,
    project_in: Linear,
    blocks: Vec<Block>,
    project_out: Linear,
}

impl SpatialTransformer {
    pub(crate) fn load(weights: &VarBuilder<'_>, shape: TransformerShape) -> Result<Self> {
        let block = |i: usize| Block::load(&weights.pp(format!("transformer_blocks.{i}")), shape);
        Ok(Self {
            norm: GroupNorm::load(&weights.pp("norm"), shape.channels, shape.groups, 1e-6)?,
            project_in: projection(&weights.pp("proj_in"), shape)?,
            blocks: (0..shape.layers).map(block).collect::<Result<_>>()?,
            project_out: projection(&weights.pp("proj_out"), shape)?,
        })
    }

    /// `x` of shape batch, channels, height, width; `context` of batch, tokens, width.
    pub(crate) fn forward(&self, x: &Tensor, context: &Tensor) -> Result<Tensor> {
        let (batch, channels, height, width) = x.dims4()?;
        let pixels = self.norm.forward(x)?.flatten_from(2)?.transpose(1, 2)?.contiguous()?;
        let mut hidden = self.project_in.forward(&pixels)?;
        for block in &self.blocks {
            hidden = block.forward(&hidden, context)?;
        }
        let out = self.project_out.forward(&hidden)?.transpose(1, 2)?;
        out.reshape((batch, channels, height, width))? + x
    }
}

fn projection(weights: &VarBuilder<'_>, shape: TransformerShape) -> Result<Linear> {
    if shape.linear_projection {
        Linear::load(weights, shape.channels, shape.channels)
    } else {
        Linear::load_convolution(weights, shape.channels)
    }
}

/// Attention to itself, attention to the prompt, feed-forward.
#[derive(Debug)]
struct Block {
    norm1: LayerNorm,
    own: Attention,
    norm2: LayerNorm,
    prompt: Attention,
    norm3: LayerNorm,
    gate: Linear,
    out: Linear,
}

impl Block {
    fn load(weights: &VarBuilder<'_>, shape: TransformerShape) -> Result<Self> {
        let width = shape.channels;
        let norm = |name: &str| layer_norm(width, 1e-5, weights.pp(name));
        Ok(Self {
            norm1: norm("norm1")?,
            own: Attention::load(&weights.pp("attn1"), width, width, shape.heads)?,
            norm2: norm("norm2")?,
            prompt: Attention::load(&weights.pp("attn2"), width, shape.context, shape.heads)?,
            norm3: norm("norm3")?,
            gate: Linear::load(&weights.pp("ff.net.0.proj"), width, width * 8)?,
            out: Linear::load(&weights.pp("ff.net.2"), width * 4, width)?,
        })
    }

    fn forward(&self, x: &Tensor, context: &Tensor) -> Result<Tensor> {
        let normed = self.norm1.forward(x)?;
        let x = (self.own.forward(&normed, &normed)? + x)?;
        let x = (self.prompt.forward(&self.norm2.forward(&x)?, context)? + x)?;
        let gated = gated_gelu(&self.gate.forward(&self.norm3.forward(&x)?)?)?;
        self.out.forward(&gated)? + x
    }
}
