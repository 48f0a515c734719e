//! The time that an operation may take.

use std::time::{Duration, Instant};
use tintype_imaging::{Limits, check};
use tintype_testkit::hostile_images::BOMBS;

#[test]
fn an_operation_is_stopped_when_its_time_is_over() {
    let limits = Limits { time: Duration::from_millis(1), ..Limits::DEFAULT };
    for name in
        ["interlaced PNG of 16 megapixels in 16-bit RGBA", "progressive JPEG of 16 megapixels in 60 scans"]
    {
        let file = BOMBS.iter().find(|bomb| bomb.name == name).map(|bomb| (bomb.make)()).unwrap();
        let started = Instant::now();
        assert_eq!(check(&file, &limits).unwrap_err().code(), "too_slow", "{name}");
        assert!(started.elapsed() < Duration::from_secs(10), "{name}");
    }
}
