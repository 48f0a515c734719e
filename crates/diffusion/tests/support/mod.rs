//! What the tests of the engine share.

#![allow(dead_code, reason = "each test takes what it needs")]
#![allow(clippy::unwrap_used, reason = "a test that can't be prepared fails")]

use futures_executor::block_on;
use futures_util::StreamExt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use tintype_core::domain::{GenerateInput, GenerationRequest, Seed, SourceInput};
use tintype_core::ports::{DrawnImage, Generated, ImageModel};
use tintype_core::{PortError, PortResult};
use tintype_diffusion::{DiffusionModel, Settings};

/// One picture at a time on `threads` threads.
pub(crate) fn settings(threads: usize) -> Settings {
    let threads = NonZeroUsize::new(threads).unwrap();
    Settings { workers: NonZeroUsize::MIN, threads, preview_every: 4 }
}

/// The embedded model on one thread.
pub(crate) fn embedded() -> DiffusionModel {
    DiffusionModel::embedded(settings(1)).unwrap()
}

/// A quick request for a red heart, changed by `change`.
pub(crate) fn request(model: &DiffusionModel, change: impl FnOnce(&mut GenerateInput)) -> GenerationRequest {
    let mut input = GenerateInput {
        prompt: Some("red heart".to_owned()),
        steps: Some(3),
        seed: Some(7),
        ..GenerateInput::default()
    };
    change(&mut input);
    GenerationRequest::resolve(&input, SourceInput::default(), model.card(), Seed(0)).unwrap()
}

/// Everything that comes for `request`.
pub(crate) fn events(model: &DiffusionModel, request: &GenerationRequest) -> Vec<PortResult<Generated>> {
    block_on(async { model.generate(request, None).await.unwrap().collect().await })
}

/// The pictures of `request`.
pub(crate) fn images(model: &DiffusionModel, request: &GenerationRequest) -> Vec<DrawnImage> {
    let image = |event: PortResult<Generated>| match event.unwrap() {
        Generated::Image(image) => Some(image),
        Generated::Progress(_) | Generated::Preview(_) => None,
    };
    events(model, request).into_iter().filter_map(image).collect()
}

/// The bytes of the only picture of a quick request.
pub(crate) fn drawn(model: &DiffusionModel, change: impl FnOnce(&mut GenerateInput)) -> Vec<u8> {
    let images = images(model, &request(model, change));
    assert_eq!(images.len(), 1);
    images[0].picture.bytes().to_vec()
}

/// How `request` fails.
pub(crate) fn failure(model: &DiffusionModel, request: &GenerationRequest) -> PortError {
    events(model, request).pop().unwrap().unwrap_err()
}

/// A copy of the embedded model's folder that a test may change.
pub(crate) fn folder_copy() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models/tintype-icons");
    for part in ["text_encoder", "unet", "vae", "tokenizer", "scheduler"] {
        std::fs::create_dir(copy.path().join(part)).unwrap();
        for file in std::fs::read_dir(from.join(part)).unwrap().map(Result::unwrap) {
            std::fs::copy(file.path(), copy.path().join(part).join(file.file_name())).unwrap();
        }
    }
    std::fs::copy(from.join("model_index.json"), copy.path().join("model_index.json")).unwrap();
    copy
}

/// Sets `key` of a JSON file of `folder`.
pub(crate) fn set(folder: &Path, file: &str, key: &str, value: serde_json::Value) {
    let path = folder.join(file);
    let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    config[key] = value;
    std::fs::write(path, config.to_string()).unwrap();
}
