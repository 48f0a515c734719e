//! What there is to import, and in which order: a picture after the one it came from.

use crate::archive::{Archive, SIDECAR};
use crate::export::names;
use crate::failure::Outcome;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The endings of pictures' names.
const ENDINGS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];
/// Folders that other tools keep small forms of their pictures in.
const SMALL_FORMS: &str = "thumbnails";

/// One file to import.
#[derive(Debug)]
pub(super) struct Entry {
    /// What it is called when a person is told of it.
    pub(super) name: String,
    /// Where it is.
    pub(super) place: Place,
    /// The id it had where it was exported.
    pub(super) id: Option<String>,
    /// The id of the image it came from.
    parent: Option<String>,
}

/// Where a picture is.
#[derive(Debug)]
pub(super) enum Place {
    /// A file.
    File(PathBuf),
    /// In an export.
    Archive {
        /// Which of [`Plan::archives`].
        archive: usize,
        /// Its file of JSON.
        sidecar: String,
    },
    /// In an export, without a file of JSON: somebody put it there, or lost that.
    Alone {
        /// Which of [`Plan::archives`].
        archive: usize,
        /// Its name.
        picture: String,
    },
}

/// Everything to import.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The exports.
    pub(super) archives: Vec<Archive>,
    /// The pictures, in order.
    pub(super) entries: Vec<Entry>,
    /// What can't be looked into, and why.
    pub(super) problems: Vec<(String, String)>,
    /// How many files are no pictures.
    pub(super) others: u64,
}

impl Plan {
    /// What these paths hold.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let mut plan = Self::default();
        for path in paths {
            if path.is_dir() {
                plan.folder(path);
            } else if ends_in(path, &["zip"]) && path.is_file() {
                plan.archive(path);
            } else {
                plan.file(path);
            }
        }
        plan.entries = parents_first(std::mem::take(&mut plan.entries));
        plan
    }

    fn problem(&mut self, path: &Path, problem: impl Into<String>) {
        self.problems.push((path.display().to_string(), problem.into()));
    }

    fn folder(&mut self, path: &Path) {
        if Archive::is_at(path) {
            return self.archive(path);
        }
        match sorted(path) {
            Ok(entries) => entries.iter().for_each(|entry| self.entry(entry)),
            Err(error) => self.problem(path, format!("can't be read: {error}")),
        }
    }

    fn entry(&mut self, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // A link to a folder may lead in a circle.
        let is_link = path.is_symlink();
        if name.starts_with('.') {
            self.others += u64::from(!path.is_dir());
        } else if path.is_dir() {
            if !is_link && name != SMALL_FORMS {
                self.folder(path);
            }
        } else if ends_in(path, &ENDINGS) {
            self.file(path);
        } else {
            self.others += 1;
        }
    }

    fn file(&mut self, path: &Path) {
        if !path.is_file() {
            return self.problem(path, why_no_file(path));
        }
        let (name, place) = (path.display().to_string(), Place::File(path.to_owned()));
        self.entries.push(Entry { name, place, id: None, parent: None });
    }

    fn archive(&mut self, path: &Path) {
        let number = self.archives.len();
        match Archive::open(path).and_then(|mut archive| Ok((archive.read_known()?, archive))) {
            Ok((known, mut archive)) => {
                let alone = archive.alone(&known);
                for Known { sidecar, id, parent, .. } in known {
                    let name = format!("{}/{sidecar}", path.display());
                    let place = Place::Archive { archive: number, sidecar };
                    self.entries.push(Entry { name, place, id, parent });
                }
                // After those of which more is known: the same picture may be among them.
                match alone {
                    Ok((alone, others)) => {
                        self.others += others;
                        self.entries.extend(alone.into_iter().map(|picture| {
                            let name = format!("{}/{picture}", path.display());
                            let place = Place::Alone { archive: number, picture };
                            Entry { name, place, id: None, parent: None }
                        }));
                    }
                    Err(failure) => self.problem(path, failure.in_one_line()),
                }
                self.archives.push(archive);
            }
            Err(failure) => self.problem(path, failure.in_one_line()),
        }
    }
}

/// What a picture's file of JSON says that its place in the line depends on.
struct Known {
    sidecar: String,
    id: Option<String>,
    parent: Option<String>,
    /// The name of the picture.
    picture: Option<String>,
}

