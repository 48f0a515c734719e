//! A `config.json` of a diffusers folder, read by key. A value the engine can't do is refused by its name.

mod scheduler;
mod text_encoder;
mod unet;
mod vae;

pub(crate) use scheduler::{BetaSchedule, Prediction, Sampler, SchedulerConfig, Spacing};
pub(crate) use text_encoder::{Activation, TextEncoderConfig};
pub(crate) use unet::{UnetBlock, UnetConfig};
pub(crate) use vae::VaeConfig;

use crate::error::{EngineError, EngineResult};
use crate::folder::Folder;
use serde_json::Value;

/// The configurations of a whole pipeline.
#[derive(Clone, Debug)]
pub(crate) struct PipelineConfig {
    pub(crate) text_encoder: TextEncoderConfig,
    pub(crate) unet: UnetConfig,
    pub(crate) vae: VaeConfig,
    pub(crate) scheduler: SchedulerConfig,
}

impl PipelineConfig {
    /// Reads every configuration of `folder`, and none of its weights.
    pub(crate) fn read(folder: &Folder) -> EngineResult<Self> {
        refuse_other_pipelines(&Config::read(folder, "model_index.json")?)?;
        let config = Self {
            text_encoder: TextEncoderConfig::read(&Config::read(folder, "text_encoder/config.json")?)?,
            unet: UnetConfig::read(&Config::read(folder, "unet/config.json")?)?,
            vae: VaeConfig::read(&Config::read(folder, "vae/config.json")?)?,
            scheduler: SchedulerConfig::read(&Config::read(folder, "scheduler/scheduler_config.json")?)?,
        };
        config.refuse_unfitting_parts()?;
        Ok(config)
    }

    fn refuse_unfitting_parts(&self) -> EngineResult<()> {
        let (unet, vae) = (self.unet.in_channels, self.vae.latent_channels);
        if unet != vae || self.unet.out_channels != vae {
            return Err(EngineError::Unsupported {
                file: "unet/config.json".to_owned(),
                what: format!(
                    "in_channels is {unet} where the VAE has {vae} latent channels: made for inpainting or editing"
                ),
                hint: "take the text-to-image model it was made from",
            });
        }
        let (unet, text) = (self.unet.cross_attention_dim, self.text_encoder.hidden_size);
        if unet != text {
            let detail =
                format!("cross_attention_dim is {unet} where the text encoder's hidden_size is {text}");
            return Err(EngineError::BadConfig { file: "unet/config.json".to_owned(), detail });
        }
        Ok(())
    }
}

fn refuse_other_pipelines(index: &Config) -> EngineResult<()> {
    let two_encoders = index.present("text_encoder_2").is_some();
    if two_encoders {
        return Err(index.unsupported(
            "two text encoders: a Stable Diffusion XL or 3 model",
            "take a model of the Stable Diffusion 1 or 2 family, such as SD-Turbo",
        ));
    }
    if index.present("transformer").is_some() {
        return Err(index.unsupported(
            "a transformer in place of a UNet",
            "take a model of the Stable Diffusion 1 or 2 family, such as SD-Turbo",
        ));
    }
    Ok(())
}

/// One JSON file, which knows its name for what it says of its errors.
#[derive(Debug)]
pub(crate) struct Config {
    file: String,
    value: Value,
}

impl Config {
    pub(crate) fn read(folder: &Folder, file: &str) -> EngineResult<Self> {
        let bytes = folder.read(file)?;
        let value = serde_json::from_slice(&bytes).map_err(|error| EngineError::BadConfig {
            file: file.to_owned(),
            detail: format!("is not JSON: {error}"),
        })?;
        Ok(Self { file: file.to_owned(), value })
    }

    /// The value of `key`; `null`, and `[null, null]` in a model_index.json, are none.
    fn present(&self, key: &str) -> Option<&Value> {
        let empty = |value: &Value| match value {
            Value::Null => true,
            Value::Array(items) => !items.is_empty() && items.iter().all(Value::is_null),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => false,
        };
        self.value.get(key).filter(|value| !empty(value))
    }

    fn bad(&self, key: &str, wanted: &str) -> EngineError {
        let found = self.value.get(key).unwrap_or(&Value::Null);
        EngineError::BadConfig {
            file: self.file.clone(),
            detail: format!("{key} is {found}; must be {wanted}"),
        }
    }

    fn unsupported(&self, what: impl Into<String>, hint: &'static str) -> EngineError {
        EngineError::Unsupported { file: self.file.clone(), what: what.into(), hint }
    }

    /// Refuses the file unless `key` is absent, null or one of `allowed`.
    pub(crate) fn only(&self, key: &str, allowed: &[Value]) -> EngineResult<()> {
        match self.present(key) {
            Some(value) if !allowed.contains(value) => {
                let what = format!("{key} is {value}, which this engine can't do");
                Err(self.unsupported(what, "take a model of the Stable Diffusion 1 or 2 family"))
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.present(key).and_then(Value::as_str)
    }

    pub(crate) fn flag(&self, key: &str, default: bool) -> EngineResult<bool> {
        self.present(key).map_or(Ok(default), |v| v.as_bool().ok_or_else(|| self.bad(key, "true or false")))
    }

    pub(crate) fn float(&self, key: &str, default: f64) -> EngineResult<f64> {
        self.present(key).map_or(Ok(default), |v| v.as_f64().ok_or_else(|| self.bad(key, "a number")))
    }

    /// A dimension: at least 1.
    pub(crate) fn size(&self, key: &str) -> EngineResult<usize> {
        let size = self.present(key).and_then(size_of);
        size.ok_or_else(|| self.bad(key, "a whole number from 1 to 1000000"))
    }

    pub(crate) fn size_or(&self, key: &str, default: usize) -> EngineResult<usize> {
        if self.present(key).is_some() { self.size(key) } else { Ok(default) }
    }

    /// A list of dimensions, never empty.
    pub(crate) fn sizes(&self, key: &str) -> EngineResult<Vec<usize>> {
        let items = self.present(key).and_then(Value::as_array);
        items
            .and_then(|items| items.iter().map(size_of).collect::<Option<Vec<_>>>())
            .filter(|sizes| !sizes.is_empty())
            .ok_or_else(|| self.bad(key, "a list of whole numbers"))
    }

    /// A dimension for each of `blocks` blocks: a list, or one number for all.
    pub(crate) fn size_per_block(
        &self,
        key: &str,
        default: usize,
        blocks: usize,
    ) -> EngineResult<Vec<usize>> {
        match self.present(key) {
            Some(Value::Array(_)) => {
                let sizes = self.sizes(key)?;
                if sizes.len() == blocks { Ok(sizes) } else { Err(self.bad(key, "a number for each block")) }
            }
            _ => Ok(vec![self.size_or(key, default)?; blocks]),
        }
    }

    pub(crate) fn texts(&self, key: &str) -> EngineResult<Vec<&str>> {
        let items = self.present(key).and_then(Value::as_array);
        items
            .and_then(|items| items.iter().map(Value::as_str).collect())
            .ok_or_else(|| self.bad(key, "a list of names"))
    }
}

fn size_of(value: &Value) -> Option<usize> {
    let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
    size.filter(|size| (1..=1_000_000).contains(size))
}
