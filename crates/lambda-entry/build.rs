//! Embeds the gallery, which `publish-page` publishes.

use std::io;

fn main() -> io::Result<()> {
    tintype_page_build::embed()
}
