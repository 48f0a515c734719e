//! The words as a [`TextEmbedder`].

use crate::{DIMENSIONS, SCORE_MIN, understand};
use async_trait::async_trait;
use tintype_core::{
    PortResult,
    domain::{Space, Understood},
    ports::TextEmbedder,
};

/// A [`TextEmbedder`] that knows 40,000 English words and no grammar.
#[derive(Clone, Copy, Debug, Default)]
pub struct WordVectors;

#[async_trait]
impl TextEmbedder for WordVectors {
    fn space(&self) -> Space {
        Space { name: "glove-40k".to_owned(), dimensions: DIMENSIONS }
    }

    fn score_min(&self) -> f32 {
        SCORE_MIN
    }

    async fn embed(&self, text: &str) -> PortResult<Understood> {
        Ok(understand(text))
    }
}
