//! The kinds of models on Bedrock that draw from a text: what each can do, and how it is asked.

use super::amazon::TextImage;
use crate::image_model::request::{StabilityV3, written};
use tintype_core::PortResult;
use tintype_core::domain::{
    FloatRange, GenerationRequest, IntRange, ModelCard, ModelName, OutputFormat, Seed,
};

/// Models that are asked alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Stable Diffusion 3 and 3.5, Stable Image Core and Ultra.
    Stability,
    /// Amazon Nova Canvas.
    NovaCanvas,
    /// Amazon Titan Image Generator G1 v2.
    TitanV2,
}

/// The ids, without what comes before them in an inference profile and the version after them.
const IDS: [(&str, Family); 6] = [
    ("stability.sd3-5-large", Family::Stability),
    ("stability.sd3-large", Family::Stability),
    ("stability.stable-image-core", Family::Stability),
    ("stability.stable-image-ultra", Family::Stability),
    ("amazon.nova-canvas", Family::NovaCanvas),
    ("amazon.titan-image-generator-v2", Family::TitanV2),
];

/// An id of a model that can't be asked here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no known image model on Bedrock; known are {known}", known = known())]
pub struct UnknownModel(String);

fn known() -> String {
    IDS.map(|(id, _)| id).join(", ")
}

impl Family {
    pub(super) fn of(model_id: &str) -> Result<Self, UnknownModel> {
        let found = IDS.iter().find(|(id, _)| model_id.contains(id));
        found.map(|(_, family)| *family).ok_or_else(|| UnknownModel(model_id.to_owned()))
    }

    /// What such a model can do. None of them takes a number of steps.
    pub(super) fn card(self, name: ModelName) -> ModelCard {
        let side = self.side();
        ModelCard {
            title: name.to_string(),
            name,
            description: self.description().to_owned(),
            width: side,
            height: side,
            steps: IntRange::only(1),
            guidance_scale: self.guidance(),
            count: IntRange::of(1, 4, 1),
            schedulers: vec!["default".to_owned()],
            output_formats: OutputFormat::ALL.to_vec(),
            negative_prompt: true,
            init_image: false,
            mask_image: false,
            progress: false,
            previews: false,
            generative: true,
            vocabulary: None,
            license: "The provider's terms for the model on Amazon Bedrock.".to_owned(),
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::Stability => {
                "A Stability AI model on Amazon Bedrock. It draws in the ratios 1:1, 16:9, 21:9, 2:3, 3:2, 4:5, 5:4, \
                 9:16 and 9:21; steps and guidance are its own."
            }
            Self::NovaCanvas => {
                "Amazon Nova Canvas on Amazon Bedrock. It draws up to 4,194,304 pixels in proportions from 1:4 to 4:1; \
                 steps are its own."
            }
            Self::TitanV2 => {
                "Amazon Titan Image Generator G1 v2 on Amazon Bedrock. It draws in a list of sizes; steps are its own."
            }
        }
    }

    const fn side(self) -> IntRange {
        match self {
            Self::Stability => IntRange { min: 512, max: 1536, step: 64, default: 1024 },
            Self::NovaCanvas => IntRange { min: 320, max: 4096, step: 16, default: 1024 },
            Self::TitanV2 => IntRange { min: 320, max: 1408, step: 64, default: 1024 },
        }
    }

    const fn guidance(self) -> FloatRange {
        match self {
            Self::Stability => FloatRange { min: 1.0, max: 1.0, default: 1.0 },
            Self::NovaCanvas => FloatRange { min: 1.1, max: 10.0, default: 6.5 },
            Self::TitanV2 => FloatRange { min: 1.1, max: 10.0, default: 8.0 },
        }
    }

    /// The body of the call for the picture of `seed`.
    ///
    /// # Errors
    /// [`Invalid`](tintype_core::ErrorKind::Invalid) with what the model takes, if its card says too little: a size
    /// that only is wrong as a whole, a prompt that is too long for it.
    pub(super) fn body(self, request: &GenerationRequest, seed: Seed) -> PortResult<Vec<u8>> {
        match self {
            Self::Stability => written(&StabilityV3::of(request, seed)?),
            Self::NovaCanvas => written(&TextImage::for_nova(request, seed)?),
            Self::TitanV2 => written(&TextImage::for_titan(request, seed)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_family_is_known_by_its_id_and_in_a_profile() {
        for (id, family) in [
            ("stability.sd3-5-large-v1:0", Family::Stability),
            ("us.stability.stable-image-ultra-v1:1", Family::Stability),
            ("stability.stable-image-core-v1:1", Family::Stability),
            ("amazon.nova-canvas-v1:0", Family::NovaCanvas),
            ("amazon.titan-image-generator-v2:0", Family::TitanV2),
        ] {
            assert_eq!(Family::of(id), Ok(family), "{id}");
        }
    }

    #[test]
    fn an_unknown_id_is_refused_with_those_that_are_known() {
        let error = Family::of("stability.stable-image-inpaint-v1:0").unwrap_err().to_string();
        assert!(error.contains("inpaint") && error.contains("amazon.nova-canvas"), "{error}");
    }
}
