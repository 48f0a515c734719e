//! The files of an export: what is there and whole stays, nothing is ever half written under its own name.

use super::{Image, names};
use crate::archive::{Archive, COLLECTIONS, FORMAT, JSON_BYTES, MANIFEST, PICTURES, SIDECAR, VERSION};
use crate::failure::{Failure, Outcome};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tintype_core::domain::{BlobId, Timestamp};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// What a file ends in while it is being written.
const UNFINISHED: &str = ".part";
/// The largest picture that is looked for in an earlier zip, in bytes.
const PICTURE_BYTES: u64 = 256 * 1024 * 1024;

/// What became of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It was written; so many bytes.
    New(u64),
    /// It was there; what is known of it was written anew.
    Updated,
    /// It was there.
    There,
}

impl Written {
    /// Its name in lines for machines.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::New(_) => "new",
            Self::Updated => "updated",
            Self::There => "there",
        }
    }
}

/// A folder that is an export.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// The names that are taken, by the end of the id.
    stems: HashMap<String, String>,
    previous: Option<Archive>,
    began: Timestamp,
    /// Held as long as it is written.
    _lock: Option<File>,
}

impl Folder {
    /// The folder at `path`, new or of an earlier run. What `previous` opens, once no other export writes, is not fetched again.
    ///
    /// # Errors
    /// If it holds something else, another export writes it, or it can't be written; those of `previous`.
    pub(super) fn prepare(
        path: &Path,
        previous: impl FnOnce() -> Outcome<Option<Archive>>,
        began: Timestamp,
    ) -> Outcome<Self> {
        if fs::symlink_metadata(path).is_ok() && !path.is_dir() {
            return Err(Failure::usage(format!("{} is no folder", path.display()))
                .hint("name a folder, or a file that ends in .zip"));
        }
        fs::create_dir_all(path).map_err(|error| cant_write(path, &error))?;
        let lock = lock(path)?;
        if Archive::is_at(path) {
            Archive::Folder(path.to_owned()).check_writable()?;
        } else if !is_empty(path).map_err(|error| cant_write(path, &error))? {
            return Err(Failure::usage(format!("{} holds something else than an export", path.display()))
                .hint("name a folder that is empty or not there, or that of an earlier export"));
        }
        let previous = previous().inspect_err(|_| {
            // It goes if it is empty: nothing was to be written.
            fs::remove_dir(path).ok();
        })?;
        let mut folder = Self { path: path.to_owned(), stems: HashMap::new(), previous, began, _lock: lock };
        folder.write_manifest(false, None)?;
        let here = Archive::open(path)?;
        for archive in folder.previous.iter().chain([&here]) {
            for name in archive.sidecars()? {
                let stem = name.trim_end_matches(SIDECAR);
                let tail = names::tail_of(stem).unwrap_or_default().to_owned();
                folder.stems.insert(tail, stem.to_owned());
            }
        }
        Ok(folder)
    }

    /// Writes the file of the collections: those there are, and those that pictures of earlier runs may be in.
    ///
    /// # Errors
    /// If that of an earlier run can't be read, or it can't be written.
    pub(super) fn write_collections(&mut self, mut collections: Vec<Value>) -> Outcome {
        let mut here = Archive::Folder(self.path.clone());
        for archive in [&mut here].into_iter().chain(&mut self.previous) {
            for earlier in archive.collections()? {
                if collections.iter().all(|collection| collection["id"] != earlier["id"]) {
                    collections.push(earlier);
                }
            }
        }
        self.replace(COLLECTIONS, pretty(&json!({ "items": collections })).as_bytes())
    }

