//! A TCP stream whose end a client can see. A server that closes while a client still sends resets the connection, and
//! the reset may take the answer along: the client then sees a broken pipe instead of a refusal.

use crate::connections::Slot;
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::task::TaskTracker;

/// How long what a client still sends is taken after the last answer.
const TIME: Duration = Duration::from_secs(4);
/// How long a client may send nothing meanwhile.
const SILENCE: Duration = Duration::from_secs(1);
/// The most bytes that are taken: twice the largest body that any route takes at the default limits of images.
const BYTES: usize = 64 * 1024 * 1024;

/// Ends `stream` from this side, then discards what the client still sends, so that it can read what was sent to it.
pub(crate) async fn close(mut stream: TcpStream) {
    let deadline = Instant::now() + TIME;
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut buffer = vec![0; 16 * 1024];
    let mut taken = 0;
    while taken < BYTES {
        let until = deadline.min(Instant::now() + SILENCE);
        match timeout_at(until, stream.read(&mut buffer)).await {
            Ok(Ok(count)) if count > 0 => taken += count,
            _ => return,
        }
    }
}

/// Answers a client of whom nothing was read with these bytes, and closes.
pub(crate) async fn say_and_close(mut stream: TcpStream, bytes: &[u8]) {
    // Whoever does not take it is turned away all the same.
    if let Ok(Ok(())) = timeout(Duration::from_secs(1), stream.write_all(bytes)).await {
        close(stream).await;
    }
}

/// A connection's stream; dropped, it is [closed](close) by a task of its own, unless the client has ended it or was sent
/// nothing.
#[derive(Debug)]
pub(crate) struct Lingering {
    /// Taken when this is dropped.
    stream: Option<TcpStream>,
    /// The connection counts until it is closed.
    slot: Arc<Slot>,
    tasks: TaskTracker,
    was_answered: bool,
    /// Whether the client ended its side, or the connection broke.
    has_ended: bool,
}

impl Lingering {
    /// The stream of a connection that holds `slot`; its closing is a task of `tasks`.
    pub(crate) const fn new(stream: TcpStream, slot: Arc<Slot>, tasks: TaskTracker) -> Self {
        Self { stream: Some(stream), slot, tasks, was_answered: false, has_ended: false }
    }

    fn with<T>(
        &mut self,
        work: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let done = work(Pin::new(stream));
        self.has_ended |= matches!(done, Poll::Ready(Err(_)));
        done
    }
}

impl AsyncRead for Lingering {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = (buf.filled().len(), buf.remaining());
        let read = this.with(|stream| stream.poll_read(cx, buf));
        this.has_ended |= before.1 > 0 && read.is_ready() && buf.filled().len() == before.0;
        read
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.was_answered = true;
        this.with(|stream| stream.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().with(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().with(|stream| stream.poll_shutdown(cx))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.was_answered = true;
        this.with(|stream| stream.poll_write_vectored(cx, bufs))
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let Some(stream) = self.stream.take() else { return };
        if !self.was_answered || self.has_ended {
            return;
        }
        let slot = self.slot.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.tasks.spawn_on(
                async move {
                    close(stream).await;
                    drop(slot);
                },
                &runtime,
            );
        }
    }
}
