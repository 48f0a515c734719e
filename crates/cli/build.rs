//! Embeds the gallery, which the server serves.

use std::io;

fn main() -> io::Result<()> {
    tintype_page_build::embed()
}
