//! The thread that writes. Whatever waits is committed together: one sync of the disk serves all who asked meanwhile.
//! The writes of a group don't hurt each other: one that fails halfway makes the group run again, each in a savepoint
//! of its own. Savepoints for all from the start would cost more than the writes themselves.

use crate::{
    DiskSpace,
    disk_space::no_space,
    error::{Fault, meaning},
};
use rusqlite::{Connection, ErrorCode};
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread::JoinHandle,
    time::Duration,
};
use tintype_core::{ErrorKind, PortError, PortResult};
use tokio::sync::oneshot;

/// The most writes in one transaction: bounds how long the first of them waits.
const BATCH_MAX: usize = 1_024;
/// After so many writes, the first pause is used to move the log into the database.
const CHECKPOINT_AFTER: usize = 500;
/// How long nobody must have asked for anything for it to be a pause.
const PAUSE: Duration = Duration::from_millis(200);

/// Counts a transaction that changed something: the count beside the blobs tells an older database from this one.
const COUNT_COMMIT: &str = "UPDATE library SET commits = commits + 1";

/// What a write must survive once it was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The loss of power: the disk is synced.
    Durable,
    /// The end of this process, `kill -9` included, but not the loss of power.
    Relaxed,
}

/// What a write does to the space on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpaceUse {
    /// It adds data, and is refused where there is no space.
    Adds,
    /// It removes data, ends what is under way or changes what is there: it may use the reserve of the disk.
    Frees,
}

/// The writing thread; it ends, with all that was submitted, when this is dropped.
pub(super) struct Writer {
    inbox: Option<Sender<Box<dyn Write>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, space: DiskSpace) -> io::Result<Self> {
        let (inbox, writes) = mpsc::channel();
        let run = move || {
            let mut committer = Committer { connection, space, syncs: true, unmoved: 0 };
            committer.run(&writes);
        };
        let thread = std::thread::Builder::new().name("tintype-write".to_owned()).spawn(run)?;
        Ok(Self { inbox: Some(inbox), thread: Some(thread) })
    }

    pub(super) fn submit<T, W>(
        &self,
        operation: &'static str,
        durability: Durability,
        space_use: SpaceUse,
        work: W,
    ) -> oneshot::Receiver<PortResult<T>>
    where
        T: Send + 'static,
        W: Fn(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let call = Call { operation, durability, space_use, work, outcome: None, met_full: false, sender };
        if let Some(inbox) = &self.inbox {
            // A closed inbox drops the call, and the one who asked hears of it.
            drop(inbox.send(Box::new(call)));
        }
        answer
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.inbox = None;
        self.thread.take().into_iter().for_each(join);
    }
}

/// Waits for `thread`, unless that is where this runs.
pub(super) fn join(thread: JoinHandle<()>) {
    if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
        tracing::error!("a thread of the database panicked");
    }
}

/// One submitted write.
trait Write: Send {
    fn durability(&self) -> Durability;

    /// Whether it needs space that is not in reserve.
    fn space_use(&self) -> SpaceUse;

    /// Does the work, perhaps once more; says whether to keep it.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Whether the database said during the last run that the disk is full.
    fn met_full(&self) -> bool;

    /// Tells the one who asked: the work's outcome if the batch was committed, else why it was not.
    fn answer(self: Box<Self>, committed: Result<(), Uncommitted>);
}

/// Why a group of writes was not committed.
#[derive(Clone, Copy, Debug)]
enum Uncommitted {
    /// There is no space for it.
    NoSpace,
    /// The database failed in this way.
    Failed(ErrorKind, &'static str),
}

impl Uncommitted {
    fn of(error: &rusqlite::Error) -> Self {
        let (kind, message) = meaning(error);
        Self::Failed(kind, message)
    }

