//! What is asked of a file system.

use std::{fmt, fs::File, io, path::Path};

/// How much of a file system is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Measure {
    /// Its bytes.
    pub(super) total: u64,
    /// Free bytes that this user may write.
    pub(super) free: u64,
    /// Its inodes; 0 where it has no fixed number of them.
    pub(super) files: u64,
    /// Free inodes.
    pub(super) files_free: u64,
    /// Whether it is mounted read-only.
    pub(super) is_read_only: bool,
}

/// A file system; a trait, so that tests have one that fills up.
pub(super) trait Disk: fmt::Debug + Send + Sync {
    /// Measures the file system that holds `folder`; `None` where the system does not tell.
    fn measure(&self, folder: &Path) -> io::Result<Option<Measure>>;

    /// Makes the file at `path` one of `bytes` that are really allocated.
    fn allocate(&self, path: &Path, bytes: u64) -> io::Result<()>;

    /// Allocates `bytes` for the file at `path`, which is there, also past its end, and leaves its length as it is. Some
    /// systems can't, and do nothing.
    fn extend(&self, path: &Path, bytes: u64) -> io::Result<()>;
}

/// The operating system's.
#[derive(Debug)]
pub(super) struct RealDisk;

impl Disk for RealDisk {
    #[cfg(unix)]
    fn measure(&self, folder: &Path) -> io::Result<Option<Measure>> {
        use rustix::fs::{StatVfsMountFlags, statvfs};
        let found = statvfs(folder)?;
        Ok(Some(Measure {
            total: found.f_blocks.saturating_mul(found.f_frsize),
            free: found.f_bavail.saturating_mul(found.f_frsize),
            files: found.f_files,
            files_free: found.f_favail,
            is_read_only: found.f_flag.contains(StatVfsMountFlags::RDONLY),
        }))
    }

    #[cfg(not(unix))]
    fn measure(&self, _folder: &Path) -> io::Result<Option<Measure>> {
        Ok(None)
    }

    fn allocate(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let file = crate::private::create(path)?;
        #[cfg(target_os = "linux")]
        match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
            // A file system that can't do so.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {}
            done => return done.map_err(io::Error::from),
        }
        fill(&file, bytes)
    }

    #[cfg(target_os = "linux")]
    fn extend(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let file = File::options().write(true).open(path)?;
        Ok(rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::KEEP_SIZE, 0, bytes)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn extend(&self, _path: &Path, _bytes: u64) -> io::Result<()> {
        Ok(())
    }
}

/// Writes bytes that no file system compresses away.
fn fill(mut file: &File, bytes: u64) -> io::Result<()> {
    use std::io::Write as _;
    let mut block = vec![0_u8; 64 * 1_024];
    let mut number = 0x9e37_79b9_7f4a_7c15_u64;
    let mut left = bytes;
    while left > 0 {
        for chunk in block.chunks_exact_mut(8) {
            // Xorshift: a sequence without a pattern.
            number ^= number << 13;
            number ^= number >> 7;
            number ^= number << 17;
            chunk.copy_from_slice(&number.to_le_bytes());
        }
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        file.write_all(&block[..part])?;
        left -= part as u64;
    }
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_is_extended_keeps_its_length_and_has_the_blocks() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "text").unwrap();
        RealDisk.extend(&path, 1 << 20).unwrap();
        let found = path.metadata().unwrap();
        assert_eq!(found.len(), 4);
        assert!(found.blocks() * 512 >= 1 << 20, "{}", found.blocks());
        assert_eq!(std::fs::read(&path).unwrap(), b"text");
    }

    #[test]
    fn bytes_are_allocated_with_and_without_the_help_of_the_file_system() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        RealDisk.allocate(&path, 100_000).unwrap();
        assert_eq!(path.metadata().unwrap().len(), 100_000);
        fill(&File::create(&path).unwrap(), 100_000).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 100_000);
        assert!(bytes[..4_096] != bytes[4_096..8_192]);
    }
}
