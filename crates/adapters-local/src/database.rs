//! The SQLite database: one thread that writes, in groups, and a few that read. Nobody else touches a connection.

mod migrations;
mod readers;
mod writer;

pub(crate) use writer::Durability;

use crate::{
    DataFolder, SystemClock, crash,
    error::{Fault, OpenError},
};
use readers::Readers;
use rusqlite::{Connection, OpenFlags};
use std::{fmt, path::Path, sync::Arc, time::Duration};
use tintype_core::{ErrorKind, PortError, PortResult, domain::Clock};
use tokio::sync::oneshot;
use writer::Writer;

/// The database's name in its data folder.
pub(crate) const FILE: &str = "tintype.db";
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
    readers: Readers,
    writer: Writer,
    /// Last: the folder is free for another process once nothing here uses it.
    _folder: Arc<DataFolder>,
}

impl Database {
    /// Opens the database in `folder`, makes or updates its tables, charges the death of the last process and
    /// voids its leases.
    ///
    /// # Errors
    /// [`Newer`](OpenError::Newer) if a newer tintype wrote it, [`Unrestored`](OpenError::Unrestored),
    /// [`Database`](OpenError::Database), [`File`](OpenError::File).
    pub fn open(folder: &Arc<DataFolder>) -> Result<Self, OpenError> {
        if folder.path().join(RESTORING).exists() {
            return Err(OpenError::Unrestored { folder: folder.path().to_owned() });
        }
        let file = folder.path().join(FILE);
        let failed = |source| OpenError::Database { folder: folder.path().to_owned(), source };
        let mut connection = open_writable(&file).map_err(failed)?;
        migrations::migrate(&mut connection, folder.path())?;
        crash::charge(&mut connection, SystemClock.now()).map_err(|fault| failed(fault.into_sqlite()))?;
        let readers = Readers::start(|| open_read_only(&file).map_err(failed), folder.path())?;
        let writer = Writer::start(connection)
            .map_err(|source| OpenError::File { path: folder.path().to_owned(), source })?;
        Ok(Self { threads: Arc::new(Threads { readers, writer, _folder: Arc::clone(folder) }) })
    }

    /// Runs `work` on the writing connection, and returns once that is committed. It must be quick: every other write
    /// waits. If it fails, nothing of it is kept. It may be run twice, the first time in vain.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        durability: Durability,
        work: impl Fn(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> PortResult<T> {
        answered(operation, self.threads.writer.submit(operation, durability, work)).await
    }

    /// Runs `work` on a read-only connection; it sees every write that was answered before.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> PortResult<T> {
        answered(operation, self.threads.readers.submit(operation, work)).await
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Database(..)")
    }
}

async fn answered<T>(operation: &'static str, answer: oneshot::Receiver<PortResult<T>>) -> PortResult<T> {
    answer.await.unwrap_or_else(|_| {
        Err(PortError::new(ErrorKind::Internal, operation, "the work on the database ended in a panic"))
    })
}

fn open_writable(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // 16 MiB of log at the most before a commit also checkpoints; mostly the writer does that when idle.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
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
