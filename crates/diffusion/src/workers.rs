//! The engine's threads. Drawing takes seconds of pure arithmetic, so it stays off the caller's async runtime, and no
//! more of it runs at a time than the settings allow. Threads start with the first drawing.

use crate::error::{EngineError, EngineResult};
use crate::settings::Settings;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

type Task = Box<dyn FnOnce() + Send>;

/// A queue of drawings and the threads that take from it.
#[derive(Debug)]
pub(crate) struct Workers {
    settings: Settings,
    started: Mutex<Option<Started>>,
}

#[derive(Debug)]
struct Started {
    queue: Sender<Task>,
    /// One for each worker: what runs inside a pool computes on its threads only.
    _pools: Vec<ThreadPool>,
}

impl Workers {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, started: Mutex::new(None) }
    }

    /// Runs `task` when a worker is free. A task that panics takes nothing else with it.
    pub(crate) fn run(&self, task: impl FnOnce() + Send + 'static) -> EngineResult<()> {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let started = match &mut *started {
            Some(started) => started,
            none => none.insert(Started::new(self.settings)?),
        };
        started.queue.send(Box::new(task)).map_err(|_| EngineError::Stopped)
    }
}

impl Started {
    fn new(settings: Settings) -> EngineResult<Self> {
        let (queue, tasks) = channel();
        let tasks = Arc::new(Mutex::new(tasks));
        let pools = (0..settings.workers.get()).map(|_| start_worker(settings, Arc::clone(&tasks)));
        Ok(Self { queue, _pools: pools.collect::<EngineResult<_>>()? })
    }
}

fn start_worker(settings: Settings, tasks: Arc<Mutex<Receiver<Task>>>) -> EngineResult<ThreadPool> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(settings.threads.get())
        .thread_name(|_| "tintype-diffusion".to_owned())
        .build()
        .map_err(|error| EngineError::Threads(std::io::Error::other(error)))?;
    // The loop lives on one of the pool's own threads, until the queue's sender is dropped.
    pool.spawn(move || {
        while let Some(task) = next(&tasks) {
            // What the task owes its reader is settled by the outbox, which it drops when it unwinds.
            drop(catch_unwind(AssertUnwindSafe(task)));
        }
    });
    Ok(pool)
}

fn next(tasks: &Mutex<Receiver<Task>>) -> Option<Task> {
    tasks.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroUsize;

    #[test]
    fn a_panic_leaves_the_worker_at_work() {
        let one = NonZeroUsize::MIN;
        let workers = Workers::new(Settings { workers: one, threads: one, preview_every: 0 });
        workers.run(|| panic!("a test of what happens then")).unwrap();
        let (done, result) = channel();
        workers.run(move || done.send(rayon::current_num_threads()).unwrap()).unwrap();
        assert_eq!(result.recv(), Ok(1));
    }
}
