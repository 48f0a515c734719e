//! Room on the disk of the data folder: how much there is, when writes that add data are refused, and the reserve that
//! deletes may use once the disk is full. What is refused and what is not stands where the writes are.

mod disk;
mod reserve;

use crate::error::{NO_SPACE, is_full};
use disk::{Disk, Measure, RealDisk};
use reserve::Reserve;
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tintype_core::{ErrorKind, PortError, PortResult, domain::limits};

/// How long a measurement counts, unless writes use up what it found.
const FRESH: Duration = Duration::from_secs(1);
/// Bytes that one write of the database is taken to need, for the count between two measurements.
pub(crate) const WRITE_BYTES: u64 = 32 * 1_024;
/// Bytes that are free beside what is left to others for as long as writes are taken.
const SMALL_WRITE_BYTES: u64 = 64 * 1_024;
/// The most bytes that are allocated to find out whether a disk that refused a write has room again.
const PROBE_BYTES_MAX: u64 = 4 * 1_024 * 1_024;
/// The bytes that tell whether an error of the database came from a full disk.
const SMALL_PROBE_BYTES: u64 = 64 * 1_024;
/// Names in the data folder that may go when a server has no room to start: the rendition cache, and files that a crash
/// left half written.
const EXPENDABLE: [&str; 2] = ["variants", "incoming"];

/// How much of the disk is left to others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpaceSettings {
    /// Free bytes below which writes that add data are refused. `None`: [`limits::MIN_FREE_BYTES`], and at most
    /// [`limits::MIN_FREE_SHARE`] of the file system.
    pub min_free: Option<u64>,
    /// Bytes of the reserve. `None`: [`limits::RESERVE_BYTES`], and at most [`limits::RESERVE_SHARE`] of the file system.
    pub reserve: Option<u64>,
}

/// What the disk of a data folder has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceReport {
    /// Free bytes that this user may write; 0 where the system does not tell.
    pub free_bytes: u64,
    /// Bytes of the whole file system; 0 where the system does not tell.
    pub total_bytes: u64,
    /// Why nothing can be added; `None` while there is room.
    pub read_only: Option<&'static str>,
}

/// What is missing for writes that add data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    /// Free bytes.
    Bytes,
    /// Free inodes.
    Files,
    /// Room for this user: a write was refused though the file system has free bytes, as a quota does.
    Quota,
    /// The right to write: the file system is mounted read-only.
    Mount,
}

impl Lack {
    const ALL: [Self; 4] = [Self::Bytes, Self::Files, Self::Quota, Self::Mount];

    const fn to_number(lack: Option<Self>) -> u8 {
        match lack {
            None => 0,
            Some(Self::Bytes) => 1,
            Some(Self::Files) => 2,
            Some(Self::Quota) => 3,
            Some(Self::Mount) => 4,
        }
    }

    fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|lack| Self::to_number(Some(*lack)) == number)
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::Bytes => "the disk is full",
            Self::Files => "the file system has no room for further files (inodes)",
            Self::Quota => "the disk quota of the server's user is used up",
            Self::Mount => "the file system is mounted read-only",
        }
    }

    fn refusal(self, operation: &'static str) -> PortError {
        match self {
            Self::Bytes | Self::Files | Self::Quota => no_space(operation),
            Self::Mount => {
                let message = "the file system of the library is mounted read-only; reads still work";
                PortError::new(ErrorKind::Unavailable, operation, message)
            }
        }
    }
}

/// The refusal of a write that adds data.
pub(crate) fn no_space(operation: &'static str) -> PortError {
    PortError::new(ErrorKind::Exhausted, operation, NO_SPACE)
}

/// What can give room back when the disk gets full.
pub(crate) trait Relief: Send + Sync {
    /// Gives back what can be spared. It may be called on any thread, and often.
    fn make_room(&self);
}

/// Watches the disk of one data folder; cheap to clone.
#[derive(Clone)]
pub struct DiskSpace {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    disk: Box<dyn Disk>,
    settings: SpaceSettings,
    reserve: Reserve,
    /// The number of the [`Lack`]; 0 for none.
    lack: AtomicU8,
    /// Free bytes when they were measured, less what was written since.
    free: AtomicU64,
    total: AtomicU64,
    began: Instant,
    /// When the disk was last measured, in milliseconds since `began`.
    measured: AtomicU64,
    /// Whether a write met a full disk since there was last known to be room.
    refused: AtomicBool,
    checking: Mutex<()>,
    reliefs: Mutex<Vec<Weak<dyn Relief>>>,
}

