//! A request's body that must keep coming: a client that drips it is cut off.

use crate::body::TOO_SLOW;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a body may take on top of its rate.
const GRACE: Duration = Duration::from_secs(20);
/// The least bytes a second, on the average since the start.
const RATE: u64 = 64 * 1024;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A body with a deadline that every byte moves on a little.
pub(crate) struct TimedBody<B> {
    inner: B,
    /// When it was first asked for: what waits for its turn is not slow.
    started: Option<Instant>,
    received: u64,
    /// Boxed, because most bodies never wait.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<B> TimedBody<B> {
    pub(crate) const fn new(inner: B) -> Self {
        Self { inner, started: None, received: 0, deadline: None }
    }

    fn due(&mut self) -> Instant {
        *self.started.get_or_insert_with(Instant::now) + GRACE + Duration::from_secs(self.received / RATE)
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for TimedBody<B>
where
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let due = this.due();
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            if let Some(Ok(frame)) = &frame {
                this.received += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let deadline = this.deadline.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if deadline.deadline() != due {
            deadline.as_mut().reset(due);
        }
        match deadline.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(TOO_SLOW.into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
