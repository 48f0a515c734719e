//! How much of the machine the engine may use.

use std::num::NonZeroUsize;

/// Settings of a [`DiffusionModel`](crate::DiffusionModel). None of them changes a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Pictures drawn at the same time. The weights are shared; what each takes beyond them is small for the
    /// embedded model and gigabytes for a large one.
    pub workers: NonZeroUsize,
    /// Threads for each picture. More than one helps only large models.
    pub threads: NonZeroUsize,
    /// Steps between two previews; `0` for none.
    pub preview_every: u32,
}

impl Settings {
    /// For a small model: one thread a picture, as many pictures at a time as the machine has cores.
    pub fn small() -> Self {
        Self { workers: cores(), threads: NonZeroUsize::MIN, preview_every: 4 }
    }

    /// For a large model: one picture at a time, on all cores.
    pub fn large() -> Self {
        Self { workers: NonZeroUsize::MIN, threads: cores(), preview_every: 4 }
    }
}

fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
