//! How fast jobs are accepted durably, next to the least that a durable insertion can be: one table without an
//! index, the same body, the same grouping of commits. `cargo bench -p tintype-local`.

#![expect(clippy::print_stdout, reason = "the result goes to the terminal")]

use rusqlite::Connection;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    time::{Duration, Instant},
};
use tintype_core::{
    domain::{BlobId, Job},
    ports::JobRepo,
};
use tintype_local::{DataFolder, Database, SqliteJobRepo};
use tintype_testkit::samples::{key, new_job};
use tokio::sync::oneshot;

const CALLERS: u64 = 256;
const ROUNDS: u64 = 60;

#[tokio::main]
async fn main() {
    for round in 0..3 {
        let folder = tempfile::tempdir_in(".").expect("a folder on the disk");
        let least = Least::open(folder.path());
        let data = DataFolder::open(&folder.path().join("data")).expect("open the folder");
        let jobs = Arc::new(SqliteJobRepo::new(Database::open(&data).expect("open the database")));
        let offset = round * 10_000_000;

        let one = median(60, |n| least.insert(offset + n)).await;
        let ours = median(60, |n| accept(&jobs, offset + n, false)).await;
        println!(
            "one caller: least {one:?}, ours {ours:?}: {:.2} of it",
            ours.as_secs_f64() / one.as_secs_f64()
        );

        let base = rate(move |n| {
            let least = least.clone();
            async move { least.insert(offset + 1_000 + n).await }
        })
        .await;
        for keyed in [false, true] {
            let first = offset + 1_000 + if keyed { 1_000_000 } else { 0 };
            let jobs = Arc::clone(&jobs);
            let ours = rate(move |n| {
                let jobs = Arc::clone(&jobs);
                async move { accept(&jobs, first + n, keyed).await }
            })
            .await;
            let with = if keyed { "with keys" } else { "without keys" };
            println!(
                "{CALLERS} callers: least {base:.0}/s, ours {with} {ours:.0}/s: {:.2} of it",
                ours / base
            );
        }
    }
}

async fn accept(jobs: &SqliteJobRepo, n: u64, keyed: bool) {
    // As clients make them: at random.
    let key = key(&BlobId::of(&n.to_be_bytes()).to_string(), "body");
    jobs.insert(&new_job(n, n as i64), keyed.then_some(&key)).await.expect("insert");
}

async fn median<F: Future<Output = ()>>(calls: u64, call: impl Fn(u64) -> F) -> Duration {
    let mut times = Vec::new();
    for n in 0..calls {
        let began = Instant::now();
        call(n).await;
        times.push(began.elapsed());
    }
    times.sort();
    times[times.len() / 2]
}

async fn rate<F>(call: impl Fn(u64) -> F + Clone + Send + 'static) -> f64
where
    F: Future<Output = ()> + Send,
{
    let began = Instant::now();
    // Ids come in the order of time.
    let next = Arc::new(AtomicU64::new(0));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (call, next) = (call.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                for _ in 0..ROUNDS {
                    call(next.fetch_add(1, Ordering::Relaxed)).await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("a caller");
    }
    (CALLERS * ROUNDS) as f64 / began.elapsed().as_secs_f64()
}

type Insertion = (Vec<u8>, String, oneshot::Sender<()>);

/// The least: one table, one thread, grouped commits.
#[derive(Clone)]
struct Least(Sender<Insertion>);

impl Least {
    fn open(folder: &Path) -> Self {
        let connection = Connection::open(folder.join("least.db")).expect("open");
        connection.pragma_update(None, "journal_mode", "WAL").expect("WAL");
        connection.pragma_update(None, "synchronous", "FULL").expect("FULL");
        connection.pragma_update(None, "wal_autocheckpoint", 4_000).expect("pragma");
        connection.execute_batch("CREATE TABLE jobs (id BLOB PRIMARY KEY, body TEXT)").expect("table");
        let (inbox, insertions) = mpsc::channel();
        std::thread::spawn(move || Self::run(&connection, &insertions));
        Self(inbox)
    }

    async fn insert(&self, n: u64) {
        let (job, _) = Job::accept(new_job(n, n as i64));
        let body = serde_json::to_string(&job).expect("JSON");
        let (sender, done) = oneshot::channel();
        self.0.send((job.id.as_bytes().to_vec(), body, sender)).expect("the thread lives");
        done.await.expect("committed");
    }

    fn run(connection: &Connection, insertions: &Receiver<Insertion>) {
        while let Ok(first) = insertions.recv() {
            let batch: Vec<_> = std::iter::once(first).chain(insertions.try_iter()).collect();
            let transaction = connection.unchecked_transaction().expect("begin");
            for (id, body, _) in &batch {
                let mut statement =
                    transaction.prepare_cached("INSERT INTO jobs VALUES (?, ?)").expect("SQL");
                statement.execute((id, body)).expect("insert");
            }
            transaction.commit().expect("commit");
            for (_, _, done) in batch {
                done.send(()).expect("the caller waits");
            }
        }
    }
}
