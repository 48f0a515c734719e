//! `UNet2DConditionModel`: from noisy latents, a time and a prompt to what the scheduler blends in.

mod block;
mod time;

use crate::config::{UnetBlock, UnetConfig};
use crate::layers::{Conv2d, GroupNorm, Resnet, ResnetShape, SpatialTransformer, TransformerShape};
use block::Block;
use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;
use time::TimeEmbedding;

/// The network that takes the noise out.
#[derive(Debug)]
pub(crate) struct Unet {
    time: TimeEmbedding,
    conv_in: Conv2d,
    down: Vec<Block>,
    middle: Middle,
    up: Vec<Block>,
    norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Unet {
    pub(crate) fn load(weights: &VarBuilder<'_>, config: &UnetConfig) -> Result<Self> {
        let (first, groups) = (config.blocks[0].channels, config.norm_groups);
        Ok(Self {
            time: TimeEmbedding::load(&weights.pp("time_embedding"), config)?,
            conv_in: Conv2d::load(&weights.pp("conv_in"), config.in_channels, first, 3)?,
            down: (0..config.blocks.len())
                .map(|i| Block::load_down(weights, config, i))
                .collect::<Result<_>>()?,
            middle: Middle::load(&weights.pp("mid_block"), config)?,
            up: (0..config.blocks.len())
                .map(|i| Block::load_up(weights, config, i))
                .collect::<Result<_>>()?,
            norm_out: GroupNorm::load(&weights.pp("conv_norm_out"), first, groups, config.norm_eps)?,
            conv_out: Conv2d::load(&weights.pp("conv_out"), first, config.out_channels, 3)?,
        })
    }

    /// `latents` of shape batch, channels, height, width; `prompt` of batch, tokens, width; one `timestep` for all.
    pub(crate) fn forward(&self, latents: &Tensor, timestep: f64, prompt: &Tensor) -> Result<Tensor> {
        let time = self.time.forward(timestep)?;
        let mut x = self.conv_in.forward(latents)?;
        let mut carried = vec![x.clone()];
        for block in &self.down {
            x = block.forward_down(&x, &time, prompt, &mut carried)?;
        }
        x = self.middle.forward(&x, &time, prompt)?;
        for block in &self.up {
            x = block.forward_up(&x, &time, prompt, &mut carried)?;
        }
        self.conv_out.forward(&self.norm_out.forward_silu(&x)?)
    }
}

/// The lowest level: residual block, transformer, residual block.
#[derive(Debug)]
struct Middle {
    before: Resnet,
    transformer: SpatialTransformer,
    after: Resnet,
}

impl Middle {
    fn load(weights: &VarBuilder<'_>, config: &UnetConfig) -> Result<Self> {
        let Some(last) = config.blocks.last() else { bail!("a UNet without blocks") };
        let level =
            UnetBlock { transformer_layers: Some(last.transformer_layers.unwrap_or(1)), ..last.clone() };
        let resnet = |i: usize| {
            Resnet::load(
                &weights.pp(format!("resnets.{i}")),
                resnet_shape(config, level.channels, level.channels),
            )
        };
        Ok(Self {
            before: resnet(0)?,
            transformer: load_transformer(&weights.pp("attentions.0"), config, &level)?,
            after: resnet(1)?,
        })
    }

    fn forward(&self, x: &Tensor, time: &Tensor, prompt: &Tensor) -> Result<Tensor> {
        let x = self.before.forward(x, Some(time))?;
        let x = self.transformer.forward(&x, prompt)?;
        self.after.forward(&x, Some(time))
    }
}

fn resnet_shape(config: &UnetConfig, inputs: usize, outputs: usize) -> ResnetShape {
    let time = Some(config.blocks[0].channels * 4);
    ResnetShape { inputs, outputs, time, groups: config.norm_groups, eps: config.norm_eps }
}

fn load_transformer(
    weights: &VarBuilder<'_>,
    config: &UnetConfig,
    level: &UnetBlock,
) -> Result<SpatialTransformer> {
    let shape = TransformerShape {
        channels: level.channels,
        heads: level.heads,
        layers: level.transformer_layers.unwrap_or(1),
        context: config.cross_attention_dim,
        groups: config.norm_groups,
        linear_projection: config.linear_projection,
    };
    SpatialTransformer::load(weights, shape)
}
