//! A small file system, and what other programs do to it.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A mounted tmpfs. Unmounted when dropped.
pub(crate) struct Disk {
    folder: TempDir,
}

impl Disk {
    /// One of 8 MB.
    pub(crate) fn small() -> Self {
        Self::with("size=8m")
    }

    /// One with these options.
    pub(crate) fn with(options: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        mount(&["-t", "tmpfs", "-o", options, "tmpfs"], folder.path());
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A data folder on it.
    pub(crate) fn data(&self) -> PathBuf {
        let data = self.path("data");
        fs::create_dir_all(&data).unwrap();
        data
    }

    /// Mounts it anew with these options.
    pub(crate) fn remount(&self, options: &str) {
        mount(&["-o", &format!("remount,{options}")], self.folder.path());
    }

    /// Another program writes until there is no room for one byte more.
    pub(crate) fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.path("filler")).unwrap();
        let block = [7; 4_096];
        while file.write_all(&block).is_ok() {}
    }

    /// Another program makes files until there is no inode for one more.
    pub(crate) fn fill_inodes(&self) {
        let folder = self.path("many");
        drop(fs::create_dir(&folder));
        while File::create(folder.join(fastrand::u64(..).to_string())).is_ok() {}
    }

    /// The other program's files are removed.
    pub(crate) fn drain(&self) {
        drop(fs::remove_file(self.path("filler")));
        drop(fs::remove_dir_all(self.path("many")));
    }

    pub(crate) fn free_bytes(&self) -> u64 {
        let found = rustix::fs::statvfs(self.folder.path()).unwrap();
        found.f_bavail * found.f_frsize
    }
}

fn mount(arguments: &[&str], at: &Path) {
    let status = Command::new("mount").args(arguments).arg(at).status().unwrap();
    assert!(status.success(), "mount {arguments:?}");
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.folder.path()).status());
    }
}