impl Archive {
    /// What each image says of itself; a file that can't be read is told of when its turn comes.
    fn read_known(&mut self) -> Outcome<Vec<Known>> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let known = self.sidecars()?.into_iter().map(|sidecar| {
            let json = self.json(&sidecar).unwrap_or_default();
            let picture = self.picture_of(&sidecar, &json).ok();
            Known { id: text(&json["id"]), parent: text(&json["parent"]["id"]), picture, sidecar }
        });
        Ok(known.collect())
    }

    /// The pictures in the months' folders that have no file of JSON, and how many other files are there. One that an
    /// export had just written when it was broken off is not taken without what the next run will know of it.
    fn alone(&mut self, known: &[Known]) -> Outcome<(Vec<String>, u64)> {
        let is_complete = self.is_complete();
        let named: HashSet<&str> = known.iter().filter_map(|known| known.picture.as_deref()).collect();
        let damaged = known.iter().filter(|known| known.picture.is_none());
        let damaged: HashSet<&str> = damaged.map(|known| known.sidecar.trim_end_matches(SIDECAR)).collect();
        let (mut pictures, mut others) = (Vec::new(), 0);
        for name in self.in_months()? {
            let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
            let is_told = name.ends_with(SIDECAR) || named.contains(name.as_str()) || damaged.contains(stem);
            let mut folders = name.rsplit('/');
            let is_hidden = folders.next().is_some_and(|file| file.starts_with('.'));
            let is_small = folders.next() == Some(SMALL_FORMS);
            let is_begun = !is_complete && names::is_given(stem);
            if is_told {
                continue;
            }
            if ends_in(Path::new(&name), &ENDINGS) && !is_hidden && !is_small && !is_begun {
                pictures.push(name);
            } else {
                others += 1;
            }
        }
        Ok((pictures, others))
    }
}

/// The entries as they come, but for those whose parent comes later: they follow it. A circle is broken somewhere.
fn parents_first(entries: Vec<Entry>) -> Vec<Entry> {
    let place: HashMap<String, usize> =
        entries.iter().enumerate().filter_map(|(n, entry)| Some((entry.id.clone()?, n))).collect();
    let parent = |n: usize| entries[n].parent.as_ref().and_then(|id| place.get(id)).copied();
    let mut order = Vec::with_capacity(entries.len());
    let mut is_taken = vec![false; entries.len()];
    for n in 0..entries.len() {
        let mut line = Vec::new();
        let mut next = Some(n).filter(|n| !is_taken[*n]);
        while let Some(n) = next {
            is_taken[n] = true;
            line.push(n);
            next = parent(n).filter(|n| !is_taken[*n]);
        }
        order.extend(line.into_iter().rev());
    }
    let mut entries: Vec<_> = entries.into_iter().map(Some).collect();
    order.into_iter().filter_map(|n| entries[n].take()).collect()
}

/// What stands where a file should, which would be opened in vain or read for ever.
fn why_no_file(path: &Path) -> &'static str {
    match (path.exists(), path.is_symlink()) {
        (true, _) => "is no file, but a pipe, a device or the like",
        (false, true) => "is a link to what is not there",
        (false, false) => "there is no such file or folder",
    }
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn ends_in(path: &Path, endings: &[&str]) -> bool {
    let extension = path.extension().unwrap_or_default();
    endings.iter().any(|ending| extension.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, parent: Option<&str>) -> Entry {
        let place = Place::File(PathBuf::from(id));
        Entry { name: id.to_owned(), place, id: Some(id.to_owned()), parent: parent.map(str::to_owned) }
    }

    fn ordered(entries: Vec<Entry>) -> Vec<String> {
        parents_first(entries).into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn a_picture_follows_the_one_it_came_from() {
        let entries = vec![
            entry("grandchild", Some("child")),
            entry("other", None),
            entry("child", Some("parent")),
            entry("parent", None),
            entry("orphan", Some("nobody")),
        ];
        assert_eq!(ordered(entries), ["parent", "child", "grandchild", "other", "orphan"]);
    }

    #[test]
    fn a_circle_ends() {
        let entries = vec![entry("a", Some("b")), entry("b", Some("a")), entry("c", Some("c"))];
        assert_eq!(ordered(entries), ["b", "a", "c"]);
    }
}