impl DiskSpace {
    /// The disk of the data folder `folder`, which is there. Nothing is written yet.
    pub(crate) fn new(folder: &Path, settings: SpaceSettings) -> Self {
        Self::on(Box::new(RealDisk), folder, settings)
    }

    fn on(disk: Box<dyn Disk>, folder: &Path, settings: SpaceSettings) -> Self {
        let measure = disk.measure(folder).ok().flatten();
        let total = measure.map_or(0, |measure| measure.total);
        let reserve = Reserve::new(folder, settings.reserve.unwrap_or_else(|| default_reserve(total)));
        let shared = Shared {
            folder: folder.to_owned(),
            disk,
            settings,
            reserve,
            lack: AtomicU8::new(0),
            free: AtomicU64::new(measure.map_or(u64::MAX, |measure| measure.free)),
            total: AtomicU64::new(total),
            began: Instant::now(),
            measured: AtomicU64::new(0),
            refused: AtomicBool::new(false),
            checking: Mutex::default(),
            reliefs: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Has `relief` give room back before anything is refused.
    pub(crate) fn relieved_by(&self, relief: Weak<dyn Relief>) {
        let mut reliefs = self.reliefs();
        reliefs.retain(|relief| relief.strong_count() > 0);
        reliefs.push(relief);
    }

    /// The most bytes that the database's log should grow to: a checkpoint then has room in the reserve.
    pub(crate) fn log_bytes(&self) -> u64 {
        let reserve = self.shared.reserve.bytes();
        if reserve == 0 { default_reserve(self.shared.total.load(Relaxed)) } else { reserve }
    }

    /// Measures the disk, drops caches and refuses further writes where it is full, and makes the reserve again where it is
    /// not any more. Call it about every second; writes do so too. It blocks for as long as the disk takes.
    pub fn check(&self) {
        let _one = self.shared.checking.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_alone();
    }

    /// What the disk has room for, measured within the last second.
    pub fn report(&self) -> SpaceReport {
        self.refresh();
        let total_bytes = self.shared.total.load(Relaxed);
        let free_bytes = if total_bytes == 0 { 0 } else { self.shared.free.load(Relaxed) };
        SpaceReport { free_bytes, total_bytes, read_only: self.lack().map(Lack::reason) }
    }

    /// Whether writes that add data are refused, measured within the last second.
    pub fn is_read_only(&self) -> bool {
        self.refresh();
        self.is_low()
    }

    /// The same as of the last measurement.
    pub(crate) fn is_low(&self) -> bool {
        self.lack().is_some()
    }

    /// Refuses a write of about `bytes` where there is no room for it: before the disk is really full. May block.
    ///
    /// # Errors
    /// [`Exhausted`](ErrorKind::Exhausted); [`Unavailable`](ErrorKind::Unavailable) on a file system that is mounted
    /// read-only.
    pub fn admit(&self, operation: &'static str, bytes: u64) -> PortResult<()> {
        if let Some(done) = self.admit_at_once(operation, bytes) {
            return done;
        }
        let _one = self.shared.checking.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_alone();
        if self.lack().is_none() && !self.has_room_for(bytes) {
            self.make_room();
            self.check_alone();
            if !self.has_room_for(bytes) {
                return Err(no_space(operation));
            }
        }
        self.lack().map_or(Ok(()), |lack| Err(lack.refusal(operation)))
    }

    /// The same where no measurement is due; `None` where one is.
    pub(crate) fn admit_at_once(&self, operation: &'static str, bytes: u64) -> Option<PortResult<()>> {
        if !self.is_fresh() {
            return None;
        }
        match self.lack() {
            Some(lack) => Some(Err(lack.refusal(operation))),
            None if self.has_room_for(bytes) => {
                self.count(bytes);
                Some(Ok(()))
            }
            None => None,
        }
    }

    /// Counts bytes that are about to be written.
    fn count(&self, bytes: u64) {
        let less = |free: u64| Some(free.saturating_sub(bytes));
        // It never refuses, since there is always a number to store.
        self.shared.free.fetch_update(Relaxed, Relaxed, less).ok();
    }

    /// Admits `bytes` that can be spared where twice as much as others need stays free: so that what a cache gave back is
    /// not filled again at once.
    pub(crate) fn admit_to_cache(&self, bytes: u64) -> bool {
        let has_plenty = self.has_plenty_for(bytes);
        if has_plenty {
            self.count(bytes);
        }
        has_plenty
    }

    fn has_plenty_for(&self, bytes: u64) -> bool {
        !self.is_read_only()
            && self.shared.free.load(Relaxed) >= self.min_free().saturating_mul(2).saturating_add(bytes)
    }

    /// Notes that a write met a full disk: further ones are refused until there is room.
    pub(crate) fn met_full(&self) {
        self.shared.refused.store(true, Relaxed);
        self.check();
    }

    /// Gives the reserve's bytes and inodes back to the file system. Says whether there were any.
    pub(crate) fn release_reserve(&self) -> bool {
        let released = self.shared.reserve.release();
        if released {
            tracing::warn!(folder = %self.shared.folder.display(), "the disk is full; its reserve is used for deletes");
        }
        released
    }

    /// Gives the reserve to the log of the database at `log`, which grows by it without a write: no other program can take it
    /// meanwhile. Says whether there was any.
    pub(crate) fn give_reserve_to(&self, log: &Path) -> bool {
        let released = self.release_reserve();
        if released {
            // What could not be allocated is free for all.
            self.shared.disk.extend(log, self.log_bytes()).ok();
        }
        released
    }

    /// Makes as much of the reserve as there is room for, also on a full disk: what the database gave back when it was closed
    /// is needed to open it again.
    pub(crate) fn keep_reserve(&self) {
        self.shared.reserve.make(&*self.shared.disk).ok();
    }

    /// Does work on files, once more with the reserve released where the disk is full.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn with_room<T>(&self, mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        match work() {
            Err(error) if is_full(&error) && self.release_reserve() => work(),
            done => done,
        }
    }

