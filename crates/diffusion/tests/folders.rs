//! Which folders are taken, and how the others are refused.
#![cfg(feature = "embedded-model")]
#![allow(clippy::unwrap_used, reason = "a test that can't be prepared fails")]

mod support;

use serde_json::{Value, json};
use support::{drawn, failure, folder_copy, images, request, set, settings};
use tintype_core::ErrorKind;
use tintype_core::ports::ImageModel;
use tintype_diffusion::DiffusionModel;

/// How the folder is refused after `key` of `file` was set to `value`.
fn refusal(file: &str, key: &str, value: Value) -> (ErrorKind, String) {
    let folder = folder_copy();
    set(folder.path(), file, key, value);
    let error = DiffusionModel::from_folder(folder.path(), settings(1)).unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn a_folder_draws_as_the_embedded_model_does() {
    let folder = folder_copy();
    let model = DiffusionModel::from_folder(folder.path(), settings(1)).unwrap();
    let plain = |input: &mut tintype_core::domain::GenerateInput| input.guidance_scale = Some(2.5);
    assert_eq!(drawn(&model, plain), drawn(&support::embedded(), plain));
}

#[test]
fn a_folder_offers_sizes_that_its_vae_can_do() {
    let folder = folder_copy();
    let model = DiffusionModel::from_folder(folder.path(), settings(1)).unwrap();
    let request = request(&model, |input| (input.width, input.height) = (Some(72), Some(88)));
    let image = images(&model, &request).remove(0);
    assert_eq!((image.width, image.height), (72, 88));
    assert_eq!(model.card().vocabulary, None);
}

#[test]
fn models_of_other_families_are_refused_by_name() {
    for (file, key, value, name) in [
        (
            "model_index.json",
            "text_encoder_2",
            json!(["transformers", "CLIPTextModel"]),
            "Stable Diffusion XL",
        ),
        ("model_index.json", "transformer", json!(["diffusers", "FluxTransformer2DModel"]), "transformer"),
        ("unet/config.json", "addition_embed_type", json!("text_time"), "Stable Diffusion XL"),
        ("unet/config.json", "in_channels", json!(65), "inpainting"),
        ("unet/config.json", "class_embed_type", json!("timestep"), "class_embed_type"),
        ("unet/config.json", "resnet_time_scale_shift", json!("scale_shift"), "resnet_time_scale_shift"),
        ("vae/config.json", "_class_name", json!("AutoencoderTiny"), "AutoencoderTiny"),
        ("vae/config.json", "shift_factor", json!(0.1), "shift_factor"),
        ("text_encoder/config.json", "hidden_act", json!("relu"), "relu"),
        ("scheduler/scheduler_config.json", "_class_name", json!("LCMScheduler"), "LCMScheduler"),
        ("scheduler/scheduler_config.json", "prediction_type", json!("flow"), "flow"),
        ("scheduler/scheduler_config.json", "beta_schedule", json!("sigmoid"), "sigmoid"),
        ("scheduler/scheduler_config.json", "timestep_spacing", json!("odd"), "odd"),
        ("scheduler/scheduler_config.json", "rescale_betas_zero_snr", json!(true), "rescale_betas_zero_snr"),
    ] {
        let (kind, message) = refusal(file, key, value);
        assert_eq!(kind, ErrorKind::Invalid, "{message}");
        assert!(message.starts_with(file) && message.contains(name), "{message}");
    }
}

#[test]
fn a_dimension_that_is_none_is_bad_data() {
    for value in [json!(0), json!(-1), json!("wide"), json!(1e12), Value::Null] {
        let (kind, message) = refusal("unet/config.json", "sample_size", value);
        assert_eq!(kind, ErrorKind::Data, "{message}");
        assert!(message.contains("sample_size"), "{message}");
    }
}

#[test]
fn a_missing_file_is_named() {
    for file in [
        "model_index.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "text_encoder/model.safetensors",
        "tokenizer/merges.txt",
        "scheduler/scheduler_config.json",
    ] {
        let folder = folder_copy();
        std::fs::remove_file(folder.path().join(file)).unwrap();
        let error = DiffusionModel::from_folder(folder.path(), settings(1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.to_string().contains(file), "{error}");
    }
}

#[test]
fn half_precision_files_are_found_by_their_name() {
    let folder = folder_copy();
    let file = |name: &str| folder.path().join("unet").join(name);
    let (full, half) = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors");
    std::fs::rename(file(full), file(half)).unwrap();
    assert!(!drawn(&DiffusionModel::from_folder(folder.path(), settings(1)).unwrap(), |_| ()).is_empty());
}

#[test]
fn weights_load_with_the_first_drawing_and_damaged_ones_are_bad_data() {
    for damage in [|bytes: &mut Vec<u8>| bytes.truncate(1_000), |bytes: &mut Vec<u8>| bytes[..8].fill(255)] {
        let folder = folder_copy();
        let path = folder.path().join("vae/diffusion_pytorch_model.safetensors");
        let mut bytes = std::fs::read(&path).unwrap();
        let whole = bytes.clone();
        damage(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        let model = DiffusionModel::from_folder(folder.path(), settings(1)).unwrap();
        let request = request(&model, |_| ());
        let error = failure(&model, &request);
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.message().contains("vae"), "{error}");
        // What was repaired is tried again without a restart.
        std::fs::write(&path, whole).unwrap();
        assert_eq!(images(&model, &request).len(), 1);
    }
}

#[test]
fn weights_of_another_shape_are_bad_data() {
    let folder = folder_copy();
    set(folder.path(), "unet/config.json", "layers_per_block", json!(2));
    let model = DiffusionModel::from_folder(folder.path(), settings(1)).unwrap();
    assert_eq!(failure(&model, &request(&model, |_| ())).kind(), ErrorKind::Data);
}

#[test]
fn the_schedulers_of_the_family_are_drawn_with_the_engines_own() {
    for (class, first) in [("PNDMScheduler", "ddim"), ("EulerAncestralDiscreteScheduler", "euler")] {
        let folder = folder_copy();
        set(folder.path(), "scheduler/scheduler_config.json", "_class_name", json!(class));
        let model = DiffusionModel::from_folder(folder.path(), settings(1)).unwrap();
        assert_eq!(model.card().schedulers[0], first);
    }
}
