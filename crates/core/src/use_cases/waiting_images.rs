//! Going through the images that wait for their vectors: what two kinds of vectors have in common.

use crate::domain::{Embedding, ImageId, OwnerId, SavedImage, Timestamp};
use crate::error::{ErrorKind, PortResult};
use crate::ports::{Ports, VectorIndex};
use std::collections::HashSet;

/// How many images that fail one pass steps over at most, to those behind them. Where more fail, it is not the images.
const FAILED_MAX: u32 = 1_000;

/// Images that wait, and what they wait for.
pub(super) struct Waiting<'a, F> {
    pub(super) ports: &'a Ports,
    pub(super) vectors: &'a dyn VectorIndex,
    /// Makes the vector of an image.
    pub(super) embed: F,
    pub(super) now: Timestamp,
}

impl<F, V> Waiting<'_, F>
where
    F: Fn(SavedImage) -> V + Sync,
    V: Future<Output = PortResult<Option<Embedding>>> + Send,
{
    /// Goes through at most `limit`, and tells how many, also where something failed. One that fails waits on, and holds up
    /// no other.
    ///
    /// # Errors
    /// The first one, after everything was tried.
    pub(super) async fn go_through(&self, limit: u32) -> (u32, PortResult<()>) {
        let mut gone_through = 0;
        let outcome = self.pass(limit, &mut gone_through).await;
        (gone_through, outcome)
    }

    async fn pass(&self, limit: u32, gone_through: &mut u32) -> PortResult<()> {
        let (mut failed, mut failures, mut outcome) = (HashSet::new(), 0, Ok(()));
        while *gone_through < limit && failures < FAILED_MAX {
            // Those that failed still wait, perhaps in front of all others.
            let asked = limit - *gone_through + failures;
            let waiting = match self.vectors.waiting(asked).await {
                Ok(waiting) => waiting,
                Err(error) => return outcome.and(Err(error)),
            };
            let is_all = waiting.len() < asked as usize;
            for (owner, id) in waiting {
                if failed.contains(&id) {
                    continue;
                }
                match self.one(&owner, &id).await {
                    Ok(()) => *gone_through += 1,
                    Err(error) => {
                        outcome = outcome.and(Err(error.about(&format!("image {id}"))));
                        failed.insert(id);
                        failures += 1;
                    }
                }
            }
            if is_all {
                break;
            }
        }
        outcome
    }

    /// An image that is gone in the meantime is not to wait any more, nor one whose record can't be read.
    async fn one(&self, owner: &OwnerId, id: &ImageId) -> PortResult<()> {
        let (of, vector) = match self.ports.metadata.find(owner, id, self.now).await {
            Ok(Some(image)) => (Some(image.version), (self.embed)(image).await?),
            Ok(None) => (None, None),
            Err(error) if error.kind() == ErrorKind::Data => (None, None),
            Err(error) => return Err(error),
        };
        self.vectors.put(owner, id, of, vector).await
    }
}
