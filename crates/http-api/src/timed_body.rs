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

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt, stream};
    use std::convert::Infallible;

    /// What becomes of a body of which `part` bytes come each `pause`, up to `total`.
    async fn sent(part: usize, pause: Duration, total: usize) -> Result<usize, String> {
        let parts = stream::iter(0..total / part).then(move |_| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, Infallible>(Frame::data(Bytes::from(vec![0; part])))
        });
        let body = http_body_util::StreamBody::new(Box::pin(parts));
        let mut body = axum::body::Body::new(TimedBody::new(body)).into_data_stream();
        let mut received = 0;
        while let Some(part) = body.next().await {
            received += part.map_err(|error| error.to_string())?.len();
        }
        Ok(received)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_cut_off() {
        let error = sent(1, Duration::from_secs(1), 1_000).await.unwrap_err();
        assert!(error.contains(TOO_SLOW), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_body_at_a_fair_pace_arrives() {
        assert_eq!(sent(100_000, Duration::from_secs(1), 10_000_000).await, Ok(10_000_000));
    }
}
