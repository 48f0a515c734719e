//! The model inside the binary: tintype-icons. Its folder, and what people must know of it.

use crate::folder::EmbeddedFile;

/// Its name in requests.
pub(crate) const NAME: &str = "tintype-icons";
/// Its name for people.
pub(crate) const TITLE: &str = "Tintype Icons";
/// What it is good for.
pub(crate) const DESCRIPTION: &str = "A small model inside the program: icons of 64 x 64 pixels. It knows about 260 \
    everyday things, and 40 of them in seven colours. It can't draw scenes, people, styles or numbers of things, it \
    ignores words it was never taught, and its seeds change a picture only a little.";
/// Its licence, and what must be said of its pictures.
pub(crate) const LICENSE: &str = "MIT. Trained on Fluent Emoji (c) Microsoft Corporation and emojibase-data (c) 2017-2019 \
    Miles Johnson, both MIT. Its pictures may closely resemble those icons.";
/// Words of the phrasings it was trained with ("a cute {}", "an icon of a {}"): they mean little, and hurt nothing.
pub(crate) const FILLERS: &[&str] = &[
    "a",
    "an",
    "and",
    "background",
    "cute",
    "drawing",
    "emoji",
    "icon",
    "illustration",
    "image",
    "of",
    "on",
    "photo",
    "picture",
    "simple",
    "small",
    "the",
    "white",
    "with",
];

macro_rules! embed {
    ($($file:literal),+ $(,)?) => {
        &[$(($file, include_bytes!(concat!("../../../models/tintype-icons/", $file)))),+]
    };
}

/// The prompts it was trained on: a JSON list.
pub(crate) const CONCEPTS: &[u8] = include_bytes!("../../../models/tintype-icons/concepts.json");

/// Its diffusers folder.
pub(crate) const FILES: &[EmbeddedFile] = embed![
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/merges.txt",
    "tokenizer/tokenizer_config.json",
    "tokenizer/vocab.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
];
