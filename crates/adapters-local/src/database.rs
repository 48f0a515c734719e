//! The SQLite database: one thread that writes, in groups, and a few that read. Nobody else touches a connection.

pub(crate) mod check;
mod damage;
pub(crate) mod migrations;
mod readers;
pub(crate) mod wal;
mod writer;

pub(crate) use writer::Durability;
use writer::SpaceUse;

use crate::{
    DataFolder, DiskSpace, SystemClock, crash,
    disk_space::{Relief, WRITE_BYTES},
    error::{Fault, OpenError},
    library_mark::{self, LibraryMark},
    private,
    recover::RECOVERING,
};
use damage::Damage;
use readers::Readers;
use rusqlite::{Connection, OpenFlags};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tintype_core::{ErrorKind, PortError, PortResult, domain::Clock};
use tokio::sync::oneshot;
use writer::Writer;

/// The database's name in its data folder.
pub(crate) const FILE: &str = "tintype.db";
/// The name of its write-ahead log.
pub(crate) const WAL: &str = "tintype.db-wal";
/// Its name while the pictures that it refers to are still being restored.
pub(crate) const RESTORING: &str = "tintype.db.restoring";
/// How long a statement waits for a program that looks into the file, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// More than the statements of this crate: each is prepared once per connection.
const STATEMENTS: usize = 64;

/// A handle on the open database; cheap to clone. The last one that is dropped closes it.
#[derive(Clone)]
pub struct Database {
    threads: Arc<Threads>,
}

/// In the order in which they end: SQLite tidies its log away when the writer, as the last one, closes.
struct Threads {
    errors: ErrorCounts,
    readers: Readers,
    writer: Writer,
    damage: Damage,
    _reserve: Refill,
    /// Last: the folder is free for another process once nothing here uses it.
    folder: Arc<DataFolder>,
}

/// Makes the reserve of the disk again with what the closed database gave back.
struct Refill(DiskSpace);

impl Drop for Refill {
    fn drop(&mut self) {
        self.0.keep_reserve();
    }
}

impl Relief for Threads {
    /// A write of nothing: after it the writer moves its log into the database while there is still room for that.
    fn make_room(&self) {
        drop(self.writer.submit("Database::make_room", Durability::Relaxed, SpaceUse::Frees, |_| Ok(())));
    }
}

impl Database {
    /// Opens the database in `folder`, makes or updates its tables, charges the death of the last process and
    /// voids its leases.
    ///
    /// A database that is not the one that the blobs in `folder` were stored with is not touched.
    ///
    /// # Errors
    /// [`LostDatabase`](OpenError::LostDatabase), [`ForeignDatabase`](OpenError::ForeignDatabase) and
    /// [`OlderDatabase`](OpenError::OlderDatabase) for such a one, [`Newer`](OpenError::Newer) if a newer tintype wrote it,
    /// [`Unrestored`](OpenError::Unrestored), [`Unrecovered`](OpenError::Unrecovered), [`NoSpace`](OpenError::NoSpace),
    /// [`Database`](OpenError::Database), [`File`](OpenError::File).
    pub fn open(folder: &Arc<DataFolder>) -> Result<Self, OpenError> {
        let root = folder.path();
        if root.join(RESTORING).exists() {
            return Err(OpenError::Unrestored { folder: root.to_owned() });
        }
        if root.join(RECOVERING).exists() {
            return Err(OpenError::Unrecovered { folder: root.to_owned() });
        }
        let file = root.join(FILE);
        let space = folder.space();
        let failed = |source| OpenError::Database { folder: root.to_owned(), source };
        let unusable = |path: PathBuf| move |source| OpenError::File { path, source };
        library_mark::refuse_new(root, &file)?;
        let mark = library_mark::of_the_blobs(root)?;
        // Before SQLite looks at its log: what follows a damaged frame is gone once that is done.
        let lost = wal::unreadable_commits(&root.join(WAL)).map_err(unusable(root.join(WAL)))?;
        space.with_room(|| private::make_sure_of(&file)).map_err(unusable(file.clone()))?;
        let open = || open_current(&file, folder, mark.as_ref());
        let connection = match open() {
            // A library that was left on a full disk starts all the same: then room can be made through the API.
            Err(error) if is_full(&error, space) && space.make_room_to_start() => open(),
            opened => opened,
        };
        let connection = connection.map_err(|error| with_remedy(error, space))?;
        if lost > 0 {
            tracing::error!(
                commits = lost,
                "the end of the database's write-ahead log is damaged: up to that many commits are lost; \
                 `tintype check` shows the images that have no record any more, `tintype recover` brings them back"
            );
        }
        if let Some(mark) = LibraryMark::of(&connection).map_err(failed)? {
            space.with_room(|| mark.write(root)).map_err(unusable(root.to_owned()))?;
        }
        let readers = Readers::start(|| open_read_only(&file).map_err(failed), root)?;
        let writer = Writer::start(connection, space.clone()).map_err(unusable(root.to_owned()))?;
        let threads = Arc::new(Threads {
            errors: ErrorCounts::default(),
            readers,
            writer,
            damage: Damage::new(lost),
            _reserve: Refill(space.clone()),
            folder: Arc::clone(folder),
        });
        let relief: Weak<dyn Relief> = Arc::downgrade(&(Arc::clone(&threads) as Arc<dyn Relief>));
        space.relieved_by(relief);
        space.check();
        Ok(Self { threads })
    }

