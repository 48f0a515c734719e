//! What a picture says of itself: how it was made, and that a machine made it. Written once, before the picture gets its
//! address, so that its bytes never change; docs/provenance.md has the forms.

use crate::domain::{Blob, ContentType, GenerationRequest};
use crate::error::{ErrorKind, PortError, PortResult};
use crate::ports::DrawnImage;
use bytes::Bytes;
use tintype_provenance::{Error, Parameters, is_sealed, strip, write};

/// The picture with how it was made written into it. One that comes with a C2PA manifest stays as it is: it says what it
/// is already, and another byte would break its seal.
///
/// Of the request only what draws goes in: not the labels, nor anything of the owner, the job or the time. The same
/// request gives the same bytes.
///
/// # Errors
/// [`Data`](ErrorKind::Data) if the model's bytes are no whole picture.
pub fn state(image: DrawnImage, request: &GenerationRequest) -> PortResult<DrawnImage> {
    let bytes = image.picture.bytes();
    if is_sealed(bytes) {
        return Ok(image);
    }
    let stated = write(bytes, &parameters(&image, request)).map_err(|error| {
        let message = format!("the model's picture can't be written to: {error}");
        PortError::new(ErrorKind::Data, "provenance::state", message)
    })?;
    let picture = Blob::new(stated.into(), image.picture.content_type());
    Ok(DrawnImage { picture, ..image })
}

fn parameters(image: &DrawnImage, request: &GenerationRequest) -> Parameters {
    Parameters {
        prompt: Some(request.prompt.as_str().to_owned()),
        negative_prompt: request.negative_prompt.as_ref().map(|prompt| prompt.as_str().to_owned()),
        width: Some(image.width),
        height: Some(image.height),
        steps: Some(request.steps),
        guidance_scale: Some(request.guidance_scale.get()),
        seed: Some(image.seed.0.into()),
        model: Some(request.model.as_str().to_owned()),
        scheduler: Some(request.scheduler.clone()),
        strength: request.source.as_ref().map(|source| source.strength.get()),
    }
}

/// The same picture without any metadata: what a viewer needs to show it stays, the pixels as they are.
///
/// # Errors
/// [`Data`](ErrorKind::Data) if `bytes` are no whole picture.
pub fn without_metadata(bytes: &[u8], content_type: ContentType) -> PortResult<Blob> {
    let stripped = strip(bytes).map_err(|error: Error| {
        let message = format!("the stored picture can't be stripped: {error}");
        PortError::new(ErrorKind::Data, "provenance::without_metadata", message)
    })?;
    Ok(Blob::new(Bytes::from(stripped), content_type))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{GenerateInput, ModelCard, Seed, SourceInput};

    fn request() -> GenerationRequest {
        let input = GenerateInput { prompt: Some("red heart".to_owned()), ..GenerateInput::default() };
        GenerationRequest::resolve(&input, SourceInput::default(), &ModelCard::example(), Seed(1)).unwrap()
    }

    fn drawn(bytes: Vec<u8>) -> DrawnImage {
        let picture = Blob::new(bytes.into(), ContentType::Png);
        DrawnImage { index: 0, picture, width: 1, height: 1, seed: Seed(1) }
    }

    #[test]
    fn a_picture_that_comes_sealed_stays_as_it_is() {
        let sealed = b"\x89PNG\r\n\x1a\n\0\0\0\x04caBXjumb\0\0\0\0".to_vec();
        assert_eq!(state(drawn(sealed.clone()), &request()).unwrap().picture.bytes(), &sealed);
    }

    #[test]
    fn what_a_model_gives_that_is_no_picture_is_an_error() {
        for bytes in [&b"text"[..], b"\x89PNG\r\n\x1a\n\0\0"] {
            assert_eq!(state(drawn(bytes.to_vec()), &request()).unwrap_err().kind(), ErrorKind::Data);
        }
    }
}
