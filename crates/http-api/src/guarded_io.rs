//! A TCP stream that gives up on a client that is slow: to say its first byte, to finish a request's head, to take
//! what is sent to it.

use crate::connections::Slot;
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// A timer that is made when it is first needed.
#[derive(Debug, Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn disarm(&mut self) {
        self.0 = None;
    }

    /// Arms it unless it runs.
    fn arm(&mut self, limit: Duration) {
        self.0.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
    }

    fn expired(&mut self, cx: &mut Context<'_>) -> bool {
        self.0.as_mut().is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready())
    }
}

/// What the connection's service knows of its requests: their heads' count, and whether one is being answered.
#[derive(Clone, Debug)]
pub(crate) struct Requests(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    begun: AtomicU32,
    answered: AtomicU32,
    /// How many answers have no more parts to send.
    ended: AtomicU32,
    slot: Arc<Slot>,
}

impl Requests {
    /// The requests of the connection that holds this slot. It is held as long as the connection's socket is open,
    /// also as a WebSocket.
    pub(crate) fn of(slot: Arc<Slot>) -> Self {
        let (begun, answered, ended) = Default::default();
        Self(Arc::new(Counts { begun, answered, ended, slot }))
    }

    /// A request's head has come; what follows is its body.
    pub(crate) fn begin(&self) {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        self.0.slot.busy();
    }

    /// The last part of an answer was taken from its body; it may be on its way for a while.
    pub(crate) fn end(&self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// How many answers have ended, if all have.
    fn all_ended(&self) -> Option<u32> {
        let ended = self.0.ended.load(Ordering::Relaxed);
        (ended == self.begun()).then_some(ended)
    }

    /// It was answered; what follows is the next head.
    pub(crate) fn answer(&self) {
        self.0.answered.fetch_add(1, Ordering::Relaxed);
    }

    fn begun(&self) -> u32 {
        self.0.begun.load(Ordering::Relaxed)
    }

    fn all_answered(&self) -> bool {
        self.begun() == self.0.answered.load(Ordering::Relaxed)
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct GuardedIo<S> {
    inner: S,
    requests: Requests,
    /// How many heads had come when the head's timer was last looked at.
    seen: u32,
    /// How many answers had been handed to the system when the connection was last said to be idle.
    rested: u32,
    head_limit: Duration,
    write_limit: Duration,
    head: Timer,
    write: Timer,
}

impl<S> GuardedIo<S> {
    /// Guards `inner`: its first request's head must come within `head_limit` of now, a later one within that of its
    /// first byte, and a client that takes nothing for `write_limit` is cut off.
    pub(crate) fn new(inner: S, requests: Requests, head_limit: Duration, write_limit: Duration) -> Self {
        let mut head = Timer::default();
        head.arm(head_limit);
        Self { inner, requests, seen: 0, rested: 0, head_limit, write_limit, head, write: Timer::default() }
    }

    fn guard_head(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.head.expired(cx) { Err(timed_out("the head of a request did not come")) } else { Ok(()) }
    }

    fn guard_write<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write.disarm();
            return written;
        }
        self.write.arm(self.write_limit);
        if self.write.expired(cx) { Poll::Ready(Err(timed_out("the client takes nothing"))) } else { written }
    }
}

fn timed_out(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl<S: AsyncRead + Unpin> AsyncRead for GuardedIo<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.seen != this.requests.begun() {
            this.seen = this.requests.begun();
            this.head.disarm();
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut this.inner).poll_read(cx, buf);
        if this.requests.all_answered() && buf.filled().len() > before {
            this.head.arm(this.head_limit);
        }
        this.guard_head(cx)?;
        ready!(read)?;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for GuardedIo<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write(cx, buf);
        this.guard_write(written, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.inner).poll_flush(cx);
        // hyper flushes when it has nothing more to write.
        if flushed.is_ready()
            && let Some(ended) = this.requests.all_ended().filter(|ended| *ended != this.rested)
        {
            this.rested = ended;
            this.requests.0.slot.idle();
        }
        this.guard_write(flushed, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.inner).poll_shutdown(cx);
        this.guard_write(shut, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write_vectored(cx, bufs);
        this.guard_write(written, cx)
    }
}
