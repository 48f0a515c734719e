//! Embeds the gallery page: for the build scripts of the programs that serve it.

#![expect(clippy::print_stdout, reason = "it is how a build script speaks with cargo")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Writes `gallery.rs` into the build script's output folder: an expression that is a slice of the name and the bytes of
/// each file in `web/`, as in `("assets/api.js", include_bytes!(...))`.
///
/// # Errors
/// If the files can't be read or the table can't be written, or this is no build script.
pub fn embed() -> io::Result<()> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    println!("cargo::rerun-if-changed={}", web.display());
    let mut files = Vec::new();
    collect(&web.join("index.html"), &mut files)?;
    collect(&web.join("assets"), &mut files)?;
    files.sort();
    fs::write(PathBuf::from(variable("OUT_DIR")?).join("gallery.rs"), table(&web, &files)?)
}

/// What cargo tells the build script.
///
/// # Errors
/// If it does not.
#[expect(clippy::disallowed_methods, reason = "a build script is told everything by its environment")]
pub fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|error| io::Error::other(format!("{name}: {error}")))
}

fn table(web: &Path, files: &[PathBuf]) -> io::Result<String> {
    let mut table = "&[\n".to_owned();
    for file in files {
        let name = file.strip_prefix(web).unwrap_or(file).to_string_lossy().replace('\\', "/");
        let path = file.canonicalize()?;
        // Writing to a String can't fail.
        writeln!(table, "({name:?}, include_bytes!({:?}).as_slice()),", path.to_string_lossy()).ok();
    }
    table.push(']');
    Ok(table)
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
