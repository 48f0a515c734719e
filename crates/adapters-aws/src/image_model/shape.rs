//! The forms in which SageMaker endpoints want to be asked, by the names that `SAGEMAKER_SHAPE` takes.

use super::answer::Form;
use std::str::FromStr;

/// How an endpoint is asked, and what it answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `text`: the prompt as plain text; `{"generated_image": [[[r, g, b]]], "prompt"}`. It takes no size, no steps and
    /// no seed.
    Text,
    /// `diffusers`: `{prompt, width, height, num_inference_steps, ...}`; `{"generated_images": [...]}`.
    Diffusers,
    /// `stability-v1`: `{text_prompts, cfg_scale, ...}`; `{"generated_image": "<base64>"}`.
    StabilityV1,
    /// `artifacts`: asked as `stability-v1`; `{"artifacts": [{"base64", "seed", "finishReason"}]}`.
    Artifacts,
    /// `stability-v3`: `{prompt, aspect_ratio, output_format, mode, seed}`; `{"images": [...]}`, also inside `"body"`.
    StabilityV3,
}

impl Shape {
    /// Every shape, in the order in which `auto` tries them: what most endpoints take comes first, and plain text,
    /// which says the least of what is wanted, last. `artifacts` is not tried: it is asked as `stability-v1`.
    pub(super) const TRIED: [Self; 4] = [Self::Diffusers, Self::StabilityV3, Self::StabilityV1, Self::Text];

    const ALL: [Self; 5] =
        [Self::Text, Self::Diffusers, Self::StabilityV1, Self::Artifacts, Self::StabilityV3];

    /// The shape's name in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Diffusers => "diffusers",
            Self::StabilityV1 => "stability-v1",
            Self::Artifacts => "artifacts",
            Self::StabilityV3 => "stability-v3",
        }
    }

    /// The shape of an endpoint that was asked in this one and answered in that form. `generated_image` says little:
    /// several kinds of endpoints use it, so it confirms what was asked.
    pub(super) const fn confirmed_by(self, form: Form) -> Self {
        match (form, self) {
            (Form::Artifacts, _) => Self::Artifacts,
            (Form::Images, _) => Self::StabilityV3,
            (Form::GeneratedImages, Self::Text) => Self::Text,
            (Form::GeneratedImages, _) => Self::Diffusers,
            (Form::GeneratedImage, Self::Artifacts) => Self::StabilityV1,
            (Form::GeneratedImage, asked) => asked,
        }
    }

    /// Whether both are asked in the same way.
    pub(super) fn is_asked_like(self, other: Self) -> bool {
        let asked = |shape| if shape == Self::Artifacts { Self::StabilityV1 } else { shape };
        asked(self) == asked(other)
    }
}

/// What the configuration says of an endpoint's shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShapeChoice {
    /// `auto`: found out with the first picture, and remembered by the process.
    #[default]
    Auto,
    /// This one.
    Fixed(Shape),
}

impl ShapeChoice {
    /// The shape to ask in where nothing can be tried, because the answer comes later.
    pub(crate) const fn without_trying(self) -> Shape {
        match self {
            Self::Auto => Shape::TRIED[0],
            Self::Fixed(shape) => shape,
        }
    }
}

/// A text that names no shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no shape; it must be auto, text, diffusers, stability-v1, artifacts or stability-v3")]
pub struct UnknownShape(String);

impl FromStr for ShapeChoice {
    type Err = UnknownShape;

    fn from_str(text: &str) -> Result<Self, UnknownShape> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let named = Shape::ALL.into_iter().find(|shape| shape.name() == text);
        named.map(Self::Fixed).ok_or_else(|| UnknownShape(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_has_a_name_that_configurations_take() {
        for shape in Shape::ALL {
            assert_eq!(shape.name().parse(), Ok(ShapeChoice::Fixed(shape)));
        }
        assert_eq!("auto".parse(), Ok(ShapeChoice::Auto));
        let error = "sdxl".parse::<ShapeChoice>().unwrap_err().to_string();
        assert!(Shape::ALL.iter().all(|shape| error.contains(shape.name())), "{error}");
    }

    #[test]
    fn every_shape_is_tried_in_one_way_of_asking() {
        for shape in Shape::ALL {
            assert_eq!(
                Shape::TRIED.iter().filter(|tried| tried.is_asked_like(shape)).count(),
                1,
                "{shape:?}"
            );
        }
    }
}
