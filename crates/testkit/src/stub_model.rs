//! A model for the workflow's cases: it draws one colour at once, unless it was told to fail or to wait.

use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt, future, stream};
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};
use tintype_core::{
    domain::{GenerationRequest, ModelCard},
    error::{ErrorKind, PortError, PortResult},
    imaging,
    ports::{Drawn, DrawnImage, Generated, ImageModel, SourceBytes},
};
use tokio::sync::Notify;

/// What the model does with its next request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Ends with an error of this kind.
    Fail(ErrorKind),
    /// Draws nothing, and never ends.
    Hang,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct StubModel {
    card: ModelCard,
    acts: Mutex<VecDeque<Act>>,
    asked: Notify,
}

impl Default for StubModel {
    fn default() -> Self {
        Self { card: ModelCard::example(), acts: Mutex::default(), asked: Notify::new() }
    }
}

impl StubModel {
    /// Makes the model do this with the request after those that it was told of before.
    pub(crate) fn next(&self, act: Act) {
        self.acts.lock().unwrap_or_else(PoisonError::into_inner).push_back(act);
    }

    /// Waits until the model was asked to draw.
    pub(crate) async fn asked(&self) {
        self.asked.notified().await;
    }
}

#[async_trait]
impl ImageModel for StubModel {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    async fn generate(&self, request: &GenerationRequest, _: Option<SourceBytes>) -> PortResult<Drawn> {
        let act = self.acts.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        self.asked.notify_one();
        Ok(match act {
            Some(Act::Fail(kind)) => {
                let error = PortError::new(kind, "ImageModel::generate", "the case wants it so");
                stream::once(future::ready(Err(error))).boxed()
            }
            Some(Act::Hang) => future::pending().into_stream().boxed(),
            None => {
                let images: Vec<_> = (0..request.count).map(|index| draw(request, index)).collect();
                stream::iter(images).boxed()
            }
        })
    }
}

fn draw(request: &GenerationRequest, index: u32) -> PortResult<Generated> {
    let seed = request.seed.nth(index);
    let pixels = seed.0.to_be_bytes()[1..].repeat((request.width * request.height) as usize);
    let picture = imaging::encode_rgb(request.width, request.height, pixels, request.output_format)?;
    let (width, height) = (picture.width, picture.height);
    Ok(Generated::Image(DrawnImage { index, picture: picture.blob, width, height, seed }))
}