    /// Makes all the room that can be made before anything is open in the data folder. Says whether there was any to make.
    pub(crate) fn make_room_to_start(&self) -> bool {
        let mut made = self.release_reserve();
        for name in EXPENDABLE {
            made |= std::fs::remove_dir_all(self.shared.folder.join(name)).is_ok();
        }
        made
    }

    /// Whether this error of the database means that the disk is full. A quota looks like a broken disk to SQLite.
    pub(crate) fn explains(&self, error: &rusqlite::Error) -> bool {
        use rusqlite::ErrorCode::{CannotOpen, DiskFull, SystemIoFailure};
        match error.sqlite_error_code() {
            Some(DiskFull) => true,
            Some(SystemIoFailure | CannotOpen) => self.is_full_now(),
            _ => false,
        }
    }

    /// Whether a small write is refused now.
    pub(crate) fn is_full_now(&self) -> bool {
        self.probe(SMALL_PROBE_BYTES).is_err_and(|error| is_full(&error))
    }

    fn probe(&self, bytes: u64) -> io::Result<()> {
        self.shared.reserve.probe(&*self.shared.disk, bytes)
    }

    fn refresh(&self) {
        if !self.is_fresh() {
            let _one = self.shared.checking.lock().unwrap_or_else(PoisonError::into_inner);
            // Another may have measured while this one waited.
            if !self.is_fresh() {
                self.check_alone();
            }
        }
    }

