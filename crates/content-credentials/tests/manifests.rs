//! What is written is read as it was meant, and what was changed since is found out.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P384_SHA384,
    PKCS_ED25519,
};
use std::{fs, path::Path};
use tintype_content_credentials::{Anchors, ContentCredentials, Identity, Manifest, State, Unreadable, read};
use tintype_core::{
    domain::{Blob, OutputFormat, limits},
    imaging,
    ports::PictureSigner,
    provenance::without_metadata,
};
use tintype_provenance::{TRAINED_ALGORITHMIC_MEDIA, is_sealed};

const TITLE: &str = "red heart, \u{732b}";

fn picture(format: OutputFormat) -> Blob {
    let pixels = (0..32 * 32 * 3).map(|index| (index * 11 % 256) as u8).collect();
    imaging::encode_rgb(32, 32, pixels, format).unwrap().blob
}

/// A picture in each format, signed, and the certificate that vouches for it.
async fn signed() -> (Vec<Blob>, Anchors) {
    let data = tempfile::tempdir().unwrap();
    let signer = ContentCredentials::new(&Identity::local_or_new(data.path()).unwrap()).unwrap();
    let mut pictures = Vec::new();
    for format in [OutputFormat::Png, OutputFormat::Jpeg, OutputFormat::Webp] {
        pictures.push(signer.sign(&picture(format), TITLE).await.unwrap());
    }
    let root = fs::read_to_string(data.path().join("content-credentials/root.pem")).unwrap();
    (pictures, Anchors::from_pem(root).unwrap())
}

fn codes(manifest: &Manifest) -> Vec<&str> {
    manifest.reasons.iter().map(|reason| reason.code.as_str()).collect()
}

#[tokio::test]
async fn a_signed_picture_says_what_made_it() {
    let (pictures, anchors) = signed().await;
    for picture in pictures {
        let manifest = read(picture.bytes(), &anchors).unwrap();
        assert_eq!((manifest.state, codes(&manifest)), (State::Trusted, vec![]));
        assert_eq!(manifest.title.as_deref(), Some(TITLE));
        assert_eq!(manifest.signed_by.as_deref(), Some("Tintype local signer"));
        assert_eq!(manifest.tool.as_deref(), Some(concat!("Tintype ", env!("CARGO_PKG_VERSION"))));
        let [action] = manifest.actions.as_slice() else { unreachable!("{:?}", manifest.actions) };
        assert_eq!(action.action, "c2pa.created");
        assert_eq!(action.digital_source_type.as_deref(), Some(TRAINED_ALGORITHMIC_MEDIA));
        assert_eq!(action.software_agent, manifest.tool);
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_is_valid_and_no_more() {
    for picture in signed().await.0 {
        let manifest = read(picture.bytes(), &Anchors::default()).unwrap();
        assert_eq!(manifest.state, State::Valid);
        assert_eq!(codes(&manifest), ["signingCredential.untrusted"]);
    }
}

#[tokio::test]
async fn another_byte_of_the_pixels_makes_it_invalid() {
    let (pictures, anchors) = signed().await;
    for picture in pictures {
        let mut bytes = picture.bytes().to_vec();
        // Within the coded pixels, which come last but for at most an end marker and, in WebP, what was written after them.
        let bare = without_metadata(&bytes, picture.content_type(), &limits::IMAGES).unwrap();
        let pixels = &bare.bytes()[bare.bytes().len() / 2..][..16];
        let at = bytes.windows(16).position(|part| part == pixels).unwrap();
        bytes[at] ^= 1;
        let manifest = read(&bytes, &anchors).unwrap();
        assert_eq!(manifest.state, State::Invalid, "{}", picture.content_type());
        assert!(codes(&manifest).contains(&"assertion.dataHash.mismatch"), "{:?}", manifest.reasons);
    }
}

#[tokio::test]
async fn stripped_of_metadata_nothing_of_it_is_left() {
    for picture in signed().await.0 {
        assert!(is_sealed(picture.bytes()));
        let bare = without_metadata(picture.bytes(), picture.content_type(), &limits::IMAGES).unwrap();
        assert!(!is_sealed(bare.bytes()));
        assert!(matches!(read(bare.bytes(), &Anchors::default()), Err(Unreadable::Damaged(_))));
        assert!(!bare.bytes().windows(4).any(|part| part == b"jumb"));
    }
}

#[tokio::test]
async fn a_manifest_is_small() {
    for picture in signed().await.0 {
        let bare = without_metadata(picture.bytes(), picture.content_type(), &limits::IMAGES).unwrap();
        let manifest = picture.bytes().len() - bare.bytes().len();
        assert!(manifest < 5_000, "{manifest} bytes in {}", picture.content_type());
    }
}

/// The identity of an operator whose certificate is as `change` makes it.
fn operator(folder: &Path, change: impl FnOnce(&mut CertificateParams), key: &KeyPair) -> Identity {
    let root_key = KeyPair::generate().unwrap();
    let root = CertificateParams::new(vec![]).unwrap();
    let mut parameters = CertificateParams::new(vec![]).unwrap();
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    parameters.use_authority_key_identifier_extension = true;
    parameters.distinguished_name.push(DnType::OrganizationName, "An operator");
    change(&mut parameters);
    let certificate = parameters.signed_by(key, &rcgen::Issuer::new(root, root_key)).unwrap();
    identity(folder, &certificate.pem(), &key.serialize_pem())
}

fn identity(folder: &Path, certificate: &str, key: &str) -> Identity {
    fs::write(folder.join("certificate.pem"), certificate).unwrap();
    fs::write(folder.join("key.pem"), key).unwrap();
    Identity::from_files(&folder.join("certificate.pem"), &folder.join("key.pem")).unwrap()
}

#[tokio::test]
async fn an_operators_certificate_signs_with_each_kind_of_key() {
    let folder = tempfile::tempdir().unwrap();
    for algorithm in [&PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let signer = ContentCredentials::new(&operator(folder.path(), |_| {}, &key)).unwrap();
        let signed = signer.sign(&picture(OutputFormat::Png), TITLE).await.unwrap();
        assert_eq!(read(signed.bytes(), &Anchors::default()).unwrap().state, State::Valid);
    }
}

#[test]
fn a_certificate_that_can_not_be_signed_with_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let refused = |identity: &Identity| ContentCredentials::new(identity).unwrap_err().to_string();
    let expired = operator(folder.path(), |of| of.not_after = rcgen::date_time_ymd(2020, 1, 1), &key);
    assert!(refused(&expired).contains("not valid at time of signing"), "{}", refused(&expired));
    let web = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let for_the_web = operator(folder.path(), |of| of.extended_key_usages = web, &key);
    refused(&for_the_web);
    operator(folder.path(), |_| {}, &key);
    let certificate = fs::read_to_string(folder.path().join("certificate.pem")).unwrap();
    let others = identity(folder.path(), &certificate, &KeyPair::generate().unwrap().serialize_pem());
    refused(&others);
    let no_key = identity(folder.path(), &certificate, "no key");
    assert!(refused(&no_key).contains("PKCS #8"), "{}", refused(&no_key));
    refused(&identity(folder.path(), "", &key.serialize_pem()));
}

#[test]
fn what_holds_no_certificate_is_no_anchor() {
    assert!(Anchors::from_pem("no certificate".to_owned()).is_err());
}
