//! The contract of [`ImageModel`], case by case.

use crate::suites::{Verdict, cases};
use futures_util::{StreamExt, future::join};
use std::{collections::BTreeMap, sync::Arc};
use tintype_core::{
    ErrorKind,
    domain::{GenerationRequest, Progress, limits},
    imaging,
    ports::{Drawn, DrawnImage, Generated, ImageModel},
};

/// A model and what to ask of it.
#[derive(Clone, Debug)]
pub struct ModelFixture {
    /// The model.
    pub model: Arc<dyn ImageModel>,
    /// A request that it can draw, as small as it can be. The cases change its count, seed and encoding, as the card
    /// allows.
    pub request: GenerationRequest,
    /// A request that it refuses, if there is one.
    pub refused: Option<GenerationRequest>,
    /// Whether the same request gives the same pictures.
    pub repeatable: bool,
}

cases! { CASES of ModelFixture:
    // the card
    the_card_never_changes,
    the_cards_defaults_are_in_their_ranges,
    the_card_names_a_scheduler_and_an_encoding,
    // pictures
    every_picture_comes_once,
    every_picture_has_the_requests_size,
    every_picture_is_whole,
    every_picture_has_the_requests_encoding,
    every_picture_tells_its_seed,
    the_same_request_gives_the_same_pictures,
    the_picture_of_a_seed_does_not_depend_on_the_count,
    two_requests_at_once_are_both_drawn,
    // on the way
    progress_never_goes_back,
    progress_ends_within_its_steps,
    a_model_without_progress_gives_none,
    a_model_without_previews_gives_none,
    a_preview_fits_in_one_message,
    a_preview_is_a_picture,
    // the stream
    a_stream_that_ended_stays_ended,
    a_dropped_stream_leaves_the_model_able_to_draw,
    a_refused_prompt_is_rejected,
    an_error_is_the_last_item,
}

impl ModelFixture {
    async fn draw(&self, request: &GenerationRequest) -> Drawn {
        self.model.generate(request, None).await.expect("generate")
    }

    async fn everything(&self, request: &GenerationRequest) -> Vec<Generated> {
        let drawn: Vec<_> = self.draw(request).await.collect().await;
        drawn.into_iter().map(|generated| generated.expect("draws")).collect()
    }

    async fn pictures(&self, request: &GenerationRequest) -> BTreeMap<u32, DrawnImage> {
        let everything = self.everything(request).await;
        everything.into_iter().filter_map(picture).map(|drawn| (drawn.index, drawn)).collect()
    }

    /// The request for as many pictures as the card allows, three at most.
    fn several(&self) -> GenerationRequest {
        GenerationRequest { count: self.model.card().count.max.min(3), ..self.request.clone() }
    }

    async fn steps(&self) -> Vec<Progress> {
        let everything = self.everything(&self.several()).await;
        everything.iter().filter_map(progress).collect()
    }
}

fn picture(generated: Generated) -> Option<DrawnImage> {
    match generated {
        Generated::Image(image) => Some(image),
        Generated::Progress(_) | Generated::Preview(_) => None,
    }
}

fn progress(generated: &Generated) -> Option<Progress> {
    match generated {
        Generated::Progress(progress) => Some(*progress),
        Generated::Image(_) | Generated::Preview(_) => None,
    }
}

async fn previews(fixture: &ModelFixture) -> Vec<imaging::Picture> {
    let mut pictures = Vec::new();
    for generated in fixture.everything(&fixture.request).await {
        if let Generated::Preview(preview) = generated {
            pictures.push(imaging::check(preview.picture.bytes().clone()).expect("a whole picture"));
        }
    }
    pictures
}

// the card

async fn the_card_never_changes(fixture: ModelFixture) {
    let before = fixture.model.card().clone();
    fixture.everything(&fixture.request).await;
    assert_eq!(fixture.model.card(), &before);
}

async fn the_cards_defaults_are_in_their_ranges(fixture: ModelFixture) {
    let card = fixture.model.card();
    for range in [card.width, card.height, card.steps, card.count] {
        assert_eq!(range.pick("/range", Some(range.default.into())), Ok(range.default), "{range:?}");
    }
    let guidance = card.guidance_scale;
    assert!((guidance.min..=guidance.max).contains(&guidance.default), "{guidance:?}");
}

async fn the_card_names_a_scheduler_and_an_encoding(fixture: ModelFixture) {
    let card = fixture.model.card();
    assert!(!card.schedulers.is_empty() && !card.output_formats.is_empty());
}

// pictures

async fn every_picture_comes_once(fixture: ModelFixture) {
    let request = fixture.several();
    let everything = fixture.everything(&request).await;
    let mut indexes: Vec<_> = everything.into_iter().filter_map(picture).map(|drawn| drawn.index).collect();
    indexes.sort_unstable();
    assert_eq!(indexes, Vec::from_iter(0..request.count));
}

async fn every_picture_has_the_requests_size(fixture: ModelFixture) {
    let request = fixture.several();
    for drawn in fixture.pictures(&request).await.into_values() {
        assert_eq!((drawn.width, drawn.height), (request.width, request.height));
    }
}

async fn every_picture_is_whole(fixture: ModelFixture) {
    for drawn in fixture.pictures(&fixture.several()).await.into_values() {
        let picture = imaging::check(drawn.picture.bytes().clone()).expect("a whole picture");
        assert_eq!((picture.width, picture.height), (drawn.width, drawn.height));
    }
}

