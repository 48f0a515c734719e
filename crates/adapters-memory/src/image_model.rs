//! A model that follows a script: for tests that need a model to be slow, to fail or to wait at a certain point.
//! Without a script it draws a pattern at once, made of the prompt and the seed.

use crate::lock;
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{BlobId, GenerationRequest, ModelCard, Progress, Seed},
    imaging::{self, Picture},
    ports::{Drawn, DrawnImage, Generated, ImageModel, Preview, SourceBytes},
};
use tokio::sync::watch;

/// The sides of a preview, in pixels.
const PREVIEW_SIDE: u32 = 16;
/// The sides of a pattern's squares, in pixels.
const SQUARE: u32 = 8;

/// One thing the model does.
#[derive(Clone, Debug)]
pub enum Step {
    /// Tells its progress.
    Progress(Progress),
    /// Shows how the picture looks so far.
    Preview(Progress),
    /// Gives the picture of this index.
    Image(u32),
    /// Fails with this message; nothing after it is done.
    Fail(ErrorKind, &'static str),
    /// Goes on once the signal was given.
    Wait(Signal),
}

/// What the model does with one request, in order.
#[derive(Clone, Debug)]
pub struct Script(Vec<Step>);

impl Script {
    /// These steps.
    pub const fn new(steps: Vec<Step>) -> Self {
        Self(steps)
    }

    /// Everything the request asks for: each step's progress, a preview before each picture, the pictures; without
    /// what the card says there is none of.
    pub fn of(request: &GenerationRequest, card: &ModelCard) -> Self {
        let mut steps = Vec::new();
        let all = request.steps * request.count;
        for image in 0..request.count {
            let progress = |step| Progress { image, step: image * request.steps + step, steps: all };
            if card.progress {
                steps.extend((1..=request.steps).map(|step| Step::Progress(progress(step))));
            }
            if card.previews {
                steps.push(Step::Preview(progress(request.steps)));
            }
            steps.push(Step::Image(image));
        }
        Self(steps)
    }

    /// Fails at once.
    pub fn failing(kind: ErrorKind, message: &'static str) -> Self {
        Self(vec![Step::Fail(kind, message)])
    }

    /// Waits for the signal before anything else.
    #[must_use]
    pub fn after(mut self, signal: &Signal) -> Self {
        self.0.insert(0, Step::Wait(signal.clone()));
        self
    }
}

/// Something that happens once; clones are the same signal.
#[derive(Clone, Debug)]
pub struct Signal(Arc<watch::Sender<bool>>);

impl Signal {
    /// A signal that was not given yet.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Gives the signal.
    pub fn give(&self) {
        self.0.send_replace(true);
    }

    /// Waits until the signal was given.
    pub async fn given(&self) {
        // An error would mean that the sender is gone, and it is ours.
        drop(self.0.subscribe().wait_for(|given| *given).await);
    }
}

impl Default for Signal {
    fn default() -> Self {
        Self::new()
    }
}

/// An [`ImageModel`] that does what it is told.
#[derive(Debug)]
pub struct ScriptedModel {
    card: ModelCard,
    refused_word: Option<&'static str>,
    scripts: Mutex<VecDeque<Script>>,
    requests: Mutex<Vec<GenerationRequest>>,
}

impl ScriptedModel {
    /// A model with this card.
    pub fn new(card: ModelCard) -> Self {
        Self { card, refused_word: None, scripts: Mutex::default(), requests: Mutex::default() }
    }

    /// Refuses every prompt that holds `word`.
    #[must_use]
    pub const fn refusing(mut self, word: &'static str) -> Self {
        self.refused_word = Some(word);
        self
    }

