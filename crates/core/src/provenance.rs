//! What a picture says of itself: how it was made, and that a machine made it. Written once, before the picture gets its
//! address, so that its bytes never change; docs/provenance.md has the forms.

use crate::domain::{Blob, ContentType, GenerationRequest, limits};
use crate::error::{ErrorKind, PortError, PortResult};
use crate::imaging::{self, ImageLimits};
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
/// [`Data`](ErrorKind::Data) if the model's bytes are no picture.
pub fn state(image: DrawnImage, request: &GenerationRequest) -> PortResult<DrawnImage> {
    let bytes = image.picture.bytes();
    if is_sealed(bytes) {
        return Ok(image);
    }
    let (own, parameters) = (image.picture.content_type(), parameters(&image, request));
    let stated = on_whole(bytes, own, &limits::IMAGES, |bytes| write(bytes, &parameters))?;
    let picture = Blob::new(stated.into(), own);
    Ok(DrawnImage { picture, ..image })
}

/// Whether the picture has a C2PA manifest already.
pub(crate) fn is_signed(image: &DrawnImage) -> bool {
    is_sealed(image.picture.bytes())
}

/// What a picture that was asked for like this is called where it is signed: the start of its prompt.
pub(crate) fn title(request: &GenerationRequest) -> String {
    request.prompt.as_str().chars().take(limits::TITLE_CHARS).collect()
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
/// [`Data`](ErrorKind::Data) if `bytes` are no picture.
pub fn without_metadata(bytes: &[u8], content_type: ContentType, limits: &ImageLimits) -> PortResult<Blob> {
    let stripped = on_whole(bytes, content_type, limits, strip)?;
    Ok(Blob::new(Bytes::from(stripped), content_type))
}

/// Does `work` on the picture. Decoders take more than can be walked, such as a JPEG without its end: that is mended first.
fn on_whole(
    bytes: &[u8],
    content_type: ContentType,
    limits: &ImageLimits,
    work: impl Fn(&[u8]) -> Result<Vec<u8>, Error>,
) -> PortResult<Vec<u8>> {
    if let Ok(done) = work(bytes) {
        return Ok(done);
    }
    let mended = imaging::mend(bytes, content_type, limits)?;
    work(mended.blob.bytes()).map_err(|error| {
        PortError::new(ErrorKind::Internal, "provenance::on_whole", "the picture can't be written to")
            .with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{GenerateInput, ModelCard, OutputFormat, Seed, SourceInput};

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
    fn a_picture_that_is_cut_off_but_decodes_is_mended_and_written_to() {
        let jpeg = imaging::encode_rgb(8, 8, vec![90; 192], OutputFormat::Jpeg).unwrap().blob.bytes().clone();
        // Without its end, as some cameras and endpoints leave it.
        let cut = Blob::new(jpeg.slice(..jpeg.len() - 2), ContentType::Jpeg);
        let stated = state(DrawnImage { picture: cut.clone(), ..drawn(Vec::new()) }, &request()).unwrap();
        let found = tintype_provenance::inspect(stated.picture.bytes()).unwrap();
        assert!(found.made_with.is_some() && found.problems.is_empty());
        assert!(imaging::check(stated.picture.bytes().clone()).is_ok());
        without_metadata(cut.bytes(), ContentType::Jpeg, &limits::IMAGES).unwrap();
    }

    #[test]
    fn what_a_model_gives_that_is_no_picture_is_an_error() {
        for bytes in [&b"text"[..], b"\x89PNG\r\n\x1a\n\0\0"] {
            assert_eq!(state(drawn(bytes.to_vec()), &request()).unwrap_err().kind(), ErrorKind::Data);
        }
    }
}
