//! What a function does while it asks for its first event, and must not hold that up.

use tokio::{runtime::Handle, task::spawn_blocking};

/// Carries `work` through on a thread of its own: opening the first connection computes for milliseconds without a pause.
///
/// # Panics
/// Outside of a runtime.
pub fn aside(work: impl Future<Output = ()> + Send + 'static) {
    let runtime = Handle::current();
    spawn_blocking(move || runtime.block_on(work));
}