    /// Follows `script` with the request after those that a script was given for before.
    pub fn follow(&self, script: Script) {
        lock(&self.scripts).push_back(script);
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<GenerationRequest> {
        lock(&self.requests).clone()
    }

    fn check(&self, request: &GenerationRequest) -> PortResult<()> {
        match self.refused_word {
            Some(word) if request.prompt.as_str().contains(word) => {
                Err(failure(ErrorKind::Rejected, "the model draws no such thing"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl Default for ScriptedModel {
    fn default() -> Self {
        Self::new(ModelCard::example())
    }
}

#[async_trait]
impl ImageModel for ScriptedModel {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    async fn generate(&self, request: &GenerationRequest, _: Option<SourceBytes>) -> PortResult<Drawn> {
        lock(&self.requests).push(request.clone());
        self.check(request)?;
        let script = lock(&self.scripts).pop_front().unwrap_or_else(|| Script::of(request, &self.card));
        let steps = VecDeque::from(script.0);
        let drawn = stream::unfold((steps, request.clone()), |(mut steps, request)| async move {
            let generated = next(&mut steps, &request).await?;
            if generated.is_err() {
                steps.clear();
            }
            Some((generated, (steps, request)))
        });
        Ok(drawn.fuse().boxed())
    }
}

/// What the next step gives; `None` at the script's end.
async fn next(steps: &mut VecDeque<Step>, request: &GenerationRequest) -> Option<PortResult<Generated>> {
    loop {
        return Some(match steps.pop_front()? {
            Step::Wait(signal) => {
                signal.given().await;
                continue;
            }
            Step::Progress(progress) => Ok(Generated::Progress(progress)),
            Step::Preview(progress) => preview(request, progress),
            Step::Image(index) => image(request, index),
            Step::Fail(kind, message) => Err(failure(kind, message)),
        });
    }
}

fn failure(kind: ErrorKind, message: &'static str) -> PortError {
    PortError::new(kind, "ImageModel::generate", message)
}

fn preview(request: &GenerationRequest, progress: Progress) -> PortResult<Generated> {
    let seed = request.seed.nth(progress.image);
    let picture = pattern(request, seed, PREVIEW_SIDE, PREVIEW_SIDE)?;
    Ok(Generated::Preview(Preview { progress, picture: picture.blob }))
}

fn image(request: &GenerationRequest, index: u32) -> PortResult<Generated> {
    let seed = request.seed.nth(index);
    let Picture { blob, width, height } = pattern(request, seed, request.width, request.height)?;
    Ok(Generated::Image(DrawnImage { index, picture: blob, width, height, seed }))
}

/// Squares whose colours are bytes of the hash of prompt and seed.
fn pattern(request: &GenerationRequest, seed: Seed, width: u32, height: u32) -> PortResult<Picture> {
    let hash = BlobId::of(format!("{} {}", seed.0, request.prompt.as_str()).as_bytes());
    let colour = |x: u32, y: u32| {
        let square = (x / SQUARE * 3 + y / SQUARE * 7) as usize;
        [0, 1, 2].map(|channel| hash.as_bytes()[(square + channel) % 32])
    };
    let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| colour(x, y))).collect();
    imaging::encode_rgb(width, height, pixels, request.output_format)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_core::domain::{GenerateInput, SourceInput};

    fn request() -> GenerationRequest {
        let input = GenerateInput { prompt: Some("red heart".to_owned()), ..GenerateInput::default() };
        let card = ModelCard::example();
        GenerationRequest::resolve(&input, SourceInput::default(), &card, Seed(1)).unwrap()
    }

    #[tokio::test]
    async fn a_failure_ends_the_script() {
        let model = ScriptedModel::default();
        let failure = Step::Fail(ErrorKind::Unavailable, "no answer");
        model.follow(Script::new(vec![failure, Step::Image(0)]));
        let drawn: Vec<_> = model.generate(&request(), None).await.unwrap().collect().await;
        assert_eq!(drawn.len(), 1);
        assert!(drawn[0].is_err());
    }

    #[tokio::test]
    async fn a_script_waits_for_its_signal() {
        let (model, signal) = (ScriptedModel::default(), Signal::new());
        model.follow(Script::new(vec![Step::Image(0)]).after(&signal));
        let mut drawn = model.generate(&request(), None).await.unwrap();
        assert!(futures_util::poll!(drawn.next()).is_pending());
        signal.give();
        assert!(drawn.next().await.unwrap().is_ok());
    }
}
