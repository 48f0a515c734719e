use super::*;
use std::{
    fs::{self, File},
    sync::atomic::AtomicUsize,
};
use tempfile::TempDir;

const MIB: u64 = 1_024 * 1_024;

/// A disk of 100 MiB that other programs fill, too.
#[derive(Clone, Debug, Default)]
struct SmallDisk(Arc<State>);

#[derive(Debug, Default)]
struct State {
    others: AtomicU64,
    other_files: AtomicU64,
    /// Bytes that this user may have; 0 for any number.
    quota: AtomicU64,
    is_read_only: AtomicBool,
}

fn used(folder: &Path) -> (u64, u64) {
    let files = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().metadata().unwrap());
    files.fold((0, 0), |(bytes, count), file| (bytes + file.len(), count + 1))
}

impl Disk for SmallDisk {
    fn measure(&self, folder: &Path) -> io::Result<Option<Measure>> {
        let (bytes, files) = used(&folder.join("reserve"));
        Ok(Some(Measure {
            total: 100 * MIB,
            free: (100 * MIB).saturating_sub(bytes + self.0.others.load(Relaxed)),
            files: 100,
            files_free: 100_u64.saturating_sub(files + self.0.other_files.load(Relaxed)),
            is_read_only: self.0.is_read_only.load(Relaxed),
        }))
    }