    fn into_port(self, operation: &'static str) -> PortError {
        match self {
            Self::NoSpace => no_space(operation),
            Self::Failed(kind, message) => PortError::new(kind, operation, message),
        }
    }
}

struct Call<T, W> {
    operation: &'static str,
    durability: Durability,
    space_use: SpaceUse,
    work: W,
    outcome: Option<PortResult<T>>,
    met_full: bool,
    sender: oneshot::Sender<PortResult<T>>,
}

impl<T, W> Write for Call<T, W>
where
    T: Send,
    W: Fn(&Connection) -> Result<T, Fault> + Send,
{
    fn durability(&self) -> Durability {
        self.durability
    }

    fn space_use(&self) -> SpaceUse {
        self.space_use
    }

    fn met_full(&self) -> bool {
        self.met_full
    }

    fn run(&mut self, connection: &Connection) -> bool {
        (self.outcome, self.met_full) = (None, false);
        let outcome = (self.work)(connection).map_err(|fault| {
            self.met_full = fault.is_full_disk();
            fault.into_port(self.operation)
        });
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
    }

    fn answer(self: Box<Self>, committed: Result<(), Uncommitted>) {
        let outcome = match (self.outcome, committed) {
            (_, Err(why @ Uncommitted::NoSpace)) => Err(why.into_port(self.operation)),
            (Some(Err(error)), _) => Err(error),
            (_, Err(why @ Uncommitted::Failed(..))) => Err(why.into_port(self.operation)),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(panicked(self.operation)),
        };
        drop(self.work);
        // Whoever asked may be gone.
        drop(self.sender.send(outcome));
    }
}

fn panicked(operation: &'static str) -> PortError {
    PortError::new(ErrorKind::Internal, operation, "the work on the database ended in a panic")
}

struct Committer {
    connection: Connection,
    space: DiskSpace,
    /// Whether a commit syncs the disk now.
    syncs: bool,
    /// Writes since the log was last moved into the database.
    unmoved: usize,
}

impl Committer {
    fn run(&mut self, inbox: &Receiver<Box<dyn Write>>) {
        while let Some(first) = self.next(inbox) {
            let mut batch = vec![first];
            batch.extend(inbox.try_iter().take(BATCH_MAX - 1));
            self.unmoved += batch.len();
            self.settle(batch);
            if self.space.is_low() {
                // The log is written over from its start then, and needs no further space.
                self.checkpoint();
            }
        }
    }

    /// Commits the group and answers it. On a full disk those that add data are refused, and the others committed one by one.
    fn settle(&mut self, mut batch: Vec<Box<dyn Write>>) {
        let committed = self.commit(&mut batch);
        if self.ran_out_of_space(committed.as_ref().err(), &batch) {
            return self.settle_without_space(batch, committed.is_ok());
        }
        if let Err(error) = &committed {
            tracing::error!(%error, writes = batch.len(), "a group of writes was not committed");
        }
        for write in batch {
            write.answer(committed.as_ref().copied().map_err(Uncommitted::of));
        }
    }

    fn ran_out_of_space(&self, error: Option<&rusqlite::Error>, batch: &[Box<dyn Write>]) -> bool {
        let may_be_by_quota =
            |error: &rusqlite::Error| error.sqlite_error_code() == Some(ErrorCode::OperationAborted);
        let is_full =
            |error| self.space.explains(error) || may_be_by_quota(error) && self.space.is_full_now();
        batch.iter().any(|write| write.met_full()) || error.is_some_and(is_full)
    }

    /// `others_are_done`: those of the group that met no full disk were committed.
    fn settle_without_space(&mut self, batch: Vec<Box<dyn Write>>, others_are_done: bool) {
        self.space.met_full();
        for mut write in batch {
            let committed = if others_are_done && !write.met_full() {
                Ok(())
            } else {
                match write.space_use() {
                    SpaceUse::Frees => self.commit_with_reserve(&mut write),
                    SpaceUse::Adds if self.space.is_low() => Err(Uncommitted::NoSpace),
                    // Caches gave room back.
                    SpaceUse::Adds => self.commit_again(&mut write).unwrap_or(Err(Uncommitted::NoSpace)),
                }
            };
            write.answer(committed);
        }
    }

    /// Commits one write, with what space can be had: first that of the log, then that of the reserve.
    fn commit_with_reserve(&mut self, write: &mut Box<dyn Write>) -> Result<(), Uncommitted> {
        if let Some(done) = self.commit_again(write) {
            return done;
        }
        match self.connection.path() {
            Some(path) => self.space.give_reserve_to(Path::new(&format!("{path}-wal"))),
            None => self.space.release_reserve(),
        };
        self.commit_again(write).unwrap_or(Err(Uncommitted::NoSpace))
    }

    /// Commits one write after the log was moved into the database; `None` if there is no space for it.
    fn commit_again(&mut self, write: &mut Box<dyn Write>) -> Option<Result<(), Uncommitted>> {
        self.checkpoint();
        let batch = std::slice::from_mut(write);
        match self.commit(batch) {
            Ok(()) if !batch[0].met_full() => Some(Ok(())),
            Err(error) if !self.ran_out_of_space(Some(&error), batch) => {
                tracing::error!(%error, "a write was not committed on a full disk");
                Some(Err(Uncommitted::of(&error)))
            }
            Ok(()) | Err(_) => None,
        }
    }

    /// The next write, once there is one; `None` when there will be no more.
    fn next(&mut self, inbox: &Receiver<Box<dyn Write>>) -> Option<Box<dyn Write>> {
        if self.unmoved >= CHECKPOINT_AFTER {
            match inbox.recv_timeout(PAUSE) {
                Ok(write) => return Some(write),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.checkpoint(),
            }
        }
        inbox.recv().ok()
    }

