//! The port to what draws.

use crate::domain::{Blob, GenerationRequest, ModelCard, Progress, Seed};
use crate::error::PortResult;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::fmt::Debug;

/// Draws images from a prompt.
///
/// # Contract
/// - The card never changes while the model lives.
/// - A request that was resolved against the card is drawn: `count` images, each once, with indexes from 0, each
///   of the request's size and encoding, with the seed `request.seed.nth(index)`.
/// - The same request gives the same pictures where the model can promise it (the embedded one does).
/// - Progress never goes back. A model whose card says `progress: false` gives none; the same for previews.
/// - Nothing is drawn before the stream is polled, and a stream that ended stays ended.
///
/// # Errors
/// Of the call or as the stream's last item: [`Rejected`](crate::ErrorKind::Rejected) if the model refuses the
/// prompt, [`Invalid`](crate::ErrorKind::Invalid) if it can't do the request after all,
/// [`Throttled`](crate::ErrorKind::Throttled), [`Unavailable`](crate::ErrorKind::Unavailable),
/// [`Denied`](crate::ErrorKind::Denied), [`Data`](crate::ErrorKind::Data) if the answer holds no picture.
///
/// # Cancellation
/// Dropping the stream stops the work: the embedded engine before its next step; a remote one is no longer waited
/// for. Drawing again is harmless, if not free.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait ImageModel: Debug + Send + Sync + 'static {
    /// What the model can do. Known without loading its weights.
    fn card(&self) -> &ModelCard;

    /// Draws `request`, from `source` where the request has one.
    async fn generate(&self, request: &GenerationRequest, source: Option<SourceBytes>) -> PortResult<Drawn>;
}

/// What comes while a model draws, in order.
pub type Drawn = BoxStream<'static, PortResult<Generated>>;

/// The bytes of the pictures a request starts from.
#[derive(Clone, Debug)]
pub struct SourceBytes {
    /// The picture.
    pub image: Bytes,
    /// The mask.
    pub mask: Option<Bytes>,
}

/// One thing that comes while a model draws.
#[derive(Clone, Debug)]
pub enum Generated {
    /// A step was done.
    Progress(Progress),
    /// How the picture looks by now.
    Preview(Preview),
    /// A picture is ready.
    Image(DrawnImage),
}

/// A picture on the way: small, shown and forgotten, never stored.
#[derive(Clone, Debug)]
pub struct Preview {
    /// How far the job was.
    pub progress: Progress,
    /// The picture so far, encoded; at most [`CHUNK_BYTES`](crate::domain::limits::CHUNK_BYTES) bytes.
    pub picture: Blob,
}

/// A picture that is ready.
#[derive(Clone, Debug)]
pub struct DrawnImage {
    /// Its place in the job, from 0.
    pub index: u32,
    /// Its bytes, in the request's encoding.
    pub picture: Blob,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The seed it was drawn from.
    pub seed: Seed,
}
