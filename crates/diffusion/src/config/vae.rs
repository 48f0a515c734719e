//! The dimensions of an `AutoencoderKL`.

use super::Config;
use crate::error::EngineResult;
use serde_json::json;

#[derive(Clone, Debug)]
pub(crate) struct VaeConfig {
    pub(crate) latent_channels: usize,
    pub(crate) channels: Vec<usize>,
    pub(crate) layers_per_block: usize,
    pub(crate) norm_groups: usize,
    pub(crate) scaling_factor: f64,
    pub(crate) post_quant_conv: bool,
    pub(crate) mid_attention: bool,
}

impl VaeConfig {
    pub(crate) fn read(config: &Config) -> EngineResult<Self> {
        config.only("_class_name", &[json!("AutoencoderKL")])?;
        config.only("act_fn", &[json!("silu"), json!("swish")])?;
        config.only("in_channels", &[json!(3)])?;
        config.only("out_channels", &[json!(3)])?;
        for absent in ["latents_mean", "latents_std", "shift_factor"] {
            config.only(absent, &[json!(0.0)])?;
        }
        let vae = Self {
            latent_channels: config.size_or("latent_channels", 4)?,
            channels: config.sizes("block_out_channels")?,
            layers_per_block: config.size_or("layers_per_block", 1)?,
            norm_groups: config.size_or("norm_num_groups", 32)?,
            scaling_factor: config.float("scaling_factor", 0.18215)?,
            post_quant_conv: config.flag("use_post_quant_conv", true)?,
            mid_attention: config.flag("mid_block_add_attention", true)?,
        };
        if vae.scaling_factor > 0.0 { Ok(vae) } else { Err(config.bad("scaling_factor", "above 0")) }
    }

    /// Pixels a side of one latent pixel.
    pub(crate) fn scale(&self) -> usize {
        1 << (self.channels.len() - 1)
    }
}
