//! The port to what makes vectors of texts.

use crate::domain::{Space, Understood};
use crate::error::PortResult;
use async_trait::async_trait;
use std::fmt::Debug;

/// Makes vectors of texts: of those that mean the like, near ones.
///
/// # Contract
/// - The same text gives the same vector, of as many dimensions as its space has.
/// - What is made in another way, as by another model, has a space of another name.
/// - A text without a vector is an answer: there is nothing in it to compare. Words that are not known are told.
/// - Texts that have nothing to do with each other score less than `score_min`, most of them.
///
/// # Errors
/// [`Unavailable`](crate::ErrorKind::Unavailable) if what makes vectors can't be asked,
/// [`Internal`](crate::ErrorKind::Internal).
///
/// # Cancellation
/// Leaves nothing behind.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait TextEmbedder: Debug + Send + Sync + 'static {
    /// The space of its vectors.
    fn space(&self) -> Space;
    /// The least score of two texts that have to do with each other.
    fn score_min(&self) -> f32;
    /// What is understood of a text.
    async fn embed(&self, text: &str) -> PortResult<Understood>;
}
