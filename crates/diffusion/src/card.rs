//! What a model says of itself, from its configurations alone.

use crate::config::{PipelineConfig, Sampler};
use std::path::Path;
use tintype_core::domain::{FloatRange, IntRange, ModelCard, ModelName, OutputFormat, limits};

/// The largest side that is offered, in pixels: beyond it a drawing takes hours on a CPU, and its subject repeats.
const SIDE_MAX: u32 = 1_024;
/// The smallest side that is offered, in pixels.
const SIDE_MIN: u32 = 64;

/// The card of the model in the binary.
#[cfg(feature = "embedded-model")]
pub(crate) fn of_embedded(config: &PipelineConfig) -> ModelCard {
    use crate::embedded;
    use tintype_core::domain::Vocabulary;

    let concepts = serde_json::from_slice(embedded::CONCEPTS).unwrap_or_default();
    ModelCard {
        title: embedded::TITLE.to_owned(),
        description: embedded::DESCRIPTION.to_owned(),
        license: embedded::LICENSE.to_owned(),
        // Larger ones come out as a smear or as several icons grown together: it was taught one size.
        width: IntRange::only(side(config)),
        height: IntRange::only(side(config)),
        steps: IntRange::of(1, 50, 12),
        guidance_scale: FloatRange { min: 0.0, max: 20.0, default: 2.5 },
        vocabulary: Some(Vocabulary::new(concepts, embedded::FILLERS)),
        ..of_any(name(embedded::NAME), config)
    }
}

/// The card of the model in the folder at `path`.
pub(crate) fn of_folder(path: &Path, config: &PipelineConfig) -> ModelCard {
    of_any(name(&folder_name(path)), config)
}

fn of_any(name: ModelName, config: &PipelineConfig) -> ModelCard {
    let default = side(config);
    let step = u32::try_from(config.vae.scale()).unwrap_or(8);
    let sides = IntRange { min: SIDE_MIN.min(default), max: SIDE_MAX.max(default), step, default };
    ModelCard {
        title: name.as_str().to_owned(),
        name,
        description: "A Stable Diffusion model from a folder on this machine.".to_owned(),
        width: sides,
        height: sides,
        steps: IntRange::of(1, 150, 20),
        guidance_scale: FloatRange { min: 0.0, max: 30.0, default: 7.5 },
        count: IntRange::of(1, 8, 1),
        schedulers: schedulers(config.scheduler.sampler),
        output_formats: OutputFormat::ALL.to_vec(),
        negative_prompt: true,
        init_image: false,
        mask_image: false,
        progress: true,
        previews: true,
        generative: true,
        vocabulary: None,
        license: "See the model's own folder.".to_owned(),
    }
}

/// The side of the pictures the model was trained on, in pixels.
fn side(config: &PipelineConfig) -> u32 {
    let side = config.unet.sample_size.saturating_mul(config.vae.scale());
    u32::try_from(side).unwrap_or(limits::SIDE_MAX).min(limits::SIDE_MAX)
}

/// The folder's own choice first.
fn schedulers(first: Sampler) -> Vec<String> {
    let others = Sampler::ALL.into_iter().filter(|sampler| *sampler != first);
    std::iter::once(first).chain(others).map(|sampler| sampler.name().to_owned()).collect()
}

/// `text` as a model's name: what may not stand in one becomes a hyphen.
fn name(text: &str) -> ModelName {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let text: String = text.chars().map(allowed).take(ModelName::MAX_BYTES).collect();
    let text = if text.is_empty() { "model".to_owned() } else { text };
    #[expect(
        clippy::expect_used,
        reason = "every character was made an allowed one, and there is at least one"
    )]
    ModelName::try_from(text).expect("an allowed name")
}

/// The folder's name; that of the repository where the folder is a snapshot in the cache of the Hugging Face hub.
fn folder_name(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let text = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let repository = path.parent().filter(|parent| parent.ends_with("snapshots")).and_then(Path::parent);
    let repository = repository.and_then(text).filter(|name| name.starts_with("models--"));
    let last = |name: String| name.rsplit("--").next().unwrap_or_default().to_owned();
    repository.map(last).or_else(|| text(&path)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_name_becomes_a_model_name() {
        assert_eq!(name("SD Turbo (v1)").as_str(), "SD-Turbo--v1-");
        assert_eq!(name("").as_str(), "model");
        assert_eq!(name(&"x".repeat(100)).as_str().len(), 64);
    }

    #[test]
    fn a_snapshot_of_the_hub_is_named_after_its_repository() {
        let path =
            Path::new("hub/models--stabilityai--sd-turbo/snapshots/b261bac6fd2cf515557d5d0707481eafa0485ec2");
        assert_eq!(folder_name(path), "sd-turbo");
        assert_eq!(folder_name(Path::new("models/my model")), "my model");
    }
}