    fn is_fresh(&self) -> bool {
        let measured = self.shared.measured.load(Relaxed);
        measured > 0 && self.millis().saturating_sub(measured) < FRESH.as_millis() as u64
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.shared.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn lack(&self) -> Option<Lack> {
        Lack::of_number(self.shared.lack.load(Relaxed))
    }

    fn min_free(&self) -> u64 {
        let total = self.shared.total.load(Relaxed);
        let default = limits::MIN_FREE_BYTES.min(total / limits::MIN_FREE_SHARE);
        self.shared.settings.min_free.unwrap_or(default)
    }

    fn has_room_for(&self, bytes: u64) -> bool {
        self.shared.free.load(Relaxed) >= self.min_free().saturating_add(bytes)
    }

    /// [`check`](Self::check), by whoever holds the lock.
    fn check_alone(&self) {
        let before = self.lack();
        let mut found = self.measured_lack();
        if before.is_none() && matches!(found, Some(Lack::Bytes | Lack::Files)) {
            self.make_room();
            found = self.measured_lack();
        }
        if found.is_none() {
            found = self.restore_reserve();
        }
        if found.is_none() && self.shared.refused.load(Relaxed) {
            found = self.probed_lack();
        }
        if matches!(found, Some(Lack::Bytes | Lack::Files)) {
            // What was freed is kept from other programs, a part at a time.
            self.keep_reserve();
        }
        self.shared.lack.store(Lack::to_number(found), Relaxed);
        self.shared.measured.store(self.millis().max(1), Relaxed);
        self.tell(before, found);
        if before.is_none() && found.is_some() {
            // The database moves its log now, while there is some room for that.
            self.make_room();
        }
    }

    /// What the file system says.
    fn measured_lack(&self) -> Option<Lack> {
        let Ok(Some(measure)) = self.shared.disk.measure(&self.shared.folder) else {
            // Where the system does not tell, a write that is refused does.
            return None;
        };
        self.shared.free.store(measure.free, Relaxed);
        self.shared.total.store(measure.total, Relaxed);
        let missing = self.shared.reserve.missing();
        let min_free = self.min_free();
        // It takes more to be let in again than to stay in, so that a disk at the limit does not flicker.
        let slack = if self.is_low() { min_free / 8 } else { 0 };
        // Where it is not low, every small write is taken.
        let needed =
            min_free.saturating_add(SMALL_WRITE_BYTES).saturating_add(missing.bytes).saturating_add(slack);
        let Measure { free, files, files_free, is_read_only, .. } = measure;
        if is_read_only {
            Some(Lack::Mount)
        } else if free < needed {
            Some(Lack::Bytes)
        } else if files > 0 && files_free < min_files(files).saturating_add(missing.files) {
            Some(Lack::Files)
        } else {
            None
        }
    }

    /// Makes the reserve where it is not whole; what keeps it from being made.
    fn restore_reserve(&self) -> Option<Lack> {
        match self.shared.reserve.make(&*self.shared.disk) {
            Ok(()) => None,
            Err(error) if is_full(&error) => {
                self.shared.refused.store(true, Relaxed);
                Some(Lack::Quota)
            }
            Err(error) => {
                tracing::warn!(%error, "the reserve of disk space can't be made; a full disk may refuse deletes");
                None
            }
        }
    }

    /// Finds out whether a disk that refused a write takes one again.
    fn probed_lack(&self) -> Option<Lack> {
        match self.probe(self.min_free().clamp(SMALL_PROBE_BYTES, PROBE_BYTES_MAX)) {
            Err(error) if is_full(&error) => Some(Lack::Quota),
            _ => {
                self.shared.refused.store(false, Relaxed);
                None
            }
        }
    }

    fn make_room(&self) {
        let reliefs: Vec<_> = self.reliefs().iter().filter_map(Weak::upgrade).collect();
        for relief in reliefs {
            relief.make_room();
        }
    }

    fn tell(&self, before: Option<Lack>, found: Option<Lack>) {
        let folder = self.shared.folder.display();
        let free_bytes = self.shared.free.load(Relaxed);
        let min_free = self.min_free();
        match (before, found) {
            (None, Some(lack)) => {
                tracing::error!(
                    %folder, free_bytes, min_free, reason = lack.reason(),
                    "the library is read-only: nothing can be added until there is room on its disk; delete images or other files"
                );
            }
            (Some(_), None) => {
                tracing::info!(%folder, free_bytes, min_free, "there is room on the disk again: the library takes writes");
            }
            (None, None) | (Some(_), Some(_)) => {}
        }
    }

    fn reliefs(&self) -> std::sync::MutexGuard<'_, Vec<Weak<dyn Relief>>> {
        self.shared.reliefs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for DiskSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskSpace").field("folder", &self.shared.folder).field("lack", &self.lack()).finish()
    }
}

fn default_reserve(total: u64) -> u64 {
    // Where the system tells no size, it may be any.
    let most = if total == 0 { u64::MAX } else { total / limits::RESERVE_SHARE };
    limits::RESERVE_BYTES.min(most)
}

/// Inodes that are left to others, of a file system with so many.
fn min_files(files: u64) -> u64 {
    limits::MIN_FREE_FILES.min(files / limits::MIN_FREE_SHARE)
}

/// Gives the reserve of a data folder back that this process may not have open: a backup of a full disk needs room for the
/// database's shared memory. Its server makes it again when there is room.
pub(crate) fn release_reserve_of(data: &Path) -> bool {
    Reserve::new(data, 0).release()
}

#[cfg(test)]
mod tests;
