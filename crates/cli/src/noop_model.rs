//! The model `noop`: the same small picture at once, whatever it is asked. For load tests, where drawing would hide
//! what is measured; never a default.

use crate::settings::NOOP_MODEL;
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use tintype_core::domain::{
    BadId, FloatRange, GenerationRequest, IntRange, ModelCard, OutputFormat, Progress, limits,
};
use tintype_core::imaging::{Picture, encode_rgb};
use tintype_core::ports::{Drawn, DrawnImage, Generated, ImageModel, SourceBytes};
use tintype_core::{ErrorKind, PortError, PortResult};

/// The picture's side in pixels.
const SIDE: u32 = 64;

/// Draws the same picture at once.
#[derive(Debug)]
pub(crate) struct NoopModel {
    card: ModelCard,
    /// The picture in each of [`OutputFormat::ALL`].
    pictures: Vec<Picture>,
}

impl NoopModel {
    /// The model, with its picture in every format.
    ///
    /// # Errors
    /// If the picture can't be encoded.
    pub(crate) fn new() -> PortResult<Self> {
        let pictures = OutputFormat::ALL.into_iter().map(|format| encode_rgb(SIDE, SIDE, pixels(), format));
        Ok(Self { card: card()?, pictures: pictures.collect::<PortResult<_>>()? })
    }

    fn picture(&self, format: OutputFormat) -> PortResult<&Picture> {
        let content_type = format.content_type();
        let picture = self.pictures.iter().find(|picture| picture.blob.content_type() == content_type);
        picture.ok_or_else(|| PortError::new(ErrorKind::Internal, "ImageModel::generate", "no such format"))
    }
}

#[async_trait]
impl ImageModel for NoopModel {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    async fn generate(&self, request: &GenerationRequest, _source: Option<SourceBytes>) -> PortResult<Drawn> {
        let picture = self.picture(request.output_format)?.clone();
        let (count, seed) = (request.count, request.seed);
        let image = move |index| {
            let picture = picture.blob.clone();
            let image = DrawnImage { index, picture, width: SIDE, height: SIDE, seed: seed.nth(index) };
            let progress = Progress { image: index, step: index + 1, steps: count };
            [Ok(Generated::Progress(progress)), Ok(Generated::Image(image))]
        };
        Ok(stream::iter((0..count).flat_map(image)).boxed())
    }
}

fn card() -> PortResult<ModelCard> {
    let bad_name = |error: BadId| {
        PortError::new(ErrorKind::Internal, "ImageModel::card", "a bad name").with_source(error)
    };
    let formats = OutputFormat::ALL.to_vec();
    Ok(ModelCard {
        name: NOOP_MODEL.parse().map_err(bad_name)?,
        title: "Noop".to_owned(),
        description: "Gives the same small picture at once, for load tests.".to_owned(),
        width: IntRange::only(SIDE),
        height: IntRange::only(SIDE),
        steps: IntRange::only(1),
        guidance_scale: FloatRange { min: 0.0, max: limits::GUIDANCE_MAX, default: 1.0 },
        count: IntRange::of(1, limits::COUNT_MAX, 1),
        schedulers: vec!["none".to_owned()],
        output_formats: formats,
        negative_prompt: true,
        init_image: false,
        mask_image: false,
        progress: true,
        previews: false,
        generative: false,
        vocabulary: None,
        license: "Public domain (CC0)".to_owned(),
    })
}

/// A sheet of iron with the safelight on: grey to amber, corner to corner.
fn pixels() -> Vec<u8> {
    let shade = |x: u32, y: u32| {
        let warm = u8::try_from((x + y) * 255 / (2 * SIDE)).unwrap_or(u8::MAX);
        [64 + warm / 2, 64 + warm / 4, 64]
    };
    (0..SIDE).flat_map(|y| (0..SIDE).flat_map(move |x| shade(x, y))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_core::domain::{GenerateInput, Seed, SourceInput};

    #[tokio::test]
    async fn it_draws_what_its_card_promises() {
        let model = NoopModel::new().unwrap();
        for format in OutputFormat::ALL {
            let input = GenerateInput {
                prompt: Some("x".to_owned()),
                count: Some(3),
                output_format: Some(format.name().to_owned()),
                ..GenerateInput::default()
            };
            let request =
                GenerationRequest::resolve(&input, SourceInput::default(), model.card(), Seed(7)).unwrap();
            let drawn: Vec<_> = model.generate(&request, None).await.unwrap().collect().await;
            let seeds: Vec<_> = drawn
                .into_iter()
                .filter_map(|generated| match generated.unwrap() {
                    Generated::Image(image) => Some((image.seed.0, image.picture.content_type())),
                    Generated::Progress(_) | Generated::Preview(_) => None,
                })
                .collect();
            let kind = format.content_type();
            assert_eq!(seeds, [(7, kind), (8, kind), (9, kind)]);
        }
    }
}
