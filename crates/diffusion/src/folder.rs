//! A diffusers folder, on disk or inside the binary: its files by name. What they mean is not known here.

use crate::error::{EngineError, EngineResult};
use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use std::{borrow::Cow, path::PathBuf};

/// A file of the embedded folder: its name and its bytes.
pub(crate) type EmbeddedFile = (&'static str, &'static [u8]);

/// Where a model's files are.
#[derive(Clone, Debug)]
pub(crate) enum Folder {
    /// In the binary itself.
    #[cfg_attr(not(feature = "embedded-model"), expect(dead_code, reason = "built only with the feature"))]
    Embedded(&'static [EmbeddedFile]),
    /// On disk.
    Directory(PathBuf),
}

impl Folder {
    /// Whether the folder holds `file`.
    pub(crate) fn contains(&self, file: &str) -> bool {
        match self {
            Self::Embedded(files) => files.iter().any(|(name, _)| *name == file),
            Self::Directory(path) => path.join(file).is_file(),
        }
    }

    /// Refuses the folder if it lacks `file`.
    pub(crate) fn require(&self, file: &str) -> EngineResult<()> {
        if self.contains(file) { Ok(()) } else { Err(missing(file)) }
    }

    /// The bytes of `file`.
    pub(crate) fn read(&self, file: &str) -> EngineResult<Cow<'static, [u8]>> {
        match self {
            Self::Embedded(files) => {
                let found = files.iter().find(|(name, _)| *name == file);
                found.map(|(_, bytes)| Cow::Borrowed(*bytes)).ok_or_else(|| missing(file))
            }
            Self::Directory(path) => match std::fs::read(path.join(file)) {
                Ok(bytes) => Ok(Cow::Owned(bytes)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(missing(file)),
                Err(source) => Err(EngineError::Unreadable { file: file.to_owned(), source }),
            },
        }
    }

    /// The name of the weights file of `component`, whose name starts with `stem`.
    pub(crate) fn weights_file(&self, component: &str, stem: &str) -> EngineResult<String> {
        let full = format!("{component}/{stem}.safetensors");
        let half = format!("{component}/{stem}.fp16.safetensors");
        match (self.contains(&full), self.contains(&half)) {
            (true, _) => Ok(full),
            (false, true) => Ok(half),
            (false, false) => Err(EngineError::Missing {
                file: full,
                hint: "take one safetensors file for each part: neither .bin files nor sharded ones are read",
            }),
        }
    }

    /// The weights of `component` as 32-bit numbers, whatever the file holds. Nothing but what is asked of them is
    /// copied.
    pub(crate) fn weights(&self, component: &'static str, stem: &str) -> EngineResult<VarBuilder<'static>> {
        let file = self.weights_file(component, stem)?;
        let opened = match self {
            Self::Embedded(_) => match self.read(&file)? {
                Cow::Borrowed(bytes) => VarBuilder::from_slice_safetensors(bytes, DType::F32, &Device::Cpu),
                Cow::Owned(bytes) => VarBuilder::from_buffered_safetensors(bytes, DType::F32, &Device::Cpu),
            },
            Self::Directory(path) => map_weights(path.join(&file)),
        };
        opened.map_err(|source| EngineError::Weights { component, source })
    }
}

/// Maps the file into memory while its tensors are copied out.
#[expect(unsafe_code, reason = "reading gigabytes into memory only to copy them again would double the peak")]
fn map_weights(path: PathBuf) -> candle_core::Result<VarBuilder<'static>> {
    // SAFETY: the map lives only until the model is loaded. Someone who truncates the file during that second
    // can crash the process; someone who may write the model's files can do worse anyway.
    unsafe { VarBuilder::from_mmaped_safetensors(&[path], DType::F32, &Device::Cpu) }
}

fn missing(file: &str) -> EngineError {
    EngineError::Missing {
        file: file.to_owned(),
        hint: "take a whole folder in the layout of diffusers (the one with model_index.json)",
    }
}
