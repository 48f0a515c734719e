//! Going through the images that wait for their vectors: what two kinds of vectors have in common.
//!
//! An image must not bring the process down again and again: each attempt is counted before it starts, and after
//! [`BACKGROUND_ATTEMPTS_MAX`](limits::BACKGROUND_ATTEMPTS_MAX) attempts that failed, or did not end, the image is given up.
//! A failure of a store or a service is not the image's, and does not count.

use crate::domain::{Embedding, ImageId, OwnerId, SavedImage, Timestamp, limits};
use crate::error::{ErrorKind, PortError, PortResult};
use crate::ports::{Ports, VectorIndex};
use std::collections::HashSet;

/// How many images that fail one pass steps over at most, to those behind them. Where more fail, it is not the images.
const FAILED_MAX: u32 = 1_000;

/// What came of going through pending images.
#[derive(Debug)]
pub struct Passed {
    /// How many images are pending no more, or pending again for another reason.
    pub images: u32,
    /// Those that were given up.
    pub given_up: Vec<GivenUp>,
    /// The first failure, after everything was tried.
    pub outcome: PortResult<()>,
}

/// An image at which no more work is done in the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Whose image it is.
    pub owner: OwnerId,
    /// The image.
    pub image: ImageId,
    /// Why it was given up.
    pub reason: String,
}

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
    pub(super) async fn go_through(&self, limit: u32) -> Passed {
        let mut passed = Passed { images: 0, given_up: Vec::new(), outcome: Ok(()) };
        let (mut failed, mut failures) = (HashSet::new(), 0);
        while passed.images < limit && failures < FAILED_MAX {
            // Those that failed still wait, perhaps in front of all others.
            let asked = limit - passed.images + failures;
            let waiting = match self.vectors.waiting(asked).await {
                Ok(waiting) => waiting,
                Err(error) => {
                    passed.outcome = passed.outcome.and(Err(error));
                    return passed;
                }
            };
            let is_all = waiting.len() < asked as usize;
            for (owner, id) in waiting {
                if failed.contains(&id) {
                    continue;
                }
                match self.one(&owner, &id).await {
                    Ok(given_up) => {
                        passed.images += 1;
                        passed.given_up.extend(given_up.map(|reason| GivenUp { owner, image: id, reason }));
                    }
                    Err(error) => {
                        passed.outcome = passed.outcome.and(Err(error.about(&format!("image {id}"))));
                        failed.insert(id);
                        failures += 1;
                    }
                }
            }
            if is_all {
                break;
            }
        }
        passed
    }

    /// An image that is gone in the meantime is not to wait any more, nor one whose record can't be read. Returns why the
    /// image was given up, if it was.
    async fn one(&self, owner: &OwnerId, id: &ImageId) -> PortResult<Option<String>> {
        let image = match self.ports.metadata.find(owner, id, self.now).await {
            Ok(image) => image,
            Err(error) if error.kind() == ErrorKind::Data => None,
            Err(error) => return Err(error),
        };
        let Some(image) = image else {
            self.vectors.put(owner, id, None, None).await?;
            return Ok(None);
        };
        let attempts = self.vectors.begin(id).await?;
        if attempts > limits::BACKGROUND_ATTEMPTS_MAX {
            return self.give_up(owner, id, "the process ended during each attempt at it").await.map(Some);
        }
        let of = Some(image.version);
        let failure = match (self.embed)(image).await {
            Ok(vector) => match self.vectors.put(owner, id, of, vector).await {
                Ok(()) => return Ok(None),
                Err(error) => error,
            },
            // It will be no better another time.
            Err(error) if error.kind() == ErrorKind::Data => {
                return self.give_up(owner, id, error.message()).await.map(Some);
            }
            Err(error) => error,
        };
        if is_of_the_image(&failure) {
            if attempts >= limits::BACKGROUND_ATTEMPTS_MAX {
                return self.give_up(owner, id, failure.message()).await.map(Some);
            }
            self.vectors.end(id).await?;
        } else {
            // A store that can't take it back now counts one attempt too many at the most.
            drop(self.vectors.take_back(id).await);
        }
        Err(failure)
    }

    async fn give_up(&self, owner: &OwnerId, id: &ImageId, reason: &str) -> PortResult<String> {
        self.vectors.give_up(owner, id, reason).await?;
        Ok(reason.to_owned())
    }
}

/// Whether the image is to blame for a failure: work on it ended in a way that nobody has foreseen.
const fn is_of_the_image(failure: &PortError) -> bool {
    match failure.kind() {
        ErrorKind::Internal | ErrorKind::Invalid | ErrorKind::Rejected | ErrorKind::Data => true,
        ErrorKind::NotFound
        | ErrorKind::Conflict
        | ErrorKind::Denied
        | ErrorKind::Throttled
        | ErrorKind::Unavailable
        | ErrorKind::Exhausted => false,
    }
}
