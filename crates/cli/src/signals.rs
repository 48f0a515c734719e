//! Ctrl-C and SIGTERM: the first asks the server to stop, the second ends the process at once.

use crate::failure::{Exit, Failure, Outcome};
use tokio_util::sync::CancellationToken;

/// The exit code of a process that SIGTERM ended, as shells count it.
#[cfg(unix)]
const TERMINATED: i32 = 143;

/// Cancels `shutdown` at the first signal, after calling `on_first`.
///
/// # Errors
/// If the operating system takes no handler.
pub(crate) fn watch(shutdown: CancellationToken, on_first: impl FnOnce() + Send + 'static) -> Outcome {
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        signals.next().await;
        on_first();
        shutdown.cancel();
        let code = signals.next().await;
        std::process::exit(code);
    });
    Ok(())
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Outcome<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let handler =
            |kind| signal(kind).map_err(|error| Failure::failed(format!("can't handle signals: {error}")));
        Ok(Self {
            interrupt: handler(SignalKind::interrupt())?,
            terminate: handler(SignalKind::terminate())?,
        })
    }

    /// Waits for a signal; returns the exit code that goes with it.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted as i32,
            _ = self.terminate.recv() => TERMINATED,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Outcome<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> i32 {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Exit::Interrupted as i32
    }
}
