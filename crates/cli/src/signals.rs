//! Ctrl-C, SIGTERM and SIGHUP. The first of them drains a server. A second Ctrl-C or SIGTERM ends it at once; a SIGHUP never
//! does, because one often comes twice, or together with a SIGTERM. A command that draws stops its job.

use crate::failure::{Exit, Failure, Outcome};
#[cfg(unix)]
use crate::system;
use tokio_util::sync::CancellationToken;

/// The exit code of a process that SIGTERM ended, as shells count it.
#[cfg(unix)]
const TERMINATED: i32 = 143;

/// Cancels `shutdown` at the first signal, and then calls `on_first`: whatever it tells can't keep the server. A process that
/// was started to ignore SIGHUP goes on ignoring it.
///
/// # Errors
/// If the operating system takes no handler.
pub(crate) fn watch(shutdown: CancellationToken, on_first: impl FnOnce() + Send + 'static) -> Outcome {
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        let mut orders = u32::from(signals.next().await.is_some());
        shutdown.cancel();
        on_first();
        loop {
            if let Some(code) = signals.next().await {
                orders += 1;
                if orders > 1 {
                    std::process::exit(code);
                }
            }
        }
    });
    Ok(())
}

/// Ctrl-C at a command that draws. It is caught from when this is made, so that what is begun after it can be undone.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct Interruption(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Interruption {
    /// Catches Ctrl-C from now on.
    ///
    /// # Errors
    /// If the operating system takes no handler.
    pub(crate) fn listen() -> Outcome<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let handler = signal(SignalKind::interrupt());
        handler.map(Self).map_err(|error| Failure::failed(format!("can't handle signals: {error}")))
    }

    /// Comes back when the person at the keyboard presses Ctrl-C; called again, at the next time.
    pub(crate) async fn came(&mut self) {
        self.0.recv().await;
    }
}

/// Ctrl-C at a command that draws.
#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct Interruption;

#[cfg(not(unix))]
impl Interruption {
    /// Ready to catch Ctrl-C.
    ///
    /// # Errors
    /// Never.
    pub(crate) fn listen() -> Outcome<Self> {
        Ok(Self)
    }

    /// Comes back when the person at the keyboard presses Ctrl-C; called again, at the next time.
    pub(crate) async fn came(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler the signal ends the process by itself.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// `None`: it is ignored.
    hangup: Option<tokio::signal::unix::Signal>,
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
            hangup: (!system::ignores_hangup()).then(|| handler(SignalKind::hangup())).transpose()?,
        })
    }

    /// Waits for a signal; returns the exit code that goes with it, if it may end the process at once.
    async fn next(&mut self) -> Option<i32> {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Some(Exit::Interrupted as i32),
            _ = self.terminate.recv() => Some(TERMINATED),
            _ = hangup => None,
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

    async fn next(&mut self) -> Option<i32> {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Some(Exit::Interrupted as i32)
    }
}