async fn every_picture_has_the_requests_encoding(fixture: ModelFixture) {
    for output_format in fixture.model.card().output_formats.clone() {
        let request = GenerationRequest { output_format, ..fixture.request.clone() };
        for drawn in fixture.pictures(&request).await.into_values() {
            assert_eq!(drawn.picture.content_type(), output_format.content_type());
            assert_eq!(imaging::recognise(drawn.picture.bytes()), Some(output_format.content_type()));
        }
    }
}

async fn every_picture_tells_its_seed(fixture: ModelFixture) {
    let request = fixture.several();
    for (index, drawn) in fixture.pictures(&request).await {
        assert_eq!(drawn.seed, request.seed.nth(index));
    }
}

fn addresses(pictures: &BTreeMap<u32, DrawnImage>) -> Vec<String> {
    pictures.values().map(|drawn| drawn.picture.id().to_string()).collect()
}

async fn the_same_request_gives_the_same_pictures(fixture: ModelFixture) -> Verdict {
    if !fixture.repeatable {
        return Verdict::Ignored("the model does not promise the same pictures");
    }
    let request = fixture.several();
    let (first, second) = (fixture.pictures(&request).await, fixture.pictures(&request).await);
    assert_eq!(addresses(&first), addresses(&second));
    Verdict::Passed
}

/// Image 1 of a job is what a job with its seed draws alone: a client can ask for it again.
async fn the_picture_of_a_seed_does_not_depend_on_the_count(fixture: ModelFixture) -> Verdict {
    let several = fixture.several();
    if !fixture.repeatable || several.count < 2 {
        return Verdict::Ignored("the model draws one picture, or does not promise the same");
    }
    let alone = GenerationRequest { count: 1, seed: several.seed.nth(1), ..several.clone() };
    let (together, alone) = (fixture.pictures(&several).await, fixture.pictures(&alone).await);
    assert_eq!(together[&1].picture.id(), alone[&0].picture.id());
    Verdict::Passed
}

async fn two_requests_at_once_are_both_drawn(fixture: ModelFixture) {
    let request = fixture.request.clone();
    let (one, other) = join(fixture.pictures(&request), fixture.pictures(&request)).await;
    let count = request.count as usize;
    assert_eq!((one.len(), other.len()), (count, count));
}

// on the way

async fn progress_never_goes_back(fixture: ModelFixture) {
    let steps: Vec<_> =
        fixture.steps().await.into_iter().map(|progress| (progress.step, progress.image)).collect();
    assert!(steps.is_sorted(), "{steps:?}");
}

async fn progress_ends_within_its_steps(fixture: ModelFixture) {
    for progress in fixture.steps().await {
        assert!(progress.step <= progress.steps && progress.image < fixture.several().count, "{progress:?}");
    }
}

async fn a_model_without_progress_gives_none(fixture: ModelFixture) -> Verdict {
    if fixture.model.card().progress {
        return Verdict::Ignored("the model tells its progress");
    }
    assert_eq!(fixture.steps().await, []);
    Verdict::Passed
}

async fn a_model_without_previews_gives_none(fixture: ModelFixture) -> Verdict {
    if fixture.model.card().previews {
        return Verdict::Ignored("the model shows previews");
    }
    assert!(previews(&fixture).await.is_empty());
    Verdict::Passed
}

async fn a_preview_fits_in_one_message(fixture: ModelFixture) {
    for generated in fixture.everything(&fixture.request).await {
        if let Generated::Preview(preview) = generated {
            assert!(preview.picture.bytes().len() <= limits::CHUNK_BYTES, "{:?}", preview.picture);
        }
    }
}

async fn a_preview_is_a_picture(fixture: ModelFixture) {
    previews(&fixture).await;
}

// the stream

async fn a_stream_that_ended_stays_ended(fixture: ModelFixture) {
    let mut drawn = fixture.draw(&fixture.request).await;
    while drawn.next().await.is_some() {}
    for _ in 0..3 {
        assert!(drawn.next().await.is_none());
    }
}

async fn a_dropped_stream_leaves_the_model_able_to_draw(fixture: ModelFixture) {
    let mut drawn = fixture.draw(&fixture.request).await;
    drawn.next().await.expect("something comes").expect("draws");
    drop(drawn);
    assert_eq!(fixture.pictures(&fixture.request).await.len(), fixture.request.count as usize);
}

/// What a refused request gives: the call's own error, or the stream's items.
async fn refusal(fixture: &ModelFixture, refused: &GenerationRequest) -> Vec<Result<(), ErrorKind>> {
    match fixture.model.generate(refused, None).await {
        Err(error) => vec![Err(error.kind())],
        Ok(drawn) => drawn.map(|item| item.map(drop).map_err(|error| error.kind())).collect().await,
    }
}

async fn a_refused_prompt_is_rejected(fixture: ModelFixture) -> Verdict {
    let Some(refused) = &fixture.refused else { return Verdict::Ignored("the model refuses nothing") };
    let items = refusal(&fixture, refused).await;
    assert!(items.contains(&Err(ErrorKind::Rejected)), "{items:?}");
    Verdict::Passed
}

async fn an_error_is_the_last_item(fixture: ModelFixture) -> Verdict {
    let Some(refused) = &fixture.refused else { return Verdict::Ignored("the model refuses nothing") };
    let items = refusal(&fixture, refused).await;
    assert_eq!(items.iter().position(Result::is_err), Some(items.len() - 1), "{items:?}");
    Verdict::Passed
}
