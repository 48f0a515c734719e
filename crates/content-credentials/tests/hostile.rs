//! Malformed files, made from signed ones: every answer is clear, and what reads them neither panics nor hangs.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

use fastrand::Rng;
use tintype_content_credentials::{Anchors, ContentCredentials, Identity, State, Unreadable, read};
use tintype_core::{
    domain::{Blob, OutputFormat, limits},
    imaging,
    ports::PictureSigner,
    provenance::without_metadata,
};
use tintype_testkit::samples::spoiled;

const FILES: usize = 10_000;
/// The most memory that reading all of them may take, in KB.
#[cfg(target_os = "linux")]
const MEMORY_KB: u64 = 256 * 1024;
const TITLE: &str = "red heart";

async fn signed() -> Vec<Blob> {
    let data = tempfile::tempdir().unwrap();
    let signer = ContentCredentials::new(&Identity::local_or_new(data.path()).unwrap()).unwrap();
    let mut pictures = Vec::new();
    for format in [OutputFormat::Png, OutputFormat::Jpeg, OutputFormat::Webp] {
        let picture = imaging::encode_rgb(8, 8, vec![90; 192], format).unwrap().blob;
        pictures.push(signer.sign(&picture, TITLE).await.unwrap());
    }
    pictures
}

/// The most memory that this process held so far, in KB.
#[cfg(target_os = "linux")]
fn most_held() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn ten_thousand_malformed_files_are_answered_and_none_with_another_picture_is_valid() {
    let samples = signed().await;
    let mut random = Rng::with_seed(20_26);
    let mut read_whole = 0;
    for number in 0..FILES {
        let original = &samples[number % samples.len()];
        let file = spoiled(original.bytes(), &mut random);
        match read(&file, &Anchors::default()) {
            Ok(manifest) if manifest.state == State::Invalid => read_whole += 1,
            // The manifest has room that is not sealed: what may stand there changes nothing that is shown or said.
            Ok(manifest) => {
                read_whole += 1;
                assert_eq!(manifest.title.as_deref(), Some(TITLE), "file {number}");
                let bare =
                    |bytes: &[u8]| without_metadata(bytes, original.content_type(), &limits::IMAGES).unwrap();
                assert_eq!(bare(&file).bytes(), bare(original.bytes()).bytes(), "file {number}");
            }
            Err(Unreadable::Damaged(reason)) => assert!(!reason.is_empty()),
            Err(error) => panic!("file {number}: {error}"),
        }
    }
    assert!(read_whole > FILES / 20, "only {read_whole} were read at all");
    #[cfg(target_os = "linux")]
    assert!(most_held() < MEMORY_KB, "{} KB were held", most_held());
}
