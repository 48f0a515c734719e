//! What the engine has to say, on its way to whoever polls. The engine never waits: while nobody reads, progress and
//! previews replace each other, so that at most one of each waits before each picture, and no picture is lost.

use futures_util::{stream::Stream, task::AtomicWaker};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tintype_core::PortResult;
use tintype_core::domain::Progress;
use tintype_core::ports::{DrawnImage, Generated, Preview};

use crate::error::{EngineError, EngineResult};

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    reader: AtomicWaker,
    canceled: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<PortResult<Generated>>,
    ended: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The engine's end. Dropped without [`finish`](Self::finish), it tells the reader that the engine stopped.
#[derive(Debug)]
pub(crate) struct Outbox(Arc<Shared>);

impl Outbox {
    /// Whether the reader is gone.
    pub(crate) fn is_canceled(&self) -> bool {
        self.0.canceled.load(Ordering::Acquire)
    }

    /// Whether a preview would be seen: the last one was.
    pub(crate) fn wants_preview(&self) -> bool {
        let is_preview = |item: &PortResult<Generated>| matches!(item, Ok(Generated::Preview(_)));
        !self.0.lock().waiting.iter().any(is_preview)
    }

    pub(crate) fn progress(&self, progress: Progress) {
        self.put(Generated::Progress(progress), |waiting| matches!(waiting, Generated::Progress(_)));
    }

    pub(crate) fn preview(&self, preview: Preview) {
        let stale = |waiting: &Generated| !matches!(waiting, Generated::Image(_));
        self.put(Generated::Preview(preview), stale);
    }

    pub(crate) fn image(&self, image: DrawnImage) {
        self.put(Generated::Image(image), |_| false);
    }

    /// The last word.
    pub(crate) fn finish(self, result: EngineResult<()>) {
        self.end(result);
    }

    /// Puts `item` in place of what is `stale` at the end of the queue.
    fn put(&self, item: Generated, stale: impl Fn(&Generated) -> bool) {
        let mut state = self.0.lock();
        while matches!(state.waiting.back(), Some(Ok(last)) if stale(last)) {
            state.waiting.pop_back();
        }
        state.waiting.push_back(Ok(item));
        drop(state);
        self.0.reader.wake();
    }

    fn end(&self, result: EngineResult<()>) {
        let mut state = self.0.lock();
        if !state.ended {
            state.ended = true;
            state.waiting.extend(result.err().map(|error| Err(error.into())));
        }
        drop(state);
        self.0.reader.wake();
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.end(Err(EngineError::Stopped));
    }
}

type Start = Box<dyn FnOnce(Outbox) + Send>;

/// The reader's end. Starts the work when it is first polled; dropped, it cancels it.
pub(crate) struct Inbox {
    start: Option<Start>,
    shared: Arc<Shared>,
}

impl Inbox {
    /// `start` hands the outbox to the engine, or finishes it with an error.
    pub(crate) fn new(start: impl FnOnce(Outbox) + Send + 'static) -> Self {
        Self { start: Some(Box::new(start)), shared: Arc::default() }
    }
}

impl Stream for Inbox {
    type Item = PortResult<Generated>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.shared.reader.register(context.waker());
        if let Some(start) = self.start.take() {
            start(Outbox(Arc::clone(&self.shared)));
        }
        let mut state = self.shared.lock();
        match state.waiting.pop_front() {
            Some(item) => Poll::Ready(Some(item)),
            None if state.ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.shared.canceled.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_executor::block_on_stream;
    use tintype_core::ErrorKind;

    fn progress(step: u32) -> Progress {
        Progress { image: 0, step, steps: 9 }
    }

    #[test]
    fn progress_that_nobody_reads_takes_no_room() {
        let inbox = Inbox::new(|outbox| {
            (1..=9).for_each(|step| outbox.progress(progress(step)));
            outbox.finish(Ok(()));
        });
        let all: Vec<_> = block_on_stream(inbox).map(Result::unwrap).collect();
        assert!(matches!(all[..], [Generated::Progress(Progress { step: 9, .. })]), "{all:?}");
    }

    #[test]
    fn an_engine_that_panics_is_an_error_and_not_a_hang() {
        let panics = |outbox: Outbox| {
            std::thread::spawn(move || {
                let _held = outbox;
                panic!("a test of what happens then");
            });
        };
        let all: Vec<_> = block_on_stream(Inbox::new(panics)).collect();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].as_ref().unwrap_err().kind(), ErrorKind::Internal);
    }

    #[test]
    fn nothing_starts_before_the_first_poll() {
        drop(Inbox::new(|_| panic!("it started")));
    }
}