    fn commit(&mut self, batch: &mut [Box<dyn Write>]) -> rusqlite::Result<()> {
        self.set_sync(batch.iter().any(|write| write.durability() == Durability::Durable))?;
        if self.transact(batch, Self::run_bare)? {
            return Ok(());
        }
        self.transact(batch, Self::run_in_savepoint).map(drop)
    }

    /// Runs the group in one transaction, each write with `run`. Says whether it was committed: it is not if one
    /// would have left half of itself behind.
    fn transact(
        &self,
        batch: &mut [Box<dyn Write>],
        run: fn(&Self, &mut dyn Write) -> rusqlite::Result<bool>,
    ) -> rusqlite::Result<bool> {
        self.execute("BEGIN IMMEDIATE")?;
        let before = self.connection.total_changes();
        let whole = self.run_all(batch, run).and_then(|whole| {
            if whole && self.connection.total_changes() != before {
                self.execute(COUNT_COMMIT)?;
            }
            self.execute(if whole { "COMMIT" } else { "ROLLBACK" })?;
            Ok(whole)
        });
        if whole.is_err() && !self.connection.is_autocommit() {
            self.execute("ROLLBACK")?;
        }
        whole
    }

    fn run_all(
        &self,
        batch: &mut [Box<dyn Write>],
        run: fn(&Self, &mut dyn Write) -> rusqlite::Result<bool>,
    ) -> rusqlite::Result<bool> {
        for write in batch {
            if !run(self, write.as_mut())? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Runs a write; `false` if it failed after it had changed something.
    fn run_bare(&self, write: &mut dyn Write) -> rusqlite::Result<bool> {
        let before = self.connection.total_changes();
        let keep = self.run_guarded(write)?;
        Ok(keep || self.connection.total_changes() == before)
    }

    /// Runs a write so that nothing is left of it if it fails.
    fn run_in_savepoint(&self, write: &mut dyn Write) -> rusqlite::Result<bool> {
        self.execute("SAVEPOINT one")?;
        if !self.run_guarded(write)? {
            self.execute("ROLLBACK TO one")?;
        }
        self.execute("RELEASE one")?;
        Ok(true)
    }

    fn run_guarded(&self, write: &mut dyn Write) -> rusqlite::Result<bool> {
        let keep = catch_unwind(AssertUnwindSafe(|| write.run(&self.connection))).unwrap_or(false);
        if self.connection.is_autocommit() {
            // Some errors, such as a full disk, end the whole transaction.
            let ended = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT_ROLLBACK);
            return Err(rusqlite::Error::SqliteFailure(ended, None));
        }
        Ok(keep)
    }

    fn set_sync(&mut self, syncs: bool) -> rusqlite::Result<()> {
        if self.syncs != syncs {
            // In WAL mode NORMAL does not sync at a commit; the next commit that does covers all before it.
            self.connection.pragma_update(None, "synchronous", if syncs { "FULL" } else { "NORMAL" })?;
            self.syncs = syncs;
        }
        Ok(())
    }

    fn checkpoint(&mut self) {
        self.unmoved = 0;
        let done = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        match done {
            Ok(()) => {}
            // It is known, and told once.
            Err(error) if self.space.is_low() => {
                tracing::debug!(%error, "the database's log could not be moved into it");
            }
            Err(error) => {
                tracing::warn!(%error, "the database's log could not be moved into it; the next commits try again");
            }
        }
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(sql: &'static str) -> impl Fn(&Connection) -> Result<usize, Fault> {
        move |connection| Ok(connection.execute(sql, [])?)
    }

    fn boxed<W>(work: W) -> (Box<dyn Write>, oneshot::Receiver<PortResult<usize>>)
    where
        W: Fn(&Connection) -> Result<usize, Fault> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let (operation, durability, space_use) = ("test", Durability::Durable, SpaceUse::Frees);
        let call = Call { operation, durability, space_use, work, outcome: None, met_full: false, sender };
        (Box::new(call), answer)
    }

    fn boxed_addition<W>(work: W) -> (Box<dyn Write>, oneshot::Receiver<PortResult<usize>>)
    where
        W: Fn(&Connection) -> Result<usize, Fault> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let (operation, durability, space_use) = ("test", Durability::Durable, SpaceUse::Adds);
        let call = Call { operation, durability, space_use, work, outcome: None, met_full: false, sender };
        (Box::new(call), answer)
    }

    fn committer() -> (Committer, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open_in_memory().unwrap();
        connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)", []).unwrap();
        connection
            .execute_batch("CREATE TABLE library (commits INTEGER); INSERT INTO library VALUES (0)")
            .unwrap();
        let settings = crate::SpaceSettings { min_free: Some(0), reserve: Some(64 * 1_024) };
        let space = DiskSpace::new(folder.path(), settings);
        space.check();
        (Committer { connection, space, syncs: true, unmoved: 0 }, folder)
    }

