//! What becomes of each kind of bomb: refused for what it is, or decoded without the part that is one.

use tintype_imaging::{Limits, check};
use tintype_testkit::hostile_images::BOMBS;

#[test]
fn each_bomb_is_refused_for_what_it_is_or_decoded_without_it() {
    for (name, code) in [
        ("PNG of 8,388,608 x 1 pixels", Some("side_too_long")),
        ("PNG of 128 x 65,535 pixels", Some("side_too_long")),
        ("PNG of 16,384 x 1 pixels", Some("ratio_too_extreme")),
        ("PNG of 16,384 x 164 pixels", None),
        ("PNG of 0 x 0 pixels", Some("broken_image")),
        ("interlaced PNG of 16 megapixels in 16-bit RGBA", None),
        ("PNG with a profile of 512 MB", None),
        ("PNG with 50 profiles of 64 MB", None),
        ("PNG with a text of 512 MB", None),
        ("PNG with an international text of 512 MB", None),
        ("PNG with 16 MB of EXIF", Some("broken_image")),
        ("PNG with a million unknown chunks", None),
        ("PNG whose pixels go on for 8 GB", None),
        ("progressive JPEG of 16 megapixels in four components", None),
        ("progressive JPEG of 16 megapixels in 60 scans", None),
        ("progressive JPEG of 16 megapixels in 2,000 scans", Some("too_many_parts")),
        ("JPEG with a million profile parts", Some("too_many_parts")),
        ("JPEG with 4 million empty comments", Some("too_many_parts")),
        ("JPEG with 250 comments of 64 KB", None),
        ("WebP with a canvas of 16,777,216 x 16,777,216 pixels", Some("side_too_long")),
        ("WebP of 16 megapixels", None),
        ("WebP with 65,536 groups of large codes", Some("too_many_parts")),
        ("WebP with 2,000 groups of large codes", None),
        ("WebP with an alpha channel of 65,536 groups", Some("too_many_parts")),
        ("WebP with two million chunks", Some("too_many_parts")),
        ("animated WebP of 16 megapixels with a small frame", None),
        ("21 MiB of a PNG", Some("too_large")),
    ] {
        let bomb = BOMBS.iter().find(|bomb| bomb.name == name).expect(name);
        let checked = check(&(bomb.make)(), &Limits::DEFAULT);
        assert_eq!(checked.as_ref().err().map(tintype_imaging::Error::code), code, "{name}: {checked:?}");
    }
}
