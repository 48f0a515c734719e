//! The port to what keeps pictures that were made of others.

use crate::domain::Variant;
use crate::error::PortResult;
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt::Debug;

/// Keeps variants of pictures as long as there is room, so that each is made once.
///
/// # Contract
/// - What is read is what was put last for that variant, whole, or nothing.
/// - It may forget anything at any time; it never holds more than its size, and what was used last stays longest.
/// - A variant goes with its picture: once the image store is without the source, there are no variants of it, and
///   none is taken.
///
/// # Errors
/// Any method: [`Denied`](crate::ErrorKind::Denied), [`Unavailable`](crate::ErrorKind::Unavailable). A caller makes the
/// variant anew and goes on.
///
/// # Cancellation
/// Dropping a future stops waiting, not the work: a write may still land.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait VariantCache: Debug + Send + Sync + 'static {
    /// The bytes of `variant`; `None` if they are not here.
    async fn get(&self, variant: &Variant) -> PortResult<Option<Bytes>>;

    /// Keeps `bytes`, if they fit.
    async fn put(&self, variant: &Variant, bytes: Bytes) -> PortResult<()>;
}
