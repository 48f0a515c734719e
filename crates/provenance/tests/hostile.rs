//! 10,000 malformed files, made from real ones, read and decoded: every answer is clear, nothing panics, and memory stays
//! bounded.

mod samples;

use fastrand::Rng;
use samples::samples;
use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};
use tintype_core::{
    domain::{Encoding, limits},
    imaging,
};
use tintype_provenance::{Error, Parameters, TEXTS_BYTES, TEXTS_MAX, inspect, is_sealed, strip, write};
use tintype_testkit::{hostile_images::BOMBS, samples::spoiled};

const FILES: u32 = 10_000;
/// The most memory that one file of a few KB may take: the most that core unpacks, and what is made of it.
const MEMORY: usize = 256 * 1024 * 1024;
/// The most memory that reading what a file says may take: all texts, unpacked, and what they are taken apart into.
const READING: usize = 48 * 1024 * 1024;

/// Counts what is allocated, and how much it was at most.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[expect(
    unsafe_code,
    reason = "an allocator that counts can't be had otherwise; it hands all on to the system's"
)]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Relaxed) + layout.size();
        MOST.fetch_max(held, Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn answer(file: &[u8]) -> Result<(), Error> {
    let findings = inspect(file)?;
    assert!(findings.texts.len() + findings.problems.len() <= 2 * TEXTS_MAX);
    let read: usize = findings.texts.iter().map(|(_, text)| text.len()).sum();
    assert!(read <= TEXTS_BYTES * 2, "{read} bytes of text");
    is_sealed(file);
    // Either is refused, or gives a file that can be read again.
    if let Ok(stripped) = strip(file) {
        assert!(inspect(&stripped)?.xmp.is_none());
    }
    if let Ok(written) = write(file, &Parameters { seed: Some(7), ..Parameters::default() }) {
        let made_with = inspect(&written)?.made_with.expect("what was written");
        assert_eq!(made_with.parameters.seed, Some(7));
    }
    Ok(())
}

/// Either it is a picture within the limits, or the answer says why not.
fn decode(file: Vec<u8>) {
    match imaging::check(file.into()) {
        Ok(picture) => {
            let (bytes, own) = (picture.blob.bytes().clone(), picture.blob.content_type());
            let small = imaging::convert(bytes.clone(), own, Some(8), Encoding::Jpeg, &limits::IMAGES)
                .expect("it was checked");
            assert!(small.width <= 8);
            imaging::thumb_hash(&bytes, own, &limits::IMAGES).expect("it was checked");
        }
        Err((code, detail)) => assert!(!code.is_empty() && !detail.is_empty()),
    }
}

/// The most memory that was held while `work` ran, beyond what was held before.
fn most_held(work: impl FnOnce()) -> usize {
    let before = HELD.load(Relaxed);
    MOST.store(before, Relaxed);
    work();
    MOST.load(Relaxed) - before
}

#[test]
fn ten_thousand_malformed_files_are_answered_within_bounds() {
    let samples = samples();
    let mut random = Rng::with_seed(20_26);
    let mut unknown = 0;
    for number in 0..FILES {
        let file = spoiled(&samples[number as usize % samples.len()].1, &mut random);
        let reading = most_held(|| match answer(&file) {
            Ok(()) => {}
            Err(Error::UnknownFormat) => unknown += 1,
            Err(error) => panic!("file {number}: {error}"),
        });
        assert!(reading <= READING, "reading file {number} of {} bytes took {reading}", file.len());
        let length = file.len();
        let decoding = most_held(|| decode(file));
        assert!(decoding <= MEMORY, "decoding file {number} of {length} bytes took {decoding}");
    }
    for bomb in BOMBS {
        let file = (bomb.make)();
        let started = Instant::now();
        // A file whose parts do not fit together may be refused.
        let reading = most_held(|| assert!(!matches!(answer(&file), Err(Error::TooLarge)), "{}", bomb.name));
        // What is written and stripped are copies of the file.
        let most = READING + 4 * file.len();
        assert!(reading <= most, "reading {} of {} bytes took {reading}", bomb.name, file.len());
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "reading {} took {:?}",
            bomb.name,
            started.elapsed()
        );
    }
    assert!(unknown < FILES / 2, "{unknown} files were not even tried");
}
