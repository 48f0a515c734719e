//! Embeds the gallery: writes a table of the files in `web/` that the program includes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    println!("cargo::rerun-if-changed={}", web.display());
    let mut files = Vec::new();
    collect(&web.join("index.html"), &mut files)?;
    collect(&web.join("assets"), &mut files)?;
    files.sort();
    let mut table = "&[\n".to_owned();
    for file in &files {
        let name = file.strip_prefix(&web).unwrap_or(file).to_string_lossy().replace('\\', "/");
        let path = file.canonicalize()?;
        // Writing to a String can't fail.
        writeln!(table, "({name:?}, include_bytes!({:?}).as_slice()),", path.to_string_lossy()).ok();
    }
    table.push(']');
    // Cargo sets it for every build script.
    #[expect(clippy::disallowed_methods, reason = "a build script is told where to write by its environment")]
    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or_else(|| io::Error::other("no OUT_DIR"))?;
    fs::write(out.join("gallery.rs"), table)
}

/// Adds a file, or everything below a folder; nothing if there is neither.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
    }
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    }
    Ok(())
}
