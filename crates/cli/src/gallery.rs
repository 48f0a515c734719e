//! The gallery's files, embedded when this command was built.

use std::path::Path;
use tintype_http::PageFile;

/// Name and bytes of each file below `web/`.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/gallery.rs"));

/// The gallery's files, as the server takes them.
pub(crate) fn files() -> Vec<PageFile> {
    FILES.iter().map(|&(name, bytes)| PageFile::new(name, content_type(name), bytes)).collect()
}

fn content_type(name: &str) -> &'static str {
    match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
