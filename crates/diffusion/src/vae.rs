//! The decoder of an `AutoencoderKL`: from latents to a picture.

use crate::config::VaeConfig;
use crate::layers::{Attention, Conv2d, GroupNorm, Resnet, ResnetShape};
use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;

const EPS: f64 = 1e-6;

#[derive(Debug)]
pub(crate) struct Decoder {
    scaling_factor: f64,
    post_quant: Option<Conv2d>,
    conv_in: Conv2d,
    middle: Middle,
    up: Vec<Level>,
    norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Decoder {
    pub(crate) fn load(weights: &VarBuilder<'_>, config: &VaeConfig) -> Result<Self> {
        let (latent, groups) = (config.latent_channels, config.norm_groups);
        let (Some(deepest), first) = (config.channels.last().copied(), config.channels[0]) else {
            bail!("a VAE without blocks")
        };
        let decoder = weights.pp("decoder");
        let post_quant = || Conv2d::load(&weights.pp("post_quant_conv"), latent, latent, 1);
        Ok(Self {
            scaling_factor: config.scaling_factor,
            post_quant: config.post_quant_conv.then(post_quant).transpose()?,
            conv_in: Conv2d::load(&decoder.pp("conv_in"), latent, deepest, 3)?,
            middle: Middle::load(&decoder.pp("mid_block"), config, deepest)?,
            up: (0..config.channels.len())
                .map(|i| Level::load(&decoder, config, i))
                .collect::<Result<_>>()?,
            norm_out: GroupNorm::load(&decoder.pp("conv_norm_out"), first, groups, EPS)?,
            conv_out: Conv2d::load(&decoder.pp("conv_out"), first, 3, 3)?,
        })
    }

    /// Latents of shape batch, channels, height, width to pictures of batch, 3, height, width, from -1 to 1.
    pub(crate) fn decode(&self, latents: &Tensor) -> Result<Tensor> {
        let mut x = (latents / self.scaling_factor)?;
        if let Some(conv) = &self.post_quant {
            x = conv.forward(&x)?;
        }
        x = self.middle.forward(&self.conv_in.forward(&x)?)?;
        for level in &self.up {
            x = level.forward(&x)?;
        }
        self.conv_out.forward(&self.norm_out.forward_silu(&x)?)
    }
}

fn resnet(
    weights: &VarBuilder<'_>,
    config: &VaeConfig,
    i: usize,
    inputs: usize,
    outputs: usize,
) -> Result<Resnet> {
    let shape = ResnetShape { inputs, outputs, time: None, groups: config.norm_groups, eps: EPS };
    Resnet::load(&weights.pp(format!("resnets.{i}")), shape)
}

/// The lowest level: residual block, attention, residual block.
#[derive(Debug)]
struct Middle {
    before: Resnet,
    attention: Option<(GroupNorm, Attention)>,
    after: Resnet,
}

impl Middle {
    fn load(weights: &VarBuilder<'_>, config: &VaeConfig, channels: usize) -> Result<Self> {
        let attention = || {
            let weights = weights.pp("attentions.0");
            let norm = GroupNorm::load(&weights.pp("group_norm"), channels, config.norm_groups, EPS)?;
            Ok::<_, candle_core::Error>((norm, Attention::load_of_vae(&weights, channels)?))
        };
        Ok(Self {
            before: resnet(weights, config, 0, channels, channels)?,
            attention: config.mid_attention.then(attention).transpose()?,
            after: resnet(weights, config, 1, channels, channels)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = self.before.forward(x, None)?;
        if let Some((norm, attention)) = &self.attention {
            let pixels = norm.forward(&x)?.flatten_from(2)?.transpose(1, 2)?.contiguous()?;
            let attended = attention.forward(&pixels, &pixels)?.transpose(1, 2)?;
            x = (attended.reshape(x.shape())? + x)?;
        }
        self.after.forward(&x, None)
    }
}

/// A level of the way up, the deepest first.
#[derive(Debug)]
struct Level {
    resnets: Vec<Resnet>,
    double: Option<Conv2d>,
}

impl Level {
    fn load(decoder: &VarBuilder<'_>, config: &VaeConfig, step: usize) -> Result<Self> {
        let weights = decoder.pp(format!("up_blocks.{step}"));
        let level = config.channels.len() - 1 - step;
        let channels = config.channels[level];
        let below = config.channels.get(level + 1).copied().unwrap_or(channels);
        let layer = |i: usize| resnet(&weights, config, i, if i == 0 { below } else { channels }, channels);
        let double = || Conv2d::load(&weights.pp("upsamplers.0.conv"), channels, channels, 3);
        Ok(Self {
            resnets: (0..=config.layers_per_block).map(layer).collect::<Result<_>>()?,
            double: (level > 0).then(double).transpose()?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = x.clone();
        for resnet in &self.resnets {
            x = resnet.forward(&x, None)?;
        }
        let Some(conv) = &self.double else { return Ok(x) };
        let (_, _, height, width) = x.dims4()?;
        conv.forward(&x.upsample_nearest2d(height * 2, width * 2)?)
    }
}