    /// The data folder.
    pub(crate) fn folder(&self) -> &Path {
        self.threads.folder.path()
    }

    /// The damage that was found since the start.
    pub(crate) fn damage(&self) -> &Damage {
        &self.threads.damage
    }

    /// Commits once more, durably, and returns the library's id and the counter after that commit.
    pub(crate) async fn commit_mark(&self) -> PortResult<LibraryMark> {
        const OPERATION: &str = "Database::commit_mark";
        // A change, or there would be nothing to flush: what was committed without a flush before is on the disk with it.
        let work = |connection: &Connection| {
            connection.execute("UPDATE library SET commits = commits", [])?;
            let mark = LibraryMark::of(connection)?;
            mark.ok_or_else(|| {
                PortError::new(
                    ErrorKind::Data,
                    OPERATION,
                    "the table library is empty; the database is damaged",
                )
                .into()
            })
        };
        let mark = self.write(OPERATION, Durability::Durable, work).await?;
        // The writer counts the commit itself.
        Ok(LibraryMark { commits: mark.commits + 1, ..mark })
    }

    /// The room on the disk of its folder.
    pub fn space(&self) -> &DiskSpace {
        self.threads.folder.space()
    }

    /// Runs `work` on the writing connection as [`write`](Self::write) does, for work that adds data.
    ///
    /// # Errors
    /// [`Exhausted`](ErrorKind::Exhausted) where there is no space; then nothing was run, or nothing of it is kept.
    pub(crate) async fn add<T: Send + 'static>(
        &self,
        operation: &'static str,
        durability: Durability,
        work: impl Fn(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> PortResult<T> {
        let space = self.space();
        match space.admit_at_once(operation, WRITE_BYTES) {
            Some(admitted) => admitted?,
            None => {
                let space = space.clone();
                let admitted = tokio::task::spawn_blocking(move || space.admit(operation, WRITE_BYTES)).await;
                admitted.unwrap_or(Ok(()))?;
            }
        }
        let submitted = self.threads.writer.submit(operation, durability, SpaceUse::Adds, work);
        self.answered(operation, submitted).await
    }

    /// Runs `work` on the writing connection, and returns once that is committed. It must be quick: every other write
    /// waits. If it fails, nothing of it is kept. It may be run several times, all but the last in vain. On a full disk it may
    /// use the reserve: it is to remove data, to end what is under way, or to change what is there.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        durability: Durability,
        work: impl Fn(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> PortResult<T> {
        let submitted = self.threads.writer.submit(operation, durability, SpaceUse::Frees, work);
        self.answered(operation, submitted).await
    }

    /// Runs `work` on a read-only connection; it sees every write that was answered before.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> PortResult<T> {
        self.answered(operation, self.threads.readers.submit(operation, work)).await
    }

    async fn answered<T>(
        &self,
        operation: &'static str,
        answer: oneshot::Receiver<PortResult<T>>,
    ) -> PortResult<T> {
        let answered = answer.await.unwrap_or_else(|_| {
            Err(PortError::new(ErrorKind::Internal, operation, "the work on the database ended in a panic"))
        });
        answered.inspect_err(|error| {
            self.threads.errors.note(error.kind());
            if error.kind() == ErrorKind::Data {
                self.threads.damage.note(error.message());
            }
        })
    }

    /// How many calls failed since this was opened, through no fault of the caller's, by kind.
    pub fn errors(&self) -> Vec<(ErrorKind, u64)> {
        self.threads.errors.read()
    }

    /// How many sorts of damage were found in the database since it was opened.
    pub fn damage_count(&self) -> u64 {
        self.threads.damage.sentences().len() as u64
    }
}

/// Failed calls by kind.
#[derive(Debug, Default)]
struct ErrorCounts([AtomicU64; ErrorCounts::KINDS.len()]);

impl ErrorCounts {
    /// The kinds that tell of the database. The others are answers: there is no such row, another writer came first.
    const KINDS: [ErrorKind; 4] =
        [ErrorKind::Denied, ErrorKind::Unavailable, ErrorKind::Data, ErrorKind::Internal];

