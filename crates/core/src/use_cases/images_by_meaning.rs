//! Saved images whose prompts mean what a text means, and what that needs to know of them.

use super::similar_images::{Found, Nearest, nearest_images};
use super::waiting_images::{Passed, Waiting};
use crate::domain::{OwnerId, PageSize, SavedImage, Timestamp};
use crate::error::Result;
use crate::ports::{Ports, TextEmbedder, VectorIndex};
use std::sync::Arc;

/// The ports of what means the like, for the deployments that have them.
#[derive(Clone, Debug)]
pub struct Meaning {
    /// What makes vectors of texts.
    pub embedder: Arc<dyn TextEmbedder>,
    /// What keeps those of the prompts.
    pub vectors: Arc<dyn VectorIndex>,
}

/// What was found, and what was not understood.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundByMeaning {
    /// The images, the nearest first.
    pub found: Vec<Found>,
    /// The words of the question that are not known.
    pub unknown: Vec<String>,
}

/// The owner's images whose prompts are nearest to `text`, those left out that have nothing to do with it and those in the
/// trash.
///
/// # Errors
/// [`Error::Port`](crate::Error::Port).
pub async fn images_by_meaning(
    ports: &Ports,
    meaning: &Meaning,
    owner: &OwnerId,
    text: &str,
    limit: PageSize,
    now: Timestamp,
) -> Result<FoundByMeaning> {
    let asked = meaning.embedder.embed(text).await?;
    let found = match &asked.vector {
        Some(vector) => {
            let near = Nearest { to: vector, least: meaning.embedder.score_min(), but: None, limit };
            nearest_images(ports, &*meaning.vectors, owner, near, now).await?
        }
        None => Vec::new(),
    };
    Ok(FoundByMeaning { found, unknown: asked.unknown })
}

/// Reads the prompts of images that wait for it, at most `limit`, and tells how many it went through, also where something
/// failed: fewer than `limit` when none waits any more but those that failed, which hold up no other. A failure names its image:
/// call it again.
pub async fn embed_prompts_waiting(ports: &Ports, meaning: &Meaning, limit: u32, now: Timestamp) -> Passed {
    let embed = |image: SavedImage| async move {
        match image.prompt.as_deref() {
            Some(prompt) => Ok(meaning.embedder.embed(prompt).await?.vector),
            None => Ok(None),
        }
    };
    Waiting { ports, vectors: &*meaning.vectors, embed, now }.go_through(limit).await
}
