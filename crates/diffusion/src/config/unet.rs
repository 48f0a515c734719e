//! The dimensions of a `UNet2DConditionModel`.

use super::Config;
use crate::error::EngineResult;
use serde_json::json;

/// One level of the UNet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnetBlock {
    pub(crate) channels: usize,
    /// Layers of each of its transformers; none if the level has no attention.
    pub(crate) transformer_layers: Option<usize>,
    pub(crate) heads: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct UnetConfig {
    pub(crate) in_channels: usize,
    pub(crate) out_channels: usize,
    /// Latent pixels a side of the size it was trained at.
    pub(crate) sample_size: usize,
    pub(crate) blocks: Vec<UnetBlock>,
    pub(crate) layers_per_block: usize,
    pub(crate) cross_attention_dim: usize,
    pub(crate) norm_groups: usize,
    pub(crate) norm_eps: f64,
    pub(crate) flip_sin_to_cos: bool,
    pub(crate) freq_shift: f64,
    pub(crate) linear_projection: bool,
}

impl UnetConfig {
    pub(crate) fn read(config: &Config) -> EngineResult<Self> {
        refuse_other_unets(config)?;
        Ok(Self {
            in_channels: config.size_or("in_channels", 4)?,
            out_channels: config.size_or("out_channels", 4)?,
            sample_size: config.size("sample_size")?,
            blocks: blocks(config)?,
            layers_per_block: config.size_or("layers_per_block", 2)?,
            cross_attention_dim: config.size("cross_attention_dim")?,
            norm_groups: config.size_or("norm_num_groups", 32)?,
            norm_eps: config.float("norm_eps", 1e-5)?,
            flip_sin_to_cos: config.flag("flip_sin_to_cos", true)?,
            freq_shift: config.float("freq_shift", 0.0)?,
            linear_projection: config.flag("use_linear_projection", false)?,
        })
    }
}

fn blocks(config: &Config) -> EngineResult<Vec<UnetBlock>> {
    let channels = config.sizes("block_out_channels")?;
    let layers = config.size_per_block("transformer_layers_per_block", 1, channels.len())?;
    // diffusers calls the number of heads `attention_head_dim` in every model older than its `num_attention_heads`.
    let heads_key = if config.present("num_attention_heads").is_some() {
        "num_attention_heads"
    } else {
        "attention_head_dim"
    };
    let heads = config.size_per_block(heads_key, 8, channels.len())?;
    let down = config.texts("down_block_types")?;
    let up = config.texts("up_block_types")?;
    let expected_up: Vec<_> = down.iter().rev().map(|name| name.replace("Down", "Up")).collect();
    if down.len() != channels.len() || up != expected_up {
        return Err(
            config.bad("up_block_types", "down_block_types in reverse, one for each of block_out_channels")
        );
    }
    let block = |i: usize| {
        let transformer_layers = match down[i] {
            "CrossAttnDownBlock2D" => Some(layers[i]),
            "DownBlock2D" => None,
            other => {
                let what = format!("down_block_types holds {other}, which this engine can't do");
                return Err(config.unsupported(what, "take a model of the Stable Diffusion 1 or 2 family"));
            }
        };
        Ok(UnetBlock { channels: channels[i], transformer_layers, heads: heads[i] })
    };
    (0..channels.len()).map(block).collect()
}

fn refuse_other_unets(config: &Config) -> EngineResult<()> {
    if config.present("addition_embed_type").is_some() {
        return Err(config.unsupported(
            "addition_embed_type is set: a Stable Diffusion XL model",
            "take a model of the Stable Diffusion 1 or 2 family, such as SD-Turbo",
        ));
    }
    for absent in [
        "class_embed_type",
        "num_class_embeds",
        "encoder_hid_dim",
        "encoder_hid_dim_type",
        "time_cond_proj_dim",
    ] {
        config.only(absent, &[])?;
    }
    config.only("_class_name", &[json!("UNet2DConditionModel")])?;
    config.only("mid_block_type", &[json!("UNetMidBlock2DCrossAttn")])?;
    config.only("act_fn", &[json!("silu"), json!("swish")])?;
    config.only("time_embedding_type", &[json!("positional")])?;
    config.only("resnet_time_scale_shift", &[json!("default")])?;
    config.only("attention_type", &[json!("default")])?;
    for no in
        ["only_cross_attention", "dual_cross_attention", "center_input_sample", "class_embeddings_concat"]
    {
        config.only(no, &[json!(false)])?;
    }
    for one in ["downsample_padding", "mid_block_scale_factor", "resnet_out_scale_factor"] {
        config.only(one, &[json!(1), json!(1.0)])?;
    }
    config.only("conv_in_kernel", &[json!(3)])?;
    config.only("conv_out_kernel", &[json!(3)])
}
