//! Bounds on what requests may take at the same time: memory for large bodies, threads for pictures.

use crate::problem::{Answer, Code, Problem, chain};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

/// How many KiB of large bodies may be held at the same time: one of the largest uploads, or several smaller ones.
const BODIES_KIB: u32 = 16 * 1024;
/// How many pictures may be unpacked at the same time: the largest takes some 70 MB for a moment.
const PICTURES: usize = 1;
/// How many lists may be read and written at the same time: the longest page takes some 10 MB until it is JSON.
const LISTS: usize = 4;
/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server's gates; clones share them.
#[derive(Clone)]
pub(crate) struct Gates {
    bodies: Arc<Semaphore>,
    pictures: Arc<Semaphore>,
    lists: Arc<Semaphore>,
    #[cfg(feature = "socket")]
    waiters: Arc<Semaphore>,
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            bodies: Arc::new(Semaphore::new(BODIES_KIB as usize)),
            pictures: Arc::new(Semaphore::new(PICTURES)),
            lists: Arc::new(Semaphore::new(LISTS)),
            #[cfg(feature = "socket")]
            waiters: Arc::new(Semaphore::new(tintype_core::domain::limits::WAITERS_MAX)),
        }
    }
}

impl Gates {
    /// Waits for room for a body of this many bytes; the room is given back when the permit is dropped.
    pub(crate) async fn body(&self, bytes: usize) -> Answer<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).min(BODIES_KIB);
        let room = self.bodies.clone().acquire_many_owned(kib);
        admitted(timeout(PATIENCE, room).await.ok().and_then(Result::ok))
    }

    /// Does slow work on a picture, on a thread of its own, when its turn comes.
    pub(crate) async fn picture<T, F>(&self, work: F) -> Answer<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Answer<T> + Send + 'static,
    {
        Ok(self.turn().await?.work(work).await?.result)
    }

    /// Waits for the turn to read a list; it lasts until the permit is dropped.
    pub(crate) async fn list(&self) -> Answer<OwnedSemaphorePermit> {
        let permit = timeout(PATIENCE, self.lists.clone().acquire_owned()).await.ok().and_then(Result::ok);
        permit
            .ok_or_else(|| Problem::new(Code::Unavailable, "the server is busy with other lists; try again"))
    }

    /// The right to wait for the end of a job; `None` where too many do.
    #[cfg(feature = "socket")]
    pub(crate) fn waiter(&self) -> Option<OwnedSemaphorePermit> {
        self.waiters.clone().try_acquire_owned().ok()
    }

    /// Waits for the turn to do slow work on a picture.
    pub(crate) async fn turn(&self) -> Answer<Turn> {
        let turn = self.pictures.clone().acquire_owned();
        admitted(timeout(PATIENCE, turn).await.ok().and_then(Result::ok))
            .map(|permit| Turn { _permit: permit })
    }
}

/// The turn to do slow work on a picture; the next comes when it is dropped.
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
}

/// What came of some work, and the turn it was done in.
pub(crate) struct Done<T> {
    pub(crate) result: T,
    pub(crate) turn: Turn,
}

impl Turn {
    /// Does the work on a thread of its own; it keeps the turn if nobody waits for it any more.
    pub(crate) async fn work<T, F>(self, work: F) -> Answer<Done<T>>
    where
        T: Send + 'static,
        F: FnOnce() -> Answer<T> + Send + 'static,
    {
        let done = spawn_blocking(move || work().map(|result| Done { result, turn: self }));
        done.await.map_err(|error| Problem::internal(chain(&error)))?
    }
}

fn admitted<T>(permit: Option<T>) -> Answer<T> {
    permit.ok_or_else(|| Problem::new(Code::Unavailable, "the server is busy with other pictures; try again"))
}
