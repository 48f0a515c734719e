//! The async runtime of the commands that need one.

use crate::failure::{Failure, Outcome};
use tokio::runtime::{Builder, Runtime};

/// Starts a runtime with a thread per processor.
///
/// # Errors
/// If the operating system gives no threads.
pub(crate) fn start() -> Outcome<Runtime> {
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("can't start threads: {error}")))
}
