//! The contract of [`PictureSigner`], case by case. That what it writes is a valid manifest is a case of whoever reads them.

use crate::samples::{blob, request};
use crate::suites::cases;
use std::sync::Arc;
use tintype_core::{
    domain::{Blob, OutputFormat, Seed, limits},
    error::ErrorKind,
    imaging,
    ports::{DrawnImage, PictureSigner},
    provenance::{state, without_metadata},
};

cases! { CASES of Arc<dyn PictureSigner>:
    what_is_signed_is_the_same_picture_in_its_format,
    what_was_written_into_it_before_stays,
    a_long_title_in_other_letters_is_no_obstacle,
    what_is_no_picture_is_refused,
}

/// A picture in each format.
fn pictures() -> impl Iterator<Item = Blob> {
    let pixels = || (0..16 * 16 * 3).map(|index| (index * 7 % 256) as u8).collect();
    [OutputFormat::Png, OutputFormat::Jpeg, OutputFormat::Webp]
        .into_iter()
        .map(move |format| imaging::encode_rgb(16, 16, pixels(), format).expect("encode").blob)
}

fn bare(picture: &Blob) -> Blob {
    without_metadata(picture.bytes(), picture.content_type(), &limits::IMAGES).expect("strip")
}

async fn what_is_signed_is_the_same_picture_in_its_format(signer: Arc<dyn PictureSigner>) {
    for picture in pictures() {
        let signed = signer.sign(&picture, "red heart").await.expect("sign");
        assert_eq!(signed.content_type(), picture.content_type());
        assert_ne!(signed.bytes(), picture.bytes());
        assert_eq!(bare(&signed).bytes(), bare(&picture).bytes(), "{}", picture.content_type());
    }
}

async fn what_was_written_into_it_before_stays(signer: Arc<dyn PictureSigner>) {
    for picture in pictures() {
        let drawn = DrawnImage { index: 0, picture, width: 16, height: 16, seed: Seed(7) };
        let stated = state(drawn, &request()).expect("state").picture;
        let signed = signer.sign(&stated, "red heart").await.expect("sign");
        for form in ["tintype:parameters", "Iptc4xmpExt:DigitalSourceType"] {
            let found = signed.bytes().windows(form.len()).any(|part| part == form.as_bytes());
            assert!(found, "{form} in {}", signed.content_type());
        }
    }
}

async fn a_long_title_in_other_letters_is_no_obstacle(signer: Arc<dyn PictureSigner>) {
    for picture in pictures() {
        signer.sign(&picture, &"\u{732b}\u{1f600}\"\\<".repeat(40)).await.expect("sign");
    }
}

async fn what_is_no_picture_is_refused(signer: Arc<dyn PictureSigner>) {
    let error = signer.sign(&blob(1), "red heart").await.expect_err("it is no picture");
    assert_eq!(error.kind(), ErrorKind::Data);
}
