//! A model's picture as the request wants it: its size, its encoding.

use super::GENERATE;
use super::nested_pixels::RawPicture;
use image::{DynamicImage, ImageFormat, RgbImage, imageops::FilterType};
use tintype_core::domain::{ContentType, GenerationRequest, OutputFormat};
use tintype_core::imaging::{self, Picture};
use tintype_core::ports::DrawnImage;
use tintype_core::{ErrorKind, PortError, PortResult};

/// How far the proportions of a picture may be from those that were asked for, to be cut to them. Models that are asked
/// for an aspect ratio choose the size themselves.
const CUT_MAX: f64 = 0.1;

/// Picture `index` of `request`. Bytes that are right already stay as the model wrote them. Slow: keep it off async
/// threads.
///
/// # Errors
/// [`Data`](ErrorKind::Data) if it is no picture, or one of other proportions than the request's.
pub(crate) fn finish(raw: RawPicture, request: &GenerationRequest, index: u32) -> PortResult<DrawnImage> {
    let picture = match raw {
        RawPicture::Pixels { width, height, rgb } => of_pixels(width, height, rgb, request)?,
        RawPicture::Encoded(bytes) => of_file(bytes, request)?,
    };
    let Picture { blob: picture, width, height } = picture;
    Ok(DrawnImage { index, picture, width, height, seed: request.seed.nth(index) })
}

fn of_pixels(width: u32, height: u32, rgb: Vec<u8>, request: &GenerationRequest) -> PortResult<Picture> {
    if is_size_of(request, width, height) {
        return imaging::encode_rgb(width, height, rgb, request.output_format);
    }
    let image = RgbImage::from_raw(width, height, rgb).ok_or_else(|| bad("holds too few values"))?;
    scaled(&DynamicImage::ImageRgb8(image), request)
}

fn of_file(bytes: Vec<u8>, request: &GenerationRequest) -> PortResult<Picture> {
    // All of it is decoded once, within bounds.
    let picture = imaging::check(bytes.into()).map_err(|(_, detail)| bad(&detail))?;
    let Picture { blob, width, height } = &picture;
    if is_size_of(request, *width, *height) {
        return reencoded(picture, request.output_format);
    }
    let image = image::load_from_memory_with_format(blob.bytes(), format_of(blob.content_type()))
        .map_err(|error| bad("can't be decoded").with_source(error))?;
    scaled(&image, request)
}

fn is_size_of(request: &GenerationRequest, width: u32, height: u32) -> bool {
    (width, height) == (request.width, request.height)
}

fn reencoded(picture: Picture, format: OutputFormat) -> PortResult<Picture> {
    if picture.blob.content_type() == format.content_type() {
        return Ok(picture);
    }
    imaging::reencode(&picture, format)
}

/// Scaled to the request's size without distortion: what sticks out is cut off evenly.
fn scaled(image: &DynamicImage, request: &GenerationRequest) -> PortResult<Picture> {
    let (width, height) = (request.width, request.height);
    let proportions = |width: u32, height: u32| f64::from(width) / f64::from(height);
    let distance = (proportions(image.width(), image.height()) / proportions(width, height)).ln().abs();
    if distance > CUT_MAX {
        let drawn = format!("{} x {}", image.width(), image.height());
        let message =
            format!("is {drawn} where {width} x {height} was asked for; configure the model's sizes");
        return Err(bad(&message));
    }
    let pixels = image.resize_to_fill(width, height, FilterType::Lanczos3).into_rgb8().into_raw();
    imaging::encode_rgb(width, height, pixels, request.output_format)
}

const fn format_of(content_type: ContentType) -> ImageFormat {
    match content_type {
        ContentType::Png => ImageFormat::Png,
        ContentType::Jpeg => ImageFormat::Jpeg,
        ContentType::Webp => ImageFormat::WebP,
    }
}

fn bad(what: &str) -> PortError {
    PortError::new(ErrorKind::Data, GENERATE, format!("the model's picture {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_testkit::samples::request_with;

    fn request(width: i64, height: i64, format: OutputFormat) -> GenerationRequest {
        request_with(|input| {
            (input.width, input.height) = (Some(width), Some(height));
            input.output_format = Some(format.name().to_owned());
        })
    }

    fn pixels(width: u32, height: u32) -> RawPicture {
        RawPicture::Pixels { width, height, rgb: [9, 8, 7].repeat((width * height) as usize) }
    }

    fn file(width: u32, height: u32, format: OutputFormat) -> (RawPicture, Picture) {
        let rgb = [9, 8, 7].repeat((width * height) as usize);
        let picture = imaging::encode_rgb(width, height, rgb, format).unwrap();
        (RawPicture::Encoded(picture.blob.bytes().to_vec()), picture)
    }

    #[test]
    fn every_picture_has_the_requests_size_and_encoding() {
        for format in OutputFormat::ALL {
            let request = request(64, 128, format);
            for raw in [
                pixels(64, 128),
                pixels(96, 192),
                file(64, 128, OutputFormat::Jpeg).0,
                file(64, 124, OutputFormat::Png).0,
                file(128, 256, OutputFormat::Webp).0,
            ] {
                let drawn = finish(raw, &request, 2).unwrap();
                let checked = imaging::check(drawn.picture.bytes().clone()).unwrap();
                assert_eq!((checked.width, checked.height), (64, 128));
                assert_eq!((drawn.width, drawn.height, drawn.index), (64, 128, 2));
                assert_eq!(drawn.picture.content_type(), format.content_type());
                assert_eq!(drawn.seed, request.seed.nth(2));
            }
        }
    }

    #[test]
    fn a_file_that_is_right_already_stays_as_the_model_wrote_it() {
        for format in OutputFormat::ALL {
            let (raw, picture) = file(64, 64, format);
            let drawn = finish(raw, &request(64, 64, format), 0).unwrap();
            assert_eq!(drawn.picture, picture.blob);
        }
    }

    #[test]
    fn what_is_no_picture_or_of_other_proportions_is_refused() {
        let request = request(64, 64, OutputFormat::Png);
        let cut = |picture: RawPicture| finish(picture, &request, 0).unwrap_err();
        let error = cut(pixels(128, 64));
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.message().contains("128 x 64 where 64 x 64"), "{error}");
        assert_eq!(cut(RawPicture::Encoded(b"GIF89a".to_vec())).kind(), ErrorKind::Data);
    }
}