    fn count(committer: &Committer) -> u32 {
        committer.connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn one_that_fails_does_not_hurt_the_others_of_its_group() {
        let (mut committer, _folder) = committer();
        let fails = |connection: &Connection| {
            connection.execute("INSERT INTO t VALUES (7)", [])?;
            Ok(connection.execute("INSERT INTO t VALUES (1)", [])?)
        };
        let (first, mut first_answer) = boxed(write("INSERT INTO t VALUES (1)"));
        let (second, mut second_answer) = boxed(fails);
        let (third, mut third_answer) = boxed(|_| panic!("a bug"));
        let (fourth, mut fourth_answer) = boxed(write("INSERT INTO t VALUES (2)"));
        let mut batch = vec![first, second, third, fourth];
        committer.commit(&mut batch).unwrap();
        batch.into_iter().for_each(|write| write.answer(Ok(())));

        assert_eq!(first_answer.try_recv().unwrap().unwrap(), 1);
        assert_eq!(second_answer.try_recv().unwrap().unwrap_err().kind(), ErrorKind::Internal);
        assert_eq!(third_answer.try_recv().unwrap().unwrap_err().kind(), ErrorKind::Internal);
        assert_eq!(fourth_answer.try_recv().unwrap().unwrap(), 1);
        assert_eq!(count(&committer), 2);
    }

    #[test]
    fn a_commit_is_counted_where_something_changed() {
        let (mut committer, _folder) = committer();
        for _ in 0..3 {
            let (change, _) = boxed(write("INSERT INTO t VALUES (abs(random()))"));
            committer.commit(&mut [change]).unwrap();
        }
        let (nothing, _) = boxed(write("DELETE FROM t WHERE n < 0"));
        committer.commit(&mut [nothing]).unwrap();
        let commits =
            committer.connection.query_row("SELECT commits FROM library", [], |row| row.get::<_, u32>(0));
        assert_eq!(commits.unwrap(), 3);
    }

    #[test]
    fn a_transaction_that_ended_within_fails_the_whole_group() {
        let (mut committer, _folder) = committer();
        let (first, _) = boxed(write("INSERT INTO t VALUES (1)"));
        let (second, _) = boxed(write("ROLLBACK"));
        let (third, _) = boxed(write("INSERT INTO t VALUES (3)"));
        committer.commit(&mut [first, second, third]).unwrap_err();
        assert_eq!(count(&committer), 0);
        let (next, _) = boxed(write("INSERT INTO t VALUES (4)"));
        committer.commit(&mut [next]).unwrap();
        assert_eq!(count(&committer), 1);
    }

    /// A write that fails as on a full disk until the reserve is gone.
    fn needs_the_reserve(reserve: std::path::PathBuf) -> impl Fn(&Connection) -> Result<usize, Fault> {
        move |connection| {
            let done = connection.execute("INSERT INTO t VALUES (5)", [])?;
            if reserve.join("1").exists() {
                let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
                return Err(rusqlite::Error::SqliteFailure(full, None).into());
            }
            Ok(done)
        }
    }

    #[test]
    fn on_a_full_disk_what_adds_is_refused_and_what_frees_uses_the_reserve() {
        let (mut committer, folder) = committer();
        let reserve = folder.path().join("reserve");
        assert!(reserve.join("1").exists());
        let (addition, mut refused) = boxed_addition(needs_the_reserve(reserve.clone()));
        let (deletion, mut done) = boxed(needs_the_reserve(reserve.clone()));
        let (other, mut other_done) = boxed(write("INSERT INTO t VALUES (1)"));
        committer.settle(vec![addition, deletion, other]);

        assert_eq!(refused.try_recv().unwrap().unwrap_err().kind(), ErrorKind::Exhausted);
        assert_eq!(done.try_recv().unwrap().unwrap(), 1);
        assert_eq!(other_done.try_recv().unwrap().unwrap(), 1);
        assert_eq!(count(&committer), 2);
        assert!(!reserve.join("1").exists());
    }

    #[test]
    fn a_full_database_leaves_nothing_of_what_it_refused() {
        let (mut committer, _folder) = committer();
        committer
            .connection
            .execute_batch("CREATE TABLE large (x BLOB); PRAGMA max_page_count = 10")
            .unwrap();
        let (large, mut refused) = boxed(write("INSERT INTO large VALUES (randomblob(1000000))"));
        let (small, mut done) = boxed(write("INSERT INTO t VALUES (1)"));
        committer.settle(vec![large, small]);
        assert_eq!(refused.try_recv().unwrap().unwrap_err().kind(), ErrorKind::Exhausted);
        assert_eq!(done.try_recv().unwrap().unwrap(), 1);
        let left: u32 =
            committer.connection.query_row("SELECT count(*) FROM large", [], |row| row.get(0)).unwrap();
        assert_eq!((left, count(&committer)), (0, 1));
    }
}
