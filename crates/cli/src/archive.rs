//! An export as it lies on the disk, a folder or a zip: what its files are called, and how they are read.
//! docs/import-export.md tells the form.

use crate::bounded;
use crate::failure::{Exit, Failure, Outcome};
use serde_json::Value;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Seek, Write};
use std::path::{Path, PathBuf};
use zip::{ZipArchive, ZipWriter};

/// The file that makes a folder or zip an export.
pub(crate) const MANIFEST: &str = "tintype-export.json";
/// The file that tells the collections.
pub(crate) const COLLECTIONS: &str = "collections.json";
/// The folder of the pictures; in it is one for each month.
pub(crate) const PICTURES: &str = "pictures";
/// What the manifest says it is.
pub(crate) const FORMAT: &str = "tintype-export";
/// The version of the form.
pub(crate) const VERSION: u64 = 1;
/// What a picture's file of JSON ends in.
pub(crate) const SIDECAR: &str = ".json";

/// The largest file of JSON that is read, in bytes.
pub(crate) const JSON_BYTES: u64 = 16 * 1024 * 1024;

/// An export, to be read.
#[derive(Debug)]
pub(crate) enum Archive {
    /// A folder.
    Folder(PathBuf),
    /// A zip.
    Zip {
        /// Its path.
        path: PathBuf,
        /// What it holds.
        zip: Box<ZipArchive<BufReader<File>>>,
        /// What stands before every name: a zip of a folder has that in it.
        root: String,
    },
}

impl Archive {
    /// Whether `folder` is an export.
    pub(crate) fn is_at(folder: &Path) -> bool {
        folder.join(MANIFEST).is_file()
    }

    /// Opens the export at `path`.
    ///
    /// # Errors
    /// If there is none, or it is of a version that is not known here.
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        let mut archive = if path.is_dir() { Self::Folder(path.to_owned()) } else { open_zip(path)? };
        let manifest = archive.json(MANIFEST)?;
        archive.check(&manifest)?;
        Ok(archive)
    }

    /// Whether it can be written to: one that says it is of another form can't, one whose manifest is damaged can.
    ///
    /// # Errors
    /// If not.
    pub(crate) fn check_writable(&mut self) -> Outcome {
        self.json(MANIFEST).map_or(Ok(()), |manifest| self.check(&manifest))
    }

    fn check(&self, manifest: &Value) -> Outcome {
        match manifest["version"].as_u64() {
            _ if manifest["format"] != FORMAT => Err(self.failed(MANIFEST, "is none of tintype's")),
            Some(version) if version <= VERSION => Ok(()),
            _ => Err(self
                .failed(MANIFEST, &format!("is of version {}; known is {VERSION}", manifest["version"]))
                .hint("take the tintype that wrote it, or a newer one")),
        }
    }

    /// Whether it was written to its end.
    pub(crate) fn is_complete(&mut self) -> bool {
        self.json(MANIFEST).is_ok_and(|manifest| manifest["complete"] == true)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::Zip { path, .. } => path,
        }
    }

    /// The names of the pictures' files of JSON, in order.
    ///
    /// # Errors
    /// If a folder can't be read.
    pub(crate) fn sidecars(&self) -> Outcome<Vec<String>> {
        let mut names = self.in_months()?;
        names.retain(|name| name.ends_with(SIDECAR));
        Ok(names)
    }

    /// The names of the files in the months' folders, in order.
    ///
    /// # Errors
    /// If a folder can't be read.
    pub(crate) fn in_months(&self) -> Outcome<Vec<String>> {
        let mut names = match self {
            Self::Folder(path) => names_below(path).map_err(|error| {
                Failure::failed(format!("can't read the folder {}: {error}", path.display()))
            })?,
            Self::Zip { zip, root, .. } => {
                names_of(zip).filter_map(|name| name.strip_prefix(root.as_str()).map(str::to_owned)).collect()
            }
        };
        names.retain(|name| is_in_month(name));
        names.sort();
        Ok(names)
    }

    /// Copies what it holds, but for `names` and folders, into another zip: as it is packed, whoever put it there.
    ///
    /// # Errors
    /// If it can't be read or written.
    pub(crate) fn copy_others<W: Write + Seek>(
        &mut self,
        names: &HashSet<String>,
        to: &mut ZipWriter<W>,
    ) -> io::Result<()> {
        let Self::Zip { zip, root, .. } = self else { return Ok(()) };
        for index in 0..zip.len() {
            let file = zip.by_index_raw(index)?;
            // One that is no text can't be one of ours.
            let name =
                file.name().ok().map(|name| name.strip_prefix(root.as_str()).unwrap_or(&name).to_owned());
            match name {
                _ if file.is_dir() => {}
                Some(name) if names.contains(&name) => {}
                Some(name) if !root.is_empty() => to.raw_copy_file_rename(file, name)?,
                _ => to.raw_copy_file(file)?,
            }
        }
        Ok(())
    }

    /// The collections that it tells; none where it was broken off before they were written.
    ///
    /// # Errors
    /// If they can't be read.
    pub(crate) fn collections(&mut self) -> Outcome<Vec<Value>> {
        match self.json(COLLECTIONS).map(|mut told| told.get_mut("items").map(Value::take)) {
            Ok(Some(Value::Array(collections))) => Ok(collections),
            Ok(_) => Err(self.failed(COLLECTIONS, "holds no list")),
            Err(failure) if failure.exit == Exit::NotFound => Ok(Vec::new()),
            Err(failure) => Err(failure),
        }
    }

    /// The name of the picture that stands beside `sidecar`, which tells `known` of it.
    ///
    /// # Errors
    /// If it names none, or one that leads elsewhere.
    pub(crate) fn picture_of(&self, sidecar: &str, known: &Value) -> Outcome<String> {
        let folder = sidecar.rsplit_once('/').map_or("", |(folder, _)| folder);
        match known["file"].as_str().filter(|file| is_plain(file) && !file.ends_with(SIDECAR)) {
            Some(file) => Ok(format!("{folder}/{file}")),
            None => Err(self.failed(sidecar, "names no file of a picture")),
        }
    }

    /// The file `name`, if it has at most `limit` bytes.
    ///
    /// # Errors
    /// If there is none (then as [`Exit::NotFound`]), it is larger, or it can't be read.
    pub(crate) fn read(&mut self, name: &str, limit: u64) -> Outcome<Vec<u8>> {
        let read = match self {
            Self::Folder(path) => open_file(&path.join(name)).and_then(|file| bounded::read(file, limit)),
            Self::Zip { zip, root, .. } => zip
                .by_name(&format!("{root}{name}"))
                .map_err(io::Error::from)
                .and_then(|file| bounded::read(file, limit)),
        };
        read.map_err(|error| self.unread(name, &error))
    }

    /// The file `name` as JSON.
    ///
    /// # Errors
    /// As [`read`](Self::read), or if it is none.
    pub(crate) fn json(&mut self, name: &str) -> Outcome<Value> {
        let bytes = self.read(name, JSON_BYTES)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| self.failed(name, &format!("is no good JSON: {error}")))
    }

    fn unread(&self, name: &str, error: &io::Error) -> Failure {
        let failure = self.failed(name, &error.to_string());
        if error.kind() == io::ErrorKind::NotFound {
            Failure { exit: Exit::NotFound, ..failure }
        } else if error.kind() == io::ErrorKind::Unsupported {
            // As ZipError::CompressionMethodNotSupported and UnsupportedArchive come out of a read.
            failure.hint("another program packed it; unpack it, and take the folder")
        } else {
            failure
        }
    }

    fn failed(&self, name: &str, problem: &str) -> Failure {
        Failure::new(Exit::Refused, format!("{name} in {}: {problem}", self.path().display()))
    }
}

