//! The port to what makes vectors of pictures.

use crate::domain::{Blob, Embedding, Space};
use crate::error::PortResult;
use async_trait::async_trait;
use std::fmt::Debug;

/// Makes vectors of pictures: of those that are alike, near ones.
///
/// # Contract
/// - The same picture gives the same vector, of as many dimensions as its space has.
/// - What is made in another way, as by another model, has a space of another name.
/// - `None` is an answer: there is nothing in it to compare.
/// - It does its work off the caller's thread.
///
/// # Errors
/// [`Data`](crate::ErrorKind::Data) if the picture can't be decoded, [`Unavailable`](crate::ErrorKind::Unavailable) if what
/// makes vectors can't be asked, [`Internal`](crate::ErrorKind::Internal).
///
/// # Cancellation
/// Leaves nothing behind.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Embedder: Debug + Send + Sync + 'static {
    /// The space of its vectors.
    fn space(&self) -> Space;
    /// The vector of a picture.
    async fn embed(&self, picture: &Blob) -> PortResult<Option<Embedding>>;
}