    fn note(&self, kind: ErrorKind) {
        if let Some(index) = Self::KINDS.iter().position(|counted| *counted == kind) {
            self.0[index].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn read(&self) -> Vec<(ErrorKind, u64)> {
        Self::KINDS.into_iter().zip(self.0.iter().map(|count| count.load(Ordering::Relaxed))).collect()
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Database(..)")
    }
}

/// Opens the file, makes sure that it is the database of the blobs beside it, and brings its tables up to date.
fn open_current(
    file: &Path,
    folder: &DataFolder,
    mark: Option<&LibraryMark>,
) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::Database { folder: folder.path().to_owned(), source };
    let mut connection = open_writable(file, folder.space().log_bytes()).map_err(failed)?;
    library_mark::refuse_other(mark, folder.path(), &connection)?;
    migrations::migrate(&mut connection, folder.path())?;
    crash::charge(&mut connection, SystemClock.now()).map_err(|fault| failed(fault.into_sqlite()))?;
    Ok(connection)
}

fn is_full(error: &OpenError, space: &DiskSpace) -> bool {
    matches!(error, OpenError::Database { source, .. } if space.explains(source))
}

/// The same error, with what to do about it where the disk is full.
fn with_remedy(error: OpenError, space: &DiskSpace) -> OpenError {
    if !is_full(&error, space) {
        return error;
    }
    if let OpenError::Database { folder, source } = error {
        OpenError::NoSpace { folder, source }
    } else {
        error
    }
}

pub(crate) fn open_writable(file: &Path, log_bytes: u64) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // So much log at the most before a commit also checkpoints; mostly the writer does that when idle.
    connection.pragma_update(
        None,
        "wal_autocheckpoint",
        (log_bytes / PAGE_BYTES).clamp(LOG_PAGES_MIN, LOG_PAGES_MAX),
    )?;
    // A log that one large transaction made longer is cut back to that.
    connection.pragma_update(None, "journal_size_limit", log_bytes)?;
    connection.pragma_update(None, "cache_size", -16 * 1_024)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// A connection that can't write. The file may be another process's.
pub(crate) fn open_read_only(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "cache_size", -4 * 1_024)?;
    Ok(connection)
}

/// The bytes of a page, as SQLite makes it.
const PAGE_BYTES: u64 = 4_096;
/// The fewest pages of the log between two checkpoints, on the smallest disk.
const LOG_PAGES_MIN: u64 = 32;
/// The most pages: just under 16 MiB.
const LOG_PAGES_MAX: u64 = 4_000;

/// An empty database of the newest layout.
#[cfg(test)]
pub(crate) fn in_memory() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    migrations::migrate(&mut connection, Path::new("memory")).unwrap();
    connection
}

/// How SQLite answers `sql`, one step a line.
#[cfg(test)]
pub(crate) fn explain(sql: &str) -> String {
    use rusqlite::fallible_iterator::FallibleIterator as _;
    let connection = in_memory();
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    // Unbound parameters are NULL; the plan does not depend on them.
    statement.raw_query().map(|step| step.get::<_, String>(3)).collect::<Vec<_>>().unwrap().join("\n")
}
