//! Which variants there are, how large each is, and when it was last used.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::Path,
    time::SystemTime,
};
use tintype_core::domain::BlobId;

/// A variant by its source and form.
type Key = (BlobId, String);

/// What is kept, in the order of its use.
#[derive(Debug, Default)]
pub(super) struct Index {
    size: u64,
    held: u64,
    uses: u64,
    by_key: HashMap<Key, (u64, u64)>,
    by_use: BTreeMap<u64, Key>,
}

impl Index {
    /// The index of what is in the folder, which may not be there; the order is that in which files were written.
    pub(super) fn read(root: &Path, size: u64) -> io::Result<Self> {
        let mut found = Vec::new();
        for shard in folder(root)? {
            for source in folder(&shard.path())? {
                let Some(id) = source.file_name().to_str().and_then(|name| name.parse::<BlobId>().ok())
                else {
                    continue;
                };
                for file in folder(&source.path())? {
                    let metadata = file.metadata()?;
                    let form = file.file_name().to_string_lossy().into_owned();
                    found.push((
                        metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                        id,
                        form,
                        metadata.len(),
                    ));
                }
            }
        }
        found.sort();
        let mut index = Self { size, ..Self::default() };
        for (_, id, form, bytes) in found {
            index.used(id, form, bytes);
        }
        Ok(index)
    }

    /// Notes that a variant of so many bytes was written or read.
    pub(super) fn used(&mut self, source: BlobId, form: String, bytes: u64) {
        let key = (source, form);
        self.uses += 1;
        if let Some((before, was)) = self.by_key.insert(key.clone(), (self.uses, bytes)) {
            self.by_use.remove(&before);
            self.held -= was;
        }
        self.by_use.insert(self.uses, key);
        self.held += bytes;
    }

    /// Notes that a variant is not there, or not whole.
    pub(super) fn forget(&mut self, source: BlobId, form: String) {
        if let Some((used, bytes)) = self.by_key.remove(&(source, form)) {
            self.by_use.remove(&used);
            self.held -= bytes;
        }
    }

    /// Whether a variant is kept.
    pub(super) fn holds(&self, source: BlobId, form: &str) -> bool {
        self.by_key.contains_key(&(source, form.to_owned()))
    }

    /// Takes out everything, and returns it.
    pub(super) fn drop_all(&mut self) -> Vec<Key> {
        self.held = 0;
        self.by_key.clear();
        std::mem::take(&mut self.by_use).into_values().collect()
    }

    /// Takes out what is too much, and returns it.
    pub(super) fn drop_oldest(&mut self) -> Vec<Key> {
        let mut dropped = Vec::new();
        while self.held > self.size
            && let Some((_, key)) = self.by_use.pop_first()
        {
            self.held -= self.by_key.remove(&key).map_or(0, |(_, bytes)| bytes);
            dropped.push(key);
        }
        dropped
    }
}

fn folder(path: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(path) {
        Ok(entries) => entries.collect(),
        // There was none yet, or it is a file that is not ours.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}
