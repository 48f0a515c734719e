//! The stream of a job's pictures from a model that is asked for one at a time.

use super::answer::Answer;
use super::nested_pixels::RawPicture;
use super::{GENERATE, picture};
use async_trait::async_trait;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use futures_util::{StreamExt, stream};
use std::{sync::Arc, time::Duration};
use tintype_core::domain::{GenerationRequest, Seed};
use tintype_core::ports::{Drawn, DrawnImage, Generated};
use tintype_core::{ErrorKind, PortError, PortResult};

/// How long a model may take for one picture: SageMaker ends a real-time call after 60 s by itself.
const ANSWER_TIME: Duration = Duration::from_secs(65);
/// The most bytes of an answer that are read. SageMaker gives up to 6 MB at once, and later up to 1 GB: this much holds a
/// picture of 1,024 pixels squared as nested numbers.
pub(crate) const ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// Draws one picture.
#[async_trait]
pub(super) trait OnePicture: Send + Sync + 'static {
    /// The picture of `seed`.
    async fn draw(&self, request: &GenerationRequest, seed: Seed) -> PortResult<RawPicture>;
}

/// The pictures of `request`, each drawn when the stream is asked for it. The first error ends the stream.
pub(super) fn one_by_one<M: OnePicture>(model: Arc<M>, request: GenerationRequest) -> Drawn {
    let request = Arc::new(request);
    let next = move |index: u32| {
        let (model, request) = (model.clone(), request.clone());
        async move {
            if index == request.count {
                return Ok(None);
            }
            let raw = model.draw(&request, request.seed.nth(index)).await?;
            let image = finished(raw, request, index).await?;
            Ok(Some((Generated::Image(image), index + 1)))
        }
    };
    stream::try_unfold(0, next).fuse().boxed()
}

async fn finished(raw: RawPicture, request: Arc<GenerationRequest>, index: u32) -> PortResult<DrawnImage> {
    off_thread(move || picture::finish(raw, &request, index)).await
}

/// The one picture of `request` in this answer, of whatever form.
pub(crate) async fn only_picture(body: Vec<u8>, request: GenerationRequest) -> PortResult<DrawnImage> {
    let answer = read(body).await?;
    finished(answer.picture, Arc::new(request), 0).await
}

/// Reads an answer, if it is not too large.
pub(super) async fn read(body: Vec<u8>) -> PortResult<Answer> {
    if body.len() > ANSWER_BYTES {
        let message =
            format!("the model's answer has {} bytes; {ANSWER_BYTES} are read at the most", body.len());
        return Err(PortError::new(ErrorKind::Data, GENERATE, message));
    }
    off_thread(move || Answer::parse(&body)).await
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> PortResult<T> + Send + 'static,
) -> PortResult<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        let message = "the picture's decoding was cut off";
        Err(PortError::new(ErrorKind::Internal, GENERATE, message).with_source(error))
    })
}

pub(super) fn time_limits() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(ANSWER_TIME)
        .operation_timeout(ANSWER_TIME)
        .build()
}

/// The SDK repeats nothing: a drawing that was cut off may still go on, and a second one beside it costs another minute
/// of the endpoint. The job's own attempts are the budget, with their waits.
pub(super) fn no_retries() -> RetryConfig {
    RetryConfig::disabled()
}
