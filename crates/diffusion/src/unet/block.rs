//! One level of the UNet, on its way down or up.

use super::{load_transformer, resnet_shape};
use crate::config::UnetConfig;
use crate::layers::{Conv2d, Resnet, SpatialTransformer};
use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;

#[derive(Debug)]
pub(super) struct Block {
    layers: Vec<Layer>,
    /// To the next level's size; none at the last.
    resize: Option<Conv2d>,
}

#[derive(Debug)]
struct Layer {
    resnet: Resnet,
    transformer: Option<SpatialTransformer>,
}

impl Layer {
    fn forward(&self, x: &Tensor, time: &Tensor, prompt: &Tensor) -> Result<Tensor> {
        let x = self.resnet.forward(x, Some(time))?;
        self.transformer.as_ref().map_or(Ok(x.clone()), |transformer| transformer.forward(&x, prompt))
    }
}

impl Block {
    pub(super) fn load_down(weights: &VarBuilder<'_>, config: &UnetConfig, level: usize) -> Result<Self> {
        let weights = weights.pp(format!("down_blocks.{level}"));
        let channels = config.blocks[level].channels;
        let before = config.blocks[level.saturating_sub(1)].channels;
        let inputs = (0..config.layers_per_block).map(|i| if i == 0 { before } else { channels });
        let half = || Conv2d::load_half(&weights.pp("downsamplers.0.conv"), channels);
        Ok(Self {
            layers: load_layers(&weights, config, level, inputs)?,
            resize: (level + 1 < config.blocks.len()).then(half).transpose()?,
        })
    }

    /// `step` counts from the lowest level up.
    pub(super) fn load_up(weights: &VarBuilder<'_>, config: &UnetConfig, step: usize) -> Result<Self> {
        let weights = weights.pp(format!("up_blocks.{step}"));
        let level = config.blocks.len() - 1 - step;
        let channels = config.blocks[level].channels;
        let below = config.blocks.get(level + 1).map_or(channels, |block| block.channels);
        let above = config.blocks[level.saturating_sub(1)].channels;
        // Each layer also takes what a layer of the way down left: the last one what came into that level.
        let inputs = (0..=config.layers_per_block).map(|i| {
            let own = if i == 0 { below } else { channels };
            own + if i == config.layers_per_block { above } else { channels }
        });
        let double = || Conv2d::load(&weights.pp("upsamplers.0.conv"), channels, channels, 3);
        Ok(Self {
            layers: load_layers(&weights, config, level, inputs)?,
            resize: (level > 0).then(double).transpose()?,
        })
    }

    pub(super) fn forward_down(
        &self,
        x: &Tensor,
        time: &Tensor,
        prompt: &Tensor,
        carried: &mut Vec<Tensor>,
    ) -> Result<Tensor> {
        let mut x = x.clone();
        for layer in &self.layers {
            x = layer.forward(&x, time, prompt)?;
            carried.push(x.clone());
        }
        if let Some(half) = &self.resize {
            x = half.forward(&x)?;
            carried.push(x.clone());
        }
        Ok(x)
    }

    pub(super) fn forward_up(
        &self,
        x: &Tensor,
        time: &Tensor,
        prompt: &Tensor,
        carried: &mut Vec<Tensor>,
    ) -> Result<Tensor> {
        let mut x = x.clone();
        for layer in &self.layers {
            let Some(skip) = carried.pop() else { bail!("the way up is longer than the way down") };
            x = layer.forward(&Tensor::cat(&[&x, &skip], 1)?, time, prompt)?;
        }
        let Some(conv) = &self.resize else { return Ok(x) };
        // What the next level carries tells its size, which is odd for sizes that don't halve evenly.
        let Some((_, _, height, width)) = carried.last().map(Tensor::dims4).transpose()? else {
            bail!("the way up is longer than the way down")
        };
        conv.forward(&x.upsample_nearest2d(height, width)?)
    }
}

fn load_layers(
    weights: &VarBuilder<'_>,
    config: &UnetConfig,
    level: usize,
    inputs: impl Iterator<Item = usize>,
) -> Result<Vec<Layer>> {
    let block = &config.blocks[level];
    let layer = |(i, inputs): (usize, usize)| {
        let shape = resnet_shape(config, inputs, block.channels);
        let transformer = || load_transformer(&weights.pp(format!("attentions.{i}")), config, block);
        Ok(Layer {
            resnet: Resnet::load(&weights.pp(format!("resnets.{i}")), shape)?,
            transformer: block.transformer_layers.is_some().then(transformer).transpose()?,
        })
    };
    inputs.enumerate().map(layer).collect()
}
