//! Integrity of the database of one machine.

use crate::{Database, library_mark::LibraryMark};
use async_trait::async_trait;
use rusqlite::Connection;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tintype_core::{ErrorKind, PortError, PortResult, domain::Timestamp, ports::Integrity};

/// For how many times as long as it took a check counts that passed: a large database is not read all the time.
const COUNTS_FOR: u32 = 200;
/// A check counts at least as long.
const COUNTS_AT_LEAST: Duration = Duration::from_secs(30);

/// Confirms the database with SQLite's quick check, and renews the mark of the library beside the blobs.
#[derive(Clone, Debug)]
pub struct SqliteIntegrity {
    database: Database,
    state: Arc<Mutex<State>>,
    /// Held from the commit of a mark to its file: marks are written in the order of their counters.
    marking: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct State {
    /// When the last check passed, and how long it counts.
    passed: Option<(Instant, Duration)>,
    /// The counter of the mark that was written last.
    marked: u64,
}

impl SqliteIntegrity {
    /// The integrity of `database`.
    pub fn new(database: Database) -> Self {
        Self { database, state: Arc::default(), marking: Arc::default() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies the library's id and its commit counter beside the blobs, if there were commits since the last time.
    ///
    /// # Errors
    /// [`Data`](ErrorKind::Data) if the blobs are those of another database or a newer one,
    /// [`Unavailable`](ErrorKind::Unavailable).
    pub async fn renew_mark(&self) -> PortResult<()> {
        const OPERATION: &str = "Integrity::renew_mark";
        let commits = self.database.read(OPERATION, |connection: &Connection| {
            Ok(LibraryMark::of(connection)?.map_or(0, |mark| mark.commits))
        });
        if commits.await? == self.state().marked {
            return Ok(());
        }
        let marking = Arc::clone(&self.marking).lock_owned().await;
        let mark = self.database.commit_mark().await?;
        self.compare_and_write(OPERATION, mark.clone(), marking).await?;
        self.state().marked = mark.commits;
        Ok(())
    }

    async fn compare_and_write(
        &self,
        operation: &'static str,
        mark: LibraryMark,
        marking: tokio::sync::OwnedMutexGuard<()>,
    ) -> PortResult<()> {
        let (folder, space) = (self.database.folder().to_owned(), self.database.space().clone());
        let work = move || {
            // Until the file is written, also if the caller is gone by then.
            let _marking = marking;
            let there = LibraryMark::read(&folder)?;
            let fits =
                there.is_none_or(|there| there.library == mark.library && there.commits <= mark.commits);
            if fits { space.with_room(|| mark.write(&folder)).map(|()| true) } else { Ok(false) }
        };
        let fits =
            tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        match fits {
            Ok(true) => Ok(()),
            Ok(false) => {
                let message =
                    "the blobs beside the database are those of another library or of a newer database";
                self.database.damage().note(message);
                Err(PortError::new(ErrorKind::Data, operation, message))
            }
            Err(error) => Err(crate::error::of_io(operation, error)),
        }
    }

    async fn check(&self, operation: &'static str) -> PortResult<()> {
        if self.state().passed.is_some_and(|(at, counts)| at.elapsed() < counts) {
            return Ok(());
        }
        let began = Instant::now();
        let found = self.database.read(operation, |connection: &Connection| {
            let found: String = connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
            Ok(Some(found).filter(|found| found != "ok"))
        });
        match found.await? {
            None => {
                let counts = (began.elapsed() * COUNTS_FOR).max(COUNTS_AT_LEAST);
                self.state().passed = Some((began, counts));
                Ok(())
            }
            Some(found) => {
                self.database.damage().note(&format!("quick_check: {found}"));
                Err(damaged(operation, &found))
            }
        }
    }

    /// How often damaged data was met since the start, and how many commits the write-ahead log lost, at the most.
    pub fn counts(&self) -> (u64, u64) {
        (self.database.damage().met(), self.database.damage().lost_commits())
    }
}

fn damaged(operation: &'static str, found: &str) -> PortError {
    let message =
        format!("the database is damaged ({found}): nothing is deleted; `tintype check` tells more");
    PortError::new(ErrorKind::Data, operation, message)
}

#[async_trait]
impl Integrity for SqliteIntegrity {
    async fn confirm(&self, _: Timestamp) -> PortResult<()> {
        const OPERATION: &str = "Integrity::confirm";
        if let Some(found) = self.database.damage().sentences().first() {
            return Err(damaged(OPERATION, found));
        }
        self.check(OPERATION).await?;
        self.renew_mark().await
    }

    async fn damage(&self) -> Vec<String> {
        self.database.damage().sentences()
    }
}
