//! Embeds the gallery, which `publish-page` publishes, and has the functions linked for a fixed address.

use std::io;
use tintype_page_build::{embed, variable};

fn main() -> io::Result<()> {
    // A program that can be loaded anywhere has 40,000 addresses to correct before it starts: a millisecond, and a tenth of
    // its size. A linker's flag for each binary, because cargo-lambda sets RUSTFLAGS, which would hide ours.
    if variable("CARGO_CFG_TARGET_OS")? == "linux" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
    embed()
}
