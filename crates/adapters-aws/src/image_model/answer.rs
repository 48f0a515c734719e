//! What models answer with: every form that is known, told apart by the names of its fields.

use super::GENERATE;
use super::nested_pixels::{Pictures, RawPicture};
use serde::Deserialize;
use tintype_core::{ErrorKind, PortError, PortResult};

/// Where the answer holds its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `{"generated_image": ...}`
    GeneratedImage,
    /// `{"generated_images": [...]}`
    GeneratedImages,
    /// `{"artifacts": [{"base64": ...}]}`
    Artifacts,
    /// `{"images": [...]}`, also inside `"body"`
    Images,
}

/// An answer that holds a picture.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// In which form.
    pub(super) form: Form,
    /// The picture; of several the first, because one was asked for.
    pub(crate) picture: RawPicture,
}

impl Answer {
    /// Reads an answer of any form. Slow where the picture is large: keep it off async threads.
    ///
    /// # Errors
    /// [`Rejected`](ErrorKind::Rejected) if the model kept the picture back, [`Unavailable`](ErrorKind::Unavailable)
    /// if it failed while drawing, [`Data`](ErrorKind::Data) if there is no picture in it.
    pub(crate) fn parse(body: &[u8]) -> PortResult<Self> {
        let wire: Wire = serde_json::from_slice(body).map_err(|error| {
            // The cause says where, in numbers only: none of the picture reaches the log.
            PortError::new(ErrorKind::Data, GENERATE, "the model's answer can't be read as pictures")
                .with_source(error)
        })?;
        wire.into_answer()
    }
}

#[derive(Debug, Deserialize)]
struct Wire {
    generated_image: Option<Pictures>,
    generated_images: Option<Pictures>,
    artifacts: Option<Vec<Artifact>>,
    body: Option<Images>,
    // The fields of `Images` again: serde's `flatten` would hold a second copy of every picture.
    images: Option<Vec<Pictures>>,
    finish_reasons: Option<Vec<Option<String>>>,
    error: Option<String>,
}

/// Stability's and Amazon's models.
#[derive(Debug, Deserialize)]
struct Images {
    images: Option<Vec<Pictures>>,
    /// `null` for a picture that is there.
    finish_reasons: Option<Vec<Option<String>>>,
    /// Why pictures were kept back.
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    base64: Option<Pictures>,
    finish_reason: Option<String>,
}

impl Wire {
    fn into_answer(self) -> PortResult<Answer> {
        let first = |pictures: Pictures| pictures.0.into_iter().next();
        let (form, picture) = if let Some(artifact) = self.artifacts.and_then(|all| all.into_iter().next()) {
            finished(artifact.finish_reason.as_deref())?;
            (Form::Artifacts, artifact.base64.and_then(first))
        } else if let Some(pictures) = self.generated_images {
            (Form::GeneratedImages, first(pictures))
        } else if let Some(pictures) = self.generated_image {
            (Form::GeneratedImage, first(pictures))
        } else {
            let Self { images, finish_reasons, error, .. } = self;
            let images = self.body.unwrap_or(Images { images, finish_reasons, error });
            (Form::Images, images.into_picture()?)
        };
        let picture = picture.ok_or_else(|| {
            let message = "the model answered without a picture; look at its log and at its configured shape";
            PortError::new(ErrorKind::Data, GENERATE, message)
        })?;
        Ok(Answer { form, picture })
    }
}

impl Images {
    fn into_picture(self) -> PortResult<Option<RawPicture>> {
        finished(self.finish_reasons.into_iter().flatten().flatten().next().as_deref())?;
        let picture = self.images.into_iter().flatten().flat_map(|pictures| pictures.0).next();
        match (picture, self.error) {
            (None, Some(_)) => Err(kept_back()),
            (picture, _) => Ok(picture),
        }
    }
}

/// What a model says of how it ended: nothing or `SUCCESS`, or that a filter kept the picture back, or that it failed.
fn finished(reason: Option<&str>) -> PortResult<()> {
    match reason {
        None | Some("SUCCESS") => Ok(()),
        Some(reason) if reason.to_ascii_lowercase().contains("filter") => Err(kept_back()),
        Some(_) => Err(PortError::new(ErrorKind::Unavailable, GENERATE, "the model failed while drawing")),
    }
}

fn kept_back() -> PortError {
    let message = "the model's filter kept the picture back; change the prompt";
    PortError::new(ErrorKind::Rejected, GENERATE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "ZmlsZQ==";

    fn parse(json: &str) -> PortResult<Answer> {
        Answer::parse(json.replace("FILE", FILE).as_bytes())
    }

    #[test]
    fn every_form_gives_its_picture() {
        let file = RawPicture::Encoded(b"file".to_vec());
        let pixel = RawPicture::Pixels { width: 1, height: 1, rgb: vec![1, 2, 3] };
        for (json, form, picture) in [
            (r#"{"generated_image": [[[1, 2, 3]]], "prompt": "a cat"}"#, Form::GeneratedImage, &pixel),
            (r#"{"generated_image": [[[[1, 2, 3]]]], "prompt": "a cat"}"#, Form::GeneratedImage, &pixel),
            (r#"{"generated_images": [[[[1, 2, 3]]]], "prompt": "a cat"}"#, Form::GeneratedImages, &pixel),
            (r#"{"generated_images": ["FILE"], "prompt": "a cat"}"#, Form::GeneratedImages, &file),
            (r#"{"generated_image": "FILE"}"#, Form::GeneratedImage, &file),
            (
                r#"{"result": "success", "artifacts": [{"seed": 7, "base64": "FILE", "finishReason": "SUCCESS"}]}"#,
                Form::Artifacts,
                &file,
            ),
            (
                r#"{"body": {"images": ["FILE"], "seeds": [7], "finish_reasons": [null]}}"#,
                Form::Images,
                &file,
            ),
            (r#"{"seeds": [7], "finish_reasons": [null], "images": ["FILE"]}"#, Form::Images, &file),
            (r#"{"images": ["FILE"], "error": null}"#, Form::Images, &file),
        ] {
            let answer = parse(json).unwrap();
            assert_eq!((answer.form, &answer.picture), (form, picture), "{json}");
        }
    }

    #[test]
    fn an_answer_without_a_picture_has_the_kind_its_caller_acts_on() {
        for (json, kind) in [
            (
                r#"{"artifacts": [{"base64": "FILE", "finishReason": "CONTENT_FILTERED"}]}"#,
                ErrorKind::Rejected,
            ),
            (r#"{"artifacts": [{"finishReason": "ERROR"}]}"#, ErrorKind::Unavailable),
            (r#"{"finish_reasons": ["Filter reason: prompt"]}"#, ErrorKind::Rejected),
            (r#"{"body": {"finish_reasons": ["Filter reason: output image"]}}"#, ErrorKind::Rejected),
            (r#"{"finish_reasons": ["Inference error"]}"#, ErrorKind::Unavailable),
            (r#"{"images": [], "error": "blocked by our content filters"}"#, ErrorKind::Rejected),
            (r#"{"images": null, "error": "blocked by our content filters"}"#, ErrorKind::Rejected),
            (r#"{"artifacts": []}"#, ErrorKind::Data),
            (r#"{"generated_image": "@@@"}"#, ErrorKind::Data),
            (r#"{"detail": "all is well"}"#, ErrorKind::Data),
            ("body", ErrorKind::Data),
            ("", ErrorKind::Data),
        ] {
            assert_eq!(parse(json).unwrap_err().kind(), kind, "{json}");
        }
    }
}
