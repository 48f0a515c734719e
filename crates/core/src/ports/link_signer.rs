//! The port to the URLs that clients open.

use crate::domain::{BlobId, ContentType, ImageId, JobId, OwnerId, Timestamp};
use crate::error::PortResult;
use async_trait::async_trait;
use std::fmt::Debug;

/// Makes URLs under which a client can open an image.
///
/// # Contract
/// - The URL works for whoever may see the image, from `now` for at least 5 minutes.
/// - It names no owner.
/// - Different targets have different URLs.
///
/// # Errors
/// [`Denied`](crate::ErrorKind::Denied) or [`Internal`](crate::ErrorKind::Internal) if it can't be signed.
///
/// # Cancellation
/// Leaves nothing behind.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait LinkSigner: Debug + Send + Sync + 'static {
    /// The URL of `target`, absolute or starting with a slash.
    async fn sign(&self, target: &LinkTarget, now: Timestamp) -> PortResult<String>;
}

/// What a link leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LinkTarget {
    /// An image a job made.
    JobImage {
        /// Whose it is.
        owner: OwnerId,
        /// The job.
        job_id: JobId,
        /// Its place there.
        index: u32,
        /// The address of its bytes.
        sha256: BlobId,
        /// What they are.
        content_type: ContentType,
    },
    /// A saved image's own bytes.
    Original {
        /// Whose it is.
        owner: OwnerId,
        /// The image.
        image_id: ImageId,
        /// The address of its bytes.
        sha256: BlobId,
        /// What they are.
        content_type: ContentType,
    },
    /// A saved image made small.
    Thumbnail {
        /// Whose it is.
        owner: OwnerId,
        /// The image.
        image_id: ImageId,
        /// The address of the original's bytes.
        sha256: BlobId,
    },
}

impl LinkTarget {
    /// Whose the image is.
    pub const fn owner(&self) -> &OwnerId {
        match self {
            Self::JobImage { owner, .. } | Self::Original { owner, .. } | Self::Thumbnail { owner, .. } => {
                owner
            }
        }
    }
}
