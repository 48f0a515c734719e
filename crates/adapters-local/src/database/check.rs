//! A check of everything in a database: pages and indexes, every row's checksum, and whether the tables agree that are derived
//! from rows.

use crate::{checksum::CHECKED, error::Fault, job_repo::rows, metadata_repo::index};
use rusqlite::{Connection, params};

/// How many findings of SQLite's own are told.
const FINDINGS: u32 = 20;

/// One check: what it found.
type Check = fn(&Connection) -> Result<Vec<String>, Fault>;

/// What is damaged in the records, one sentence each; empty if nothing is. Its cost grows with the database. All of it is read
/// in one transaction: a server may write meanwhile.
pub(crate) fn damage(connection: &Connection) -> Vec<String> {
    run(connection, &[pages, sums, references])
}

/// Whether the search index holds what the records say, one sentence if not. It is derived from them: nothing is lost with it.
pub(crate) fn index_damage(connection: &Connection) -> Vec<String> {
    run(connection, &[search_index])
}

/// Both in one transaction.
pub(crate) fn damage_and_index(connection: &Connection) -> Vec<String> {
    run(connection, &[pages, sums, references, search_index])
}

fn run(connection: &Connection, checks: &[Check]) -> Vec<String> {
    let broken_off = |fault: Fault| format!("the check broke off: {}", fault.into_sqlite());
    let transaction = match connection.unchecked_transaction() {
        Ok(transaction) => transaction,
        Err(error) => return vec![broken_off(error.into())],
    };
    let found =
        checks.iter().map(|check| check(&transaction).unwrap_or_else(|fault| vec![broken_off(fault)]));
    found.flatten().collect()
}

fn pages(connection: &Connection) -> Result<Vec<String>, Fault> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({FINDINGS})"))?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    let found = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(found.into_iter().filter(|found| found != "ok").collect())
}

fn sums(connection: &Connection) -> Result<Vec<String>, Fault> {
    let mut found = Vec::new();
    for checked in CHECKED {
        let damaged = checked.count_damaged(connection)?;
        if damaged > 0 {
            found.push(format!("{damaged} rows of the table {} do not match their checksum", checked.table));
        }
    }
    Ok(found)
}

/// The blobs and the queue entries of jobs are told by the jobs themselves.
fn references(connection: &Connection) -> Result<Vec<String>, Fault> {
    let mut has_blob = connection.prepare("SELECT 1 FROM job_blobs WHERE sha256 = ? AND job_id = ?")?;
    let mut is_queued = connection.prepare("SELECT 1 FROM queue WHERE job_id = ?")?;
    let (mut blobs, mut missing_blobs, mut queued, mut misplaced) = (0_i64, 0_u64, 0_i64, 0_u64);
    rows::for_each(connection, |job| {
        for blob in rows::blobs(job).collect::<std::collections::BTreeSet<_>>() {
            blobs += 1;
            let is_there = has_blob.exists(params![blob.as_bytes(), job.id.as_bytes()])?;
            missing_blobs += u64::from(!is_there);
        }
        let waits = !job.status.is_terminal();
        queued += i64::from(waits);
        misplaced += u64::from(is_queued.exists([job.id.as_bytes()])? != waits);
        Ok(())
    })?;
    let count = |table: &str| {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0))
    };
    let mut found = Vec::new();
    if missing_blobs > 0 || count("job_blobs")? != blobs {
        found.push("the table job_blobs does not match the jobs".to_owned());
    }
    if misplaced > 0 || count("queue")? != queued {
        found.push("the queue does not match the jobs".to_owned());
    }
    Ok(found)
}

fn search_index(connection: &Connection) -> Result<Vec<String>, Fault> {
    if index::matches_the_images(connection)? {
        return Ok(Vec::new());
    }
    Ok(vec!["the search index does not match the images".to_owned()])
}
