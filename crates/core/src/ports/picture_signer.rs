//! The port to what vouches for pictures.

use crate::domain::Blob;
use crate::error::PortResult;
use async_trait::async_trait;
use std::fmt::Debug;

/// Signs pictures: puts a C2PA manifest into their bytes that says what made them, sealed with a certificate.
///
/// # Contract
/// - What is signed is the same picture: of the same format, and without its metadata the same bytes.
/// - It says that an algorithm that was trained made it, with which tool, and its title.
/// - What was written into it before stays.
/// - The same picture signed twice may be other bytes.
/// - It does its work off the caller's thread, in any number of calls at once.
///
/// # Errors
/// [`Data`](crate::ErrorKind::Data) if the bytes are no picture that it can sign, [`Internal`](crate::ErrorKind::Internal)
/// if signing failed. The caller then has the picture as it was.
///
/// # Cancellation
/// Leaves nothing behind.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait PictureSigner: Debug + Send + Sync + 'static {
    /// The `picture` with a manifest in it, under this title.
    async fn sign(&self, picture: &Blob, title: &str) -> PortResult<Blob>;
}