    /// Makes the picture and its JSON be there; `fetch` gets the bytes where they are not. The name comes with it.
    ///
    /// # Errors
    /// Those of `fetch`, or if a file can't be written.
    pub(super) fn write(
        &mut self,
        image: &Image,
        view: Value,
        fetch: impl FnOnce() -> Outcome<Vec<u8>>,
    ) -> Outcome<(Written, String)> {
        let stem = self.stem(image);
        let picture = format!("{stem}.{}", image.content_type.extension());
        let is_there = self.is_whole(&picture, &image.sha256);
        let mut written = Written::There;
        if !is_there {
            let bytes = match self.earlier(&picture, &image.sha256) {
                Some(bytes) => bytes,
                None => {
                    let bytes = fetch()?;
                    written = Written::New(bytes.len() as u64);
                    bytes
                }
            };
            self.replace(&picture, &bytes)?;
        }
        let text = pretty(&sidecar(view, &picture));
        let name = format!("{stem}{SIDECAR}");
        if self.text(&name).as_deref() != Some(text.as_str()) {
            self.replace(&name, text.as_bytes())?;
            if is_there {
                written = Written::Updated;
            }
        }
        self.stems.insert(names::tail(&image.id.to_string()).to_owned(), stem);
        Ok((written, picture))
    }

    /// A picture keeps the name that it had first, whatever its title is now.
    fn stem(&mut self, image: &Image) -> String {
        let id = image.id.to_string();
        let taken = self.stems.get(names::tail(&id)).cloned();
        let is_its = |json: Option<Value>| json.is_some_and(|json| json["id"] == id);
        taken
            .filter(|stem| {
                let name = format!("{stem}{SIDECAR}");
                let here = || self.text(&name).and_then(|text| serde_json::from_str(&text).ok());
                is_its(here()) || is_its(self.previous.as_mut().and_then(|archive| archive.json(&name).ok()))
            })
            .unwrap_or_else(|| names::stem(image))
    }

    fn is_whole(&self, name: &str, sha256: &BlobId) -> bool {
        fs::read(self.path.join(name)).is_ok_and(|bytes| BlobId::of(&bytes) == *sha256)
    }

    fn earlier(&mut self, name: &str, sha256: &BlobId) -> Option<Vec<u8>> {
        let bytes = self.previous.as_mut()?.read(name, PICTURE_BYTES).ok()?;
        Some(bytes).filter(|bytes| BlobId::of(bytes) == *sha256)
    }

    fn text(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path.join(name)).ok()
    }

    /// Says that the export is done, or that something is missing.
    ///
    /// # Errors
    /// If a file can't be read or written.
    pub(super) fn finish(&mut self, complete: bool) -> Outcome {
        self.keep_earlier()?;
        self.write_manifest(complete, Some(self.images()?))
    }

    /// How many pictures there are.
    ///
    /// # Errors
    /// If a folder can't be read.
    pub(super) fn images(&self) -> Outcome<u64> {
        Ok(Archive::Folder(self.path.clone()).sidecars()?.len() as u64)
    }

    /// Takes from the earlier zip the pictures that this run did not write: nothing goes out of an export.
    fn keep_earlier(&mut self) -> Outcome {
        let Some(mut previous) = self.previous.take() else { return Ok(()) };
        for name in previous.sidecars()? {
            if !self.path.join(&name).is_file() {
                self.keep(&mut previous, &name)
                    .map_err(|failure| failure.hint("the zip stays as it was; export into another file"))?;
            }
        }
        self.previous = Some(previous);
        Ok(())
    }

    fn keep(&self, previous: &mut Archive, name: &str) -> Outcome {
        let known = previous.json(name)?;
        let picture = previous.picture_of(name, &known)?;
        self.replace(&picture, &previous.read(&picture, PICTURE_BYTES)?)?;
        self.replace(name, &previous.read(name, JSON_BYTES)?)
    }

    fn write_manifest(&self, complete: bool, images: Option<u64>) -> Outcome {
        let manifest = json!({
            "format": FORMAT, "version": VERSION, "tintype": env!("CARGO_PKG_VERSION"), "exported_at": self.began,
            "complete": complete, "images": images,
        });
        self.replace(MANIFEST, pretty(&manifest).as_bytes())
    }

    /// Writes a file beside its name, and then makes it that name's: what stands there is always whole.
    fn replace(&self, name: &str, bytes: &[u8]) -> Outcome {
        let path = self.path.join(name);
        let unfinished = self.path.join(format!("{name}{UNFINISHED}"));
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&unfinished, bytes))
            .and_then(|()| fs::rename(&unfinished, &path))
            .inspect_err(|_| drop(fs::remove_file(&unfinished)));
        written.map_err(|error| cant_write(&path, &error))
    }

    /// Makes a zip of the folder, stored, since pictures don't get smaller; and of what else the earlier one holds, as it is packed.
    ///
    /// # Errors
    /// If it can't be written.
    pub(super) fn pack(&mut self, zip: &Path) -> io::Result<()> {
        let mut writer = ZipWriter::new(BufWriter::new(File::create(zip)?));
        let mut names = vec![MANIFEST.to_owned(), COLLECTIONS.to_owned()];
        for month in sorted(&self.path.join(PICTURES))? {
            let files = sorted(&self.path.join(PICTURES).join(&month))?;
            names.extend(files.into_iter().map(|file| format!("{PICTURES}/{month}/{file}")));
        }
        names.retain(|name| !name.ends_with(UNFINISHED) && self.path.join(name).is_file());
        for name in &names {
            let mut file = File::open(self.path.join(name))?;
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored)
                .large_file(file.metadata()?.len() > u64::from(u32::MAX));
            writer.start_file(name.as_str(), options)?;
            io::copy(&mut file, &mut writer)?;
        }
        if let Some(mut previous) = self.previous.take() {
            previous.copy_others(&names.into_iter().collect(), &mut writer)?;
        }
        let mut file = writer.finish()?;
        file.flush()?;
        file.get_ref().sync_all()
    }
}

