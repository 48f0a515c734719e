//! `CLIPTextModel`: from token ids to a state for each, which the UNet attends to.

use crate::config::{Activation, TextEncoderConfig};
use crate::layers::{Linear, attend, gelu};
use candle_core::{Device, Result, Tensor};
use candle_nn::{Embedding, LayerNorm, Module, VarBuilder, embedding, layer_norm, ops::sigmoid};

#[derive(Debug)]
pub(crate) struct TextEncoder {
    tokens: Embedding,
    /// One row for each position.
    positions: Tensor,
    layers: Vec<Layer>,
    norm: LayerNorm,
    /// Added to the scores: a token does not see what follows it.
    mask: Tensor,
}

impl TextEncoder {
    pub(crate) fn load(weights: &VarBuilder<'_>, config: &TextEncoderConfig) -> Result<Self> {
        let named = weights.contains_tensor("text_model.final_layer_norm.weight");
        let weights = if named { weights.pp("text_model") } else { weights.clone() };
        let (embeddings, width) = (weights.pp("embeddings"), config.hidden_size);
        let layer = |i: usize| Layer::load(&weights.pp(format!("encoder.layers.{i}")), config);
        Ok(Self {
            tokens: embedding(config.vocabulary, width, embeddings.pp("token_embedding"))?,
            positions: embeddings.get((config.positions, width), "position_embedding.weight")?,
            layers: (0..config.layers).map(layer).collect::<Result<_>>()?,
            norm: layer_norm(width, config.norm_eps, weights.pp("final_layer_norm"))?,
            mask: causal_mask(config.positions)?,
        })
    }

    /// The states of one prompt, of shape 1, tokens, width. `ids` fills every position.
    pub(crate) fn forward(&self, ids: &[u32]) -> Result<Tensor> {
        let ids = Tensor::new(ids, &Device::Cpu)?;
        let mut x = (self.tokens.forward(&ids)? + &self.positions)?.unsqueeze(0)?;
        for layer in &self.layers {
            x = layer.forward(&x, &self.mask)?;
        }
        self.norm.forward(&x)
    }
}

fn causal_mask(positions: usize) -> Result<Tensor> {
    let hidden = |row: usize, column: usize| if column > row { f32::NEG_INFINITY } else { 0.0 };
    let cells = (0..positions).flat_map(|row| (0..positions).map(move |column| hidden(row, column)));
    Tensor::from_iter(cells, &Device::Cpu)?.reshape((positions, positions))
}

#[derive(Debug)]
struct Layer {
    norm1: LayerNorm,
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    norm2: LayerNorm,
    linear1: Linear,
    linear2: Linear,
    activation: Activation,
    heads: usize,
}

impl Layer {
    fn load(weights: &VarBuilder<'_>, config: &TextEncoderConfig) -> Result<Self> {
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let norm = |name: &str| layer_norm(width, config.norm_eps, weights.pp(name));
        let attention = |name: &str| Linear::load(&weights.pp("self_attn").pp(name), width, width);
        Ok(Self {
            norm1: norm("layer_norm1")?,
            query: attention("q_proj")?,
            key: attention("k_proj")?,
            value: attention("v_proj")?,
            out: attention("out_proj")?,
            norm2: norm("layer_norm2")?,
            linear1: Linear::load(&weights.pp("mlp.fc1"), width, inner)?,
            linear2: Linear::load(&weights.pp("mlp.fc2"), inner, width)?,
            activation: config.activation,
            heads: config.heads,
        })
    }

    fn forward(&self, x: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let normed = self.norm1.forward(x)?;
        let (q, k, v) =
            (self.query.forward(&normed)?, self.key.forward(&normed)?, self.value.forward(&normed)?);
        let x = (self.out.forward(&attend(&q, &k, &v, self.heads, Some(mask))?)? + x)?;
        let hidden = self.linear1.forward(&self.norm2.forward(&x)?)?;
        let hidden = match self.activation {
            Activation::QuickGelu => (sigmoid(&(&hidden * 1.702)?)? * hidden)?,
            Activation::Gelu => gelu(&hidden)?,
        };
        self.linear2.forward(&hidden)? + x
    }
}
