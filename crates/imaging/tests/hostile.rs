//! 10,000 hostile images: each is refused or decoded within the bounds of memory and time, and nothing panics.

#![expect(clippy::print_stderr, reason = "what an image took is told, for whoever changes a bound")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};
use tintype_imaging::{Encoding, Error, Format, Limits, check, convert, look, reencode, thumb_hash};
use tintype_testkit::hostile_images::{BOMBS, numbered, whole};

const IMAGES: u64 = 10_000;
/// The most memory that one operation may take at the default limits.
const MEMORY: usize = 256 * 1024 * 1024;
const TIME: Duration = Duration::from_secs(10);

/// Counts what is allocated, and how much it was at most.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);
/// How many operations were beyond a bound.
static BEYOND: AtomicUsize = AtomicUsize::new(0);

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

/// The most memory that this process ever had in use, in bytes.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
}

/// Does `work`, and holds it to the bounds.
fn bounded<T>(name: &str, operation: &str, work: impl FnOnce() -> T) -> T {
    let before = HELD.load(Relaxed);
    MOST.store(before, Relaxed);
    let started = Instant::now();
    let done = work();
    let (took, most) = (started.elapsed(), MOST.load(Relaxed) - before);
    if took > Duration::from_secs(1) || most > MEMORY {
        eprintln!("{name}, {operation}: {took:?}, {} MiB", most / 1024 / 1024);
    }
    // All of them are told before the test fails.
    BEYOND.fetch_add(usize::from(most > MEMORY || took > TIME), Relaxed);
    done
}

/// Does everything that is done with an upload. Says whether the image was taken.
fn process(name: &str, file: &[u8], encodings: &[Encoding]) -> bool {
    let limits = Limits::DEFAULT;
    let checked = match bounded(name, "check", || check(file, &limits)) {
        Ok(checked) => checked,
        Err(error) => {
            assert!(!error.code().is_empty() && !error.to_string().is_empty());
            if name.starts_with("whole") {
                eprintln!("{name} of {} bytes: {error}", file.len());
            }
            return false;
        }
    };
    let format = checked.format;
    bounded(name, "thumb_hash", || thumb_hash(file, format, &limits)).expect("it was checked");
    bounded(name, "look", || look(file, format, &limits)).expect("it was checked");
    for encoding in encodings {
        // As the page asks for it.
        let small = bounded(name, "convert", || convert(file, format, Some(64), *encoding, &limits));
        let small = small.expect("it was checked");
        assert!((1..=64).contains(&small.width) && small.height >= 1);
        let form = small.bytes.as_deref().unwrap_or(file);
        assert_eq!(Format::of(form).map(Encoding::from), Some(*encoding));
        for whole in [
            bounded(name, "whole", || convert(file, format, None, *encoding, &limits)),
            bounded(name, "reencode", || reencode(file, format, *encoding, &limits)),
        ] {
            assert!(matches!(whole, Ok(_) | Err(Error::SideTooLongFor { .. })), "{name}: {whole:?}");
        }
    }
    true
}

/// One test, since the process is measured.
#[test]
fn ten_thousand_hostile_images_stay_within_the_bounds() {
    let (idle, started) = (peak(), Instant::now());
    let whole = whole();
    for (number, file) in whole.iter().enumerate() {
        assert!(
            process(&format!("whole file {number}"), file, Encodings::ALL),
            "whole file {number} was refused"
        );
    }
    let mut taken = 0;
    for number in 0..IMAGES - BOMBS.len() as u64 {
        let encoding = Encodings::ALL[number as usize % Encodings::ALL.len()];
        taken += u32::from(process(&format!("image {number}"), &numbered(number, &whole), &[encoding]));
    }
    // Neither is the test of nothing.
    assert!((500..9_500).contains(&taken), "{taken} images were taken");
    let numbered = started.elapsed();
    let mut bombs = 0;
    for bomb in BOMBS {
        bombs += u32::from(process(bomb.name, &(bomb.make)(), &[Encoding::Png, Encoding::Webp]));
    }
    assert!(bombs >= 10, "{bombs} bombs were taken");
    let grown = peak() - idle;
    eprintln!(
        "{taken} images and {bombs} bombs taken, {} MiB above idle, {numbered:?} and {:?}",
        grown / 1024 / 1024,
        started.elapsed() - numbered
    );
    assert_eq!(BEYOND.load(Relaxed), 0, "operations beyond a bound, told above");
    // The files themselves are up to 25 MB.
    assert!(grown <= MEMORY + 32 * 1024 * 1024, "{} MiB above idle", grown / 1024 / 1024);
}

struct Encodings;

impl Encodings {
    const ALL: &[Encoding] = &[Encoding::Png, Encoding::Jpeg, Encoding::Webp];
}
