//! Work on bytes that anybody may have made, by code that is not ours: in a thread of its own, for a limited time.

use std::{sync::mpsc, thread, time::Duration};

/// How long the work may take.
const TIME: Duration = Duration::from_secs(30);
/// What the thread's calls may take: boxes in boxes.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// It panicked, or could not be started.
    Panicked,
    /// It took too long; it goes on until the process ends.
    TookTooLong,
}

/// The result of `work`.
pub(crate) fn watched<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Stopped> {
    run(TIME, work)
}

fn run<T: Send + 'static>(time: Duration, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Stopped> {
    let (sender, result) = mpsc::sync_channel(1);
    let builder = thread::Builder::new().name("content-credentials".to_owned()).stack_size(STACK_BYTES);
    // Who does not wait any more does not hear it.
    let started = builder.spawn(move || sender.send(work()).ok());
    if started.is_err() {
        return Err(Stopped::Panicked);
    }
    result.recv_timeout(time).map_err(|error| match error {
        mpsc::RecvTimeoutError::Timeout => Stopped::TookTooLong,
        mpsc::RecvTimeoutError::Disconnected => Stopped::Panicked,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_and_a_long_wait_are_answers() {
        assert_eq!(watched(|| 7), Ok(7));
        assert_eq!(watched(|| -> u8 { panic!("told to") }), Err(Stopped::Panicked));
        let slow = || thread::sleep(Duration::from_secs(5));
        assert_eq!(run(Duration::from_millis(1), slow), Err(Stopped::TookTooLong));
    }
}
