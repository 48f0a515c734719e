//! Variants of pictures in memory, the most recently used first.

use crate::{MemoryImages, lock};
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};
use tintype_core::{
    PortResult,
    domain::Variant,
    ports::{ImageStore, VariantCache},
};

/// A [`VariantCache`] in memory.
#[derive(Debug)]
pub struct MemoryVariants {
    images: Arc<MemoryImages>,
    size: usize,
    kept: Mutex<VecDeque<(Variant, Bytes)>>,
}

impl MemoryVariants {
    /// A cache of at most `size` bytes for the pictures in `images`.
    pub fn new(images: Arc<MemoryImages>, size: usize) -> Self {
        Self { images, size, kept: Mutex::default() }
    }

    /// Takes the variant out; with those whose picture is gone.
    async fn take(&self, variant: &Variant) -> PortResult<Option<Bytes>> {
        let is_there = self.images.find(&variant.source).await?.is_some();
        let mut kept = lock(&self.kept);
        if !is_there {
            kept.retain(|(other, _)| other.source != variant.source);
        }
        let at = kept.iter().position(|(other, _)| other == variant);
        Ok(at.and_then(|at| kept.remove(at)).map(|(_, bytes)| bytes))
    }
}

#[async_trait]
impl VariantCache for MemoryVariants {
    async fn get(&self, variant: &Variant) -> PortResult<Option<Bytes>> {
        let found = self.take(variant).await?;
        if let Some(bytes) = &found {
            lock(&self.kept).push_front((*variant, bytes.clone()));
        }
        Ok(found)
    }

    async fn put(&self, variant: &Variant, bytes: Bytes) -> PortResult<()> {
        self.take(variant).await?;
        if self.images.find(&variant.source).await?.is_none() {
            return Ok(());
        }
        let mut kept = lock(&self.kept);
        kept.push_front((*variant, bytes));
        while kept.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > self.size {
            kept.pop_back();
        }
        Ok(())
    }
}