/// A file of a folder. What is none, a pipe or a device, could be read for ever.
fn open_file(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "is no file"))
    }
}

fn open_zip(path: &Path) -> Outcome<Archive> {
    let failed = |problem: String| Failure::new(Exit::Refused, format!("{}: {problem}", path.display()));
    let file = File::open(path)
        .map_err(|error| Failure::new(Exit::NotFound, format!("{}: {error}", path.display())))?;
    let zip = ZipArchive::new(BufReader::new(file)).map_err(|error| failed(error.to_string()))?;
    let manifest = names_of(&zip).filter(|name| name.ends_with(MANIFEST)).min_by_key(String::len);
    let root = manifest.and_then(|name| name.strip_suffix(MANIFEST).map(str::to_owned));
    let root = root.ok_or_else(|| {
        failed(format!("it holds no {MANIFEST}, so tintype did not write it"))
            .hint("unpack it, and take the folder")
    })?;
    Ok(Archive::Zip { path: path.to_owned(), zip: Box::new(zip), root })
}

/// Whether this is the name of a file two folders deep: a zip may hold names that lead elsewhere.
fn is_in_month(name: &str) -> bool {
    let parts: Vec<_> = name.split('/').collect();
    parts.len() == 3 && parts[0] == PICTURES && parts.iter().all(|part| is_plain(part))
}

/// Whether this names something in the folder where it stands, on every system.
fn is_plain(part: &str) -> bool {
    let is_odd = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':');
    !part.is_empty() && part != "." && part != ".." && !part.contains(is_odd)
}

/// The names of the files that can be read as text.
fn names_of(zip: &ZipArchive<BufReader<File>>) -> impl Iterator<Item = String> {
    zip.file_names().filter_map(|name| name.ok().map(std::borrow::Cow::into_owned))
}

/// The files in the months' folders, as a zip would name them.
fn names_below(folder: &Path) -> io::Result<Vec<String>> {
    let pictures = folder.join(PICTURES);
    let mut names = Vec::new();
    if !pictures.is_dir() {
        return Ok(names);
    }
    for month in fs::read_dir(pictures)? {
        let month = month?;
        if !month.file_type()?.is_dir() {
            continue;
        }
        let month_name = month.file_name();
        for file in fs::read_dir(month.path())? {
            let name = file?.file_name();
            if let (Some(month), Some(name)) = (month_name.to_str(), name.to_str()) {
                names.push(format!("{PICTURES}/{month}/{name}"));
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leads_elsewhere_is_no_picture_s() {
        assert!(is_in_month("pictures/2026-11/2026-11-24_101503_red-heart_0c8a4e1f2b77.json"));
        for name in [
            "pictures/../x_0c8a4e1f2b77.json",
            "pictures/2026-11/../../x.json",
            "pictures//x.json",
            "/pictures/2026-11/x.json",
            "pictures/2026-11/..\\x.json",
            "pictures/C:/x.json",
            "pictures/2026-11/x\n.json",
            "pictures/2026-11/\u{1b}[2Jx.json",
            "collections.json",
        ] {
            assert!(!is_in_month(name), "{name}");
        }
    }
}
