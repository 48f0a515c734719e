//! Requests for pictures, and what models make of them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::StreamExt;
use tintype_core::domain::{GenerationRequest, OutputFormat};
use tintype_core::ports::{DrawnImage, Generated, ImageModel};
use tintype_core::{ErrorKind, PortResult, imaging};
use tintype_testkit::samples::request_with;

/// A request for `count` pictures of 64 x 64.
pub(crate) fn request(count: i64) -> GenerationRequest {
    request_with(|input| {
        input.count = Some(count);
        input.negative_prompt = Some("blur".to_owned());
    })
}

/// A PNG of this size, as base64.
pub(crate) fn png_of(width: u32, height: u32) -> String {
    let rgb = [200, 10, 10].repeat((width * height) as usize);
    let picture = imaging::encode_rgb(width, height, rgb, OutputFormat::Png).expect("a picture");
    STANDARD.encode(picture.blob.bytes())
}

/// What `model` draws, up to its first error.
pub(crate) async fn pictures(
    model: &dyn ImageModel,
    request: &GenerationRequest,
) -> PortResult<Vec<DrawnImage>> {
    let mut drawn = model.generate(request, None).await?;
    let mut pictures = Vec::new();
    while let Some(generated) = drawn.next().await {
        if let Generated::Image(image) = generated? {
            pictures.push(image);
        }
    }
    Ok(pictures)
}

/// The kind of the error that `model` ends with.
pub(crate) async fn kind_of_drawing(model: &dyn ImageModel, request: &GenerationRequest) -> ErrorKind {
    pictures(model, request).await.expect_err("must fail").kind()
}