    fn allocate(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let folder = path.parent().and_then(Path::parent).unwrap();
        if self.measure(folder)?.unwrap().free < bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let quota = self.0.quota.load(Relaxed);
        if quota > 0 && used(path.parent().unwrap()).0 + bytes > quota {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        File::create(path)?.set_len(bytes)
    }

    fn extend(&self, _: &Path, _: u64) -> io::Result<()> {
        Ok(())
    }
}

struct Cache {
    disk: SmallDisk,
    bytes: u64,
    asked: AtomicUsize,
}

impl Relief for Cache {
    fn make_room(&self) {
        if self.asked.fetch_add(1, Relaxed) == 0 {
            self.disk.0.others.fetch_sub(self.bytes, Relaxed);
        }
    }
}

/// 10 MiB are kept free, and 8 MiB are in reserve.
fn watched() -> (DiskSpace, SmallDisk, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::default();
    let settings = SpaceSettings { min_free: Some(10 * MIB), reserve: Some(8 * MIB) };
    let space = DiskSpace::on(Box::new(disk.clone()), folder.path(), settings);
    space.check();
    (space, disk, folder)
}

fn kind(space: &DiskSpace, bytes: u64) -> Option<ErrorKind> {
    space.admit("test", bytes).err().map(|error| error.kind())
}

fn fill(disk: &SmallDisk, others: u64) {
    disk.0.others.store(others, Relaxed);
}

#[test]
fn writes_are_refused_before_the_disk_is_full_and_taken_again_when_there_is_room() {
    let (space, disk, _folder) = watched();
    assert_eq!(kind(&space, 1), None);
    fill(&disk, 83 * MIB);
    space.check();
    assert!(space.is_low());
    assert_eq!(kind(&space, 1), Some(ErrorKind::Exhausted));
    assert_eq!(space.report().read_only, Some("the disk is full"));
    // A little more than the limit is not enough to be let in again.
    fill(&disk, 82 * MIB);
    space.check();
    assert!(space.is_low());
    fill(&disk, 80 * MIB);
    space.check();
    assert_eq!((kind(&space, 1), space.report().read_only), (None, None));
}

#[test]
fn what_is_written_between_two_measurements_counts() {
    let (space, disk, _folder) = watched();
    fill(&disk, 80 * MIB);
    space.check();
    assert_eq!(space.admit_at_once("test", MIB).map(|done| done.is_ok()), Some(true));
    // The next one does not fit into what was measured: it is measured again, and there is room.
    assert!(space.admit_at_once("test", MIB + 1).is_none());
    assert_eq!(kind(&space, MIB + 1), None);
}

#[test]
fn a_write_that_is_too_large_for_what_is_left_is_refused_and_smaller_ones_are_not() {
    let (space, disk, _folder) = watched();
    fill(&disk, 80 * MIB);
    space.check();
    assert_eq!(kind(&space, 5 * MIB), Some(ErrorKind::Exhausted));
    assert_eq!(kind(&space, MIB), None);
}

#[test]
fn caches_are_dropped_before_anything_is_refused() {
    let (space, disk, _folder) = watched();
    fill(&disk, 85 * MIB);
    let cache = Arc::new(Cache { disk: disk.clone(), bytes: 20 * MIB, asked: AtomicUsize::new(0) });
    let relief: Arc<dyn Relief> = cache.clone();
    space.relieved_by(Arc::downgrade(&relief));
    space.check();
    assert_eq!(kind(&space, 1), None);
    assert_eq!(cache.asked.load(Relaxed), 1);
}

#[test]
fn a_reserve_that_was_used_is_made_again_before_writes_are_taken() {
    let (space, disk, folder) = watched();
    let reserve = folder.path().join("reserve");
    assert_eq!(used(&reserve), (8 * MIB, 4));
    fill(&disk, 92 * MIB);
    space.met_full();
    assert!(space.release_reserve());
    assert_eq!(used(&reserve), (0, 0));
    assert!(!space.release_reserve(), "it is used once");
    fill(&disk, 100 * MIB);
    space.check();
    assert!(space.is_low());
    fill(&disk, 70 * MIB);
    space.check();
    assert!(!space.is_low());
    assert_eq!(used(&reserve), (8 * MIB, 4));
}

#[test]
fn what_is_freed_while_the_disk_is_full_goes_into_the_reserve() {
    let (space, disk, folder) = watched();
    fill(&disk, 92 * MIB);
    space.check();
    space.release_reserve();
    fill(&disk, 95 * MIB);
    space.check();
    assert!(space.is_low());
    assert_eq!(used(&folder.path().join("reserve")), (4 * MIB, 2));
}

#[test]
fn a_file_system_without_free_inodes_is_full() {
    let (space, disk, _folder) = watched();
    disk.0.other_files.store(93, Relaxed);
    space.check();
    assert_eq!(kind(&space, 1), Some(ErrorKind::Exhausted));
    assert!(space.report().read_only.unwrap().contains("inodes"));
    disk.0.other_files.store(10, Relaxed);
    space.check();
    assert_eq!(kind(&space, 1), None);
}

#[test]
fn a_quota_that_is_used_up_is_a_full_disk_until_a_write_succeeds() {
    let (space, disk, _folder) = watched();
    disk.0.quota.store(9 * MIB, Relaxed);
    space.met_full();
    assert_eq!(kind(&space, 1), Some(ErrorKind::Exhausted));
    assert!(space.report().read_only.unwrap().contains("quota"));
    disk.0.quota.store(50 * MIB, Relaxed);
    space.check();
    assert_eq!(kind(&space, 1), None);
}

#[test]
fn a_write_that_met_a_full_disk_for_a_moment_refuses_no_others() {
    let (space, _disk, _folder) = watched();
    space.met_full();
    assert_eq!(kind(&space, 1), None);
}

#[test]
fn a_file_system_that_was_mounted_read_only_is_unavailable_and_not_full() {
    let (space, disk, _folder) = watched();
    disk.0.is_read_only.store(true, Relaxed);
    space.check();
    assert_eq!(kind(&space, 1), Some(ErrorKind::Unavailable));
    assert!(space.report().read_only.unwrap().contains("read-only"));
}

#[test]
fn work_on_files_is_done_again_with_the_reserve_released() {
    let (space, _disk, folder) = watched();
    let mut tries = 0;
    let done = space.with_room(|| {
        tries += 1;
        if tries == 1 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(tries) }
    });
    assert_eq!((done.unwrap(), used(&folder.path().join("reserve"))), (2, (0, 0)));
    let broken = space.with_room(|| Err::<(), _>(io::Error::other("broken"))).unwrap_err();
    assert_eq!(broken.to_string(), "broken");
}

#[test]
fn defaults_shrink_with_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let space = DiskSpace::on(Box::new(SmallDisk::default()), folder.path(), SpaceSettings::default());
    assert_eq!((space.min_free(), space.log_bytes()), (5 * MIB, 100 * MIB / limits::RESERVE_SHARE));
}