/// What is known of an image, without what is only good on its server, and with the name of its file.
fn sidecar(view: Value, picture: &str) -> Value {
    let Value::Object(mut fields) = view else { return Value::Object(Map::new()) };
    fields.remove("url");
    fields.remove("thumbnail_url");
    let file = picture.rsplit_once('/').map_or(picture, |(_, file)| file);
    fields.insert("file".to_owned(), json!(file));
    Value::Object(fields)
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Keeps a second export out of the folder. Where the system locks no folders, nothing does.
fn lock(path: &Path) -> Outcome<Option<File>> {
    let Ok(folder) = File::open(path) else { return Ok(None) };
    match folder.try_lock() {
        Ok(()) => Ok(Some(folder)),
        Err(TryLockError::WouldBlock) => {
            Err(Failure::usage(format!("another export is writing into {}", path.display()))
                .hint("wait until it has ended, or export to another place"))
        }
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

fn is_empty(folder: &Path) -> io::Result<bool> {
    Ok(fs::read_dir(folder)?.next().is_none())
}

fn sorted(folder: &Path) -> io::Result<Vec<String>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().to_str().map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn cant_write(path: &Path, error: &io::Error) -> Failure {
    Failure::of_write(path, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_put_into_a_zip_stays_in_it() {
        let place = tempfile::tempdir().unwrap();
        let zip = place.path().join("out.zip");
        let mut writer = ZipWriter::new(File::create(&zip).unwrap());
        let manifest = format!("{{\"format\":\"{FORMAT}\",\"version\":{VERSION}}}");
        let theirs = ["README.txt", "movie.part", "C:\\a:b.txt", "pictures/2026-11/holiday.png"];
        for (name, text) in [(MANIFEST, manifest.as_str())].into_iter().chain(theirs.map(|name| (name, name)))
        {
            let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
            writer.start_file(name, options).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap();
        let parts = place.path().join("out.zip.parts");
        let began = Timestamp::from_millis(0);
        let mut folder = Folder::prepare(&parts, || Archive::open(&zip).map(Some), began).unwrap();
        folder.write_collections(Vec::new()).unwrap();
        folder.finish(true).unwrap();
        let packed = place.path().join("out.zip.tmp");
        folder.pack(&packed).unwrap();
        fs::rename(packed, &zip).unwrap();
        let mut packed = zip::ZipArchive::new(File::open(&zip).unwrap()).unwrap();
        assert_eq!(packed.len(), 2 + theirs.len());
        for name in theirs {
            assert_eq!(io::read_to_string(packed.by_name(name).unwrap()).unwrap(), name);
        }
    }
}
