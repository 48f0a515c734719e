//! The threads that read. In WAL mode they never wait for the writer, nor it for them.

use crate::error::{Fault, OpenError};
use rusqlite::Connection;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread::JoinHandle,
};
use tintype_core::PortResult;
use tokio::sync::oneshot;

/// Reads are short and mostly from memory: a few threads keep up with many callers.
const THREADS: usize = 3;

type Read = Box<dyn FnOnce(&Connection) + Send>;

/// Threads with a read-only connection each; they end when this is dropped.
pub(super) struct Readers {
    inbox: Option<Sender<Read>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(super) fn start(
        open: impl Fn() -> Result<Connection, OpenError>,
        folder: &Path,
    ) -> Result<Self, OpenError> {
        let (inbox, reads) = mpsc::channel();
        let reads = Arc::new(Mutex::new(reads));
        let mut readers = Self { inbox: Some(inbox), threads: Vec::new() };
        for _ in 0..THREADS {
            let connection = open()?;
            let reads = Arc::clone(&reads);
            let thread = std::thread::Builder::new()
                .name("tintype-read".to_owned())
                .spawn(move || run(&connection, &reads))
                .map_err(|source| OpenError::File { path: folder.to_owned(), source })?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    pub(super) fn submit<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> oneshot::Receiver<PortResult<T>> {
        let (sender, answer) = oneshot::channel();
        let read: Read = Box::new(move |connection| {
            let outcome = work(connection).map_err(|fault| fault.into_port(operation));
            // Whoever asked may be gone.
            drop(sender.send(outcome));
        });
        if let Some(inbox) = &self.inbox {
            // A closed inbox drops the read, and the one who asked hears of it.
            drop(inbox.send(read));
        }
        answer
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.inbox = None;
        self.threads.drain(..).for_each(super::writer::join);
    }
}

fn run(connection: &Connection, reads: &Mutex<Receiver<Read>>) {
    loop {
        let next = reads.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(read) = next else { return };
        if catch_unwind(AssertUnwindSafe(|| read(connection))).is_err() {
            tracing::error!("a read of the database panicked");
        }
    }
}
