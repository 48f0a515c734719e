//! The dimensions of a `CLIPTextModel`.

use super::Config;
use crate::error::EngineResult;
use serde_json::json;

/// The non-linearity between the two layers of a feed-forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activation {
    /// `x * sigmoid(1.702 x)`: OpenAI's models.
    QuickGelu,
    /// By the error function: OpenCLIP's models, which Stable Diffusion 2 uses.
    Gelu,
}

#[derive(Clone, Debug)]
pub(crate) struct TextEncoderConfig {
    pub(crate) vocabulary: usize,
    pub(crate) hidden_size: usize,
    pub(crate) intermediate_size: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    /// Tokens of every prompt, the two that mark its ends included.
    pub(crate) positions: usize,
    pub(crate) norm_eps: f64,
    pub(crate) activation: Activation,
}

impl TextEncoderConfig {
    pub(crate) fn read(config: &Config) -> EngineResult<Self> {
        config.only("model_type", &[json!("clip_text_model")])?;
        let activation = match config.text("hidden_act") {
            Some("quick_gelu") | None => Activation::QuickGelu,
            Some("gelu") => Activation::Gelu,
            Some(other) => {
                let what = format!("hidden_act is {other}, which this engine can't do");
                return Err(config.unsupported(what, "take a CLIP text encoder with gelu or quick_gelu"));
            }
        };
        let encoder = Self {
            vocabulary: config.size("vocab_size")?,
            hidden_size: config.size("hidden_size")?,
            intermediate_size: config.size("intermediate_size")?,
            layers: config.size("num_hidden_layers")?,
            heads: config.size("num_attention_heads")?,
            positions: config.size("max_position_embeddings")?,
            norm_eps: config.float("layer_norm_eps", 1e-5)?,
            activation,
        };
        let whole = encoder.hidden_size.is_multiple_of(encoder.heads) && encoder.positions >= 3;
        if whole { Ok(encoder) } else { Err(config.bad("num_attention_heads", "a divisor of hidden_size")) }
    }
}
