//! The reserve: files of allocated bytes in the data folder that are removed when the disk is full. There are several, so
//! that their removal gives back inodes too.

use super::disk::Disk;
use crate::private::make_private;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The reserve's folder in the data folder.
const FOLDER: &str = "reserve";
const PROBE: &str = "probe";
/// How many files it has: as many inodes as a server that starts makes.
const FILES: u64 = 4;

/// What a reserve lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) bytes: u64,
    pub(super) files: u64,
}

/// The reserve of one data folder.
#[derive(Debug)]
pub(super) struct Reserve {
    folder: PathBuf,
    bytes: u64,
}

impl Reserve {
    /// The reserve of `bytes` in the data folder; none of 0.
    pub(super) fn new(data: &Path, bytes: u64) -> Self {
        Self { folder: data.join(FOLDER), bytes }
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    const fn part(&self) -> u64 {
        self.bytes / FILES
    }

    fn files(&self) -> impl Iterator<Item = PathBuf> {
        let folder = self.folder.clone();
        (1..=FILES).map(move |n| folder.join(n.to_string()))
    }

    fn is_whole(&self, file: &Path) -> bool {
        fs::metadata(file).is_ok_and(|found| found.len() >= self.part())
    }

    /// What it lacks now.
    pub(super) fn missing(&self) -> Missing {
        if self.part() == 0 {
            return Missing::default();
        }
        let files = self.files().filter(|file| !self.is_whole(file)).count() as u64;
        Missing { bytes: files * self.part(), files }
    }

    /// Makes what it lacks. What could be made stays where the rest could not.
    pub(super) fn make(&self, disk: &dyn Disk) -> io::Result<()> {
        if self.missing() == Missing::default() {
            return Ok(());
        }
        make_private(&self.folder)?;
        for file in self.files() {
            if !self.is_whole(&file) {
                disk.allocate(&file, self.part()).inspect_err(|_| drop(fs::remove_file(&file)))?;
            }
        }
        Ok(())
    }

    /// Removes it; says whether there was any of it.
    pub(super) fn release(&self) -> bool {
        let mut released = false;
        for file in self.files() {
            released |= fs::remove_file(file).is_ok();
        }
        released
    }

    /// Allocates `bytes` beside it for a moment.
    pub(super) fn probe(&self, disk: &dyn Disk, bytes: u64) -> io::Result<()> {
        let file = self.folder.join(PROBE);
        let probed = make_private(&self.folder).and_then(|()| disk.allocate(&file, bytes));
        drop(fs::remove_file(&file));
        probed
    }
}
