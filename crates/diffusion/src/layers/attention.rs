//! Attention with several heads.

use super::Linear;
use super::product::{Bias, product};
use candle_core::{D, Result, Tensor};
use candle_nn::{VarBuilder, ops::softmax_last_dim};

/// The most scores that are held at a time: beyond that the queries are taken in slices.
const SCORES: usize = 32 * 1024 * 1024;

/// Attention of a picture's pixels to themselves or to the prompt.
#[derive(Debug)]
pub(crate) struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    heads: usize,
}

impl Attention {
    /// Attention as the UNet has it: no bias but at the end.
    pub(super) fn load(weights: &VarBuilder<'_>, width: usize, context: usize, heads: usize) -> Result<Self> {
        Ok(Self {
            query: Linear::load_without_bias(&weights.pp("to_q"), width, width)?,
            key: Linear::load_without_bias(&weights.pp("to_k"), context, width)?,
            value: Linear::load_without_bias(&weights.pp("to_v"), context, width)?,
            out: Linear::load(&weights.pp("to_out.0"), width, width)?,
            heads,
        })
    }

    /// Attention as the VAE has it: one head, biases, and other names in folders written before 2023.
    pub(crate) fn load_of_vae(weights: &VarBuilder<'_>, width: usize) -> Result<Self> {
        let names = if weights.contains_tensor("query.weight") {
            ["query", "key", "value", "proj_attn"]
        } else {
            ["to_q", "to_k", "to_v", "to_out.0"]
        };
        let [query, key, value, out] = names.map(|name| Linear::load(&weights.pp(name), width, width));
        Ok(Self { query: query?, key: key?, value: value?, out: out?, heads: 1 })
    }

    /// `x` of shape batch, pixels, width; `context` likewise.
    pub(crate) fn forward(&self, x: &Tensor, context: &Tensor) -> Result<Tensor> {
        let attended = attend(
            &self.query.forward(x)?,
            &self.key.forward(context)?,
            &self.value.forward(context)?,
            self.heads,
            None,
        )?;
        self.out.forward(&attended)
    }
}

/// Scaled dot-product attention. `mask` is added to the scores.
pub(crate) fn attend(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    heads: usize,
    mask: Option<&Tensor>,
) -> Result<Tensor> {
    let (batch, queries, width) = q.dims3()?;
    let scale = 1.0 / ((width / heads) as f64).sqrt();
    let q = (split(q, heads)? * scale)?;
    let k = split(k, heads)?.transpose(D::Minus2, D::Minus1)?;
    let v = split(v, heads)?;
    let slice = (SCORES / (batch * heads * k.dim(D::Minus1)?).max(1)).clamp(1, queries);
    let slices: Vec<Tensor> = (0..queries)
        .step_by(slice)
        .map(|from| {
            let scores = product(&q.narrow(2, from, slice.min(queries - from))?, &k, Bias::None)?;
            let scores = mask.map_or(Ok(scores.clone()), |mask| scores.broadcast_add(mask))?;
            product(&softmax_last_dim(&scores)?, &v, Bias::None)
        })
        .collect::<Result<_>>()?;
    let out = if slices.len() == 1 { slices[0].clone() } else { Tensor::cat(&slices, 2)? };
    out.transpose(1, 2)?.reshape((batch, queries, width))
}

/// From batch, tokens, width to batch, heads, tokens, width of a head.
fn split(x: &Tensor, heads: usize) -> Result<Tensor> {
    let (batch, tokens, width) = x.dims3()?;
    x.reshape((batch, tokens, heads, width / heads))?.transpose(1, 2)
}
