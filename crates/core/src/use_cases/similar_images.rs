//! Saved images that look alike, and what that needs to know of them.

use crate::domain::{Blob, Embedding, ImageId, Near, OwnerId, PageSize, SavedImage, Timestamp, limits};
use crate::error::{Error, ErrorKind, PortResult, Result};
use crate::ports::{Embedder, Ports, VectorIndex};
use crate::use_cases::{
    find_image,
    waiting_images::{Passed, Waiting},
};
use std::{collections::HashSet, sync::Arc};

/// The ports of what looks alike, for the deployments that have them.
#[derive(Clone, Debug)]
pub struct Alike {
    /// What makes vectors.
    pub embedder: Arc<dyn Embedder>,
    /// What keeps them.
    pub vectors: Arc<dyn VectorIndex>,
}

/// An image that was found, and how near it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The image.
    pub image: SavedImage,
    /// From 1, the same, down.
    pub score: f32,
}

/// The owner's images that look most like the image `id`, itself left out and those in the trash.
///
/// # Errors
/// [`Error::NotFound`] if there is no such image, [`Error::NotReady`] if it was not looked at yet, [`Error::Port`].
pub async fn similar_images(
    ports: &Ports,
    alike: &Alike,
    owner: &OwnerId,
    id: &ImageId,
    limit: PageSize,
    now: Timestamp,
) -> Result<Vec<Found>> {
    find_image(ports, owner, id, now).await?;
    let Some(vector) = alike.vectors.get(owner, id).await? else {
        if let Some(reason) = alike.vectors.given_up(owner, id).await? {
            return Err(Error::NotReady(format!("the image can't be compared with others: {reason}")));
        }
        let detail =
            "the image was not looked at yet, or there is nothing in it to look at; ask again in a moment";
        return Err(Error::NotReady(detail.to_owned()));
    };
    let near = Nearest { to: &vector, least: f32::NEG_INFINITY, but: Some(id), limit };
    nearest_images(ports, &*alike.vectors, owner, near, now).await
}

/// What is asked of an index.
#[derive(Clone, Copy)]
pub(super) struct Nearest<'a> {
    pub(super) to: &'a Embedding,
    /// Those with a score below are not wanted.
    pub(super) least: f32,
    /// Nor is this one.
    pub(super) but: Option<&'a ImageId>,
    pub(super) limit: PageSize,
}

/// How many of the nearest images one answer is chosen from at most, those in the trash among them: each is read on its own.
const CANDIDATES_MAX: u32 = 10 * limits::PAGE_MAX;

/// The owner's nearest images, those in the trash left out: fewer than there are where [`CANDIDATES_MAX`] in the trash are
/// nearer.
///
/// # Errors
/// [`Error::Port`].
pub(super) async fn nearest_images(
    ports: &Ports,
    vectors: &dyn VectorIndex,
    owner: &OwnerId,
    nearest: Nearest<'_>,
    now: Timestamp,
) -> Result<Vec<Found>> {
    let Nearest { to, least, but, limit } = nearest;
    let most = limit.get() as usize;
    let mut asked = limit.get() + 1;
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    // As many more are asked for as turn out to be in the trash.
    loop {
        let near = vectors.nearest(owner, to, asked).await?;
        let is_all = near.len() < asked as usize || near.last().is_some_and(|last| last.score < least);
        let wanted = near.into_iter().filter(|near| near.score >= least && but != Some(&near.id));
        for Near { id, score } in wanted {
            if !seen.insert(id) {
                continue;
            }
            let image = ports.metadata.find(owner, &id, now).await?;
            let image = image.filter(|image| image.trashed_at.is_none());
            found.extend(image.map(|image| Found { image, score }));
            if found.len() == most {
                return Ok(found);
            }
        }
        if is_all || asked == CANDIDATES_MAX {
            return Ok(found);
        }
        asked = asked.saturating_mul(4).min(CANDIDATES_MAX);
    }
}

/// Looks at images that wait for it, at most `limit`, and tells how many it went through, also where something failed: fewer
/// than `limit` when none waits any more but those that failed. One that can't be decoded, or that failed or ended the process
/// too often, is given up; one that fails in another way waits on, and holds up no other. A failure names its image: call it
/// again.
pub async fn embed_waiting(ports: &Ports, alike: &Alike, limit: u32, now: Timestamp) -> Passed {
    let embed = |image: SavedImage| async move { embed(ports, alike, &image).await };
    Waiting { ports, vectors: &*alike.vectors, embed, now }.go_through(limit).await
}

async fn embed(ports: &Ports, alike: &Alike, image: &SavedImage) -> PortResult<Option<Embedding>> {
    let made = match ports.images.get(&image.sha256).await {
        Ok(bytes) => alike.embedder.embed(&Blob::new(bytes, image.content_type)).await,
        Err(error) => Err(error),
    };
    match made {
        // Its bytes are gone. They may come back, but it is saved anew then.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        made => made,
    }
}
