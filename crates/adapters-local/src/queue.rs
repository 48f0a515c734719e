//! The line of jobs that have not ended: the one file that knows the table `queue`. Its rows change in the same
//! transaction as the jobs, so that the durable queue and the jobs can't disagree.

use crate::error::Fault;
use rusqlite::{Connection, OptionalExtension, params};
use tintype_core::{
    domain::{Job, JobId, Timestamp, limits},
    ports::QueueCounts,
};

/// The most places that are counted: past it, a place says "at least this far back".
const PLACES_MAX: u32 = 10_000;

/// The right of one worker to one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The job.
    pub(crate) job_id: JobId,
    /// Tells this claim from every other of this process.
    pub(crate) holder: i64,
}

fn rank(job: &Job) -> u8 {
    limits::PRIORITY_MAX - job.request.priority.get()
}

/// Puts a newly accepted job in line.
pub(crate) fn enter(connection: &Connection, job: &Job) -> Result<(), Fault> {
    let sql =
        "INSERT INTO queue (job_id, owner, rank, created_at, state, due) VALUES (?, ?, ?, ?, 'ready', ?)";
    connection.prepare_cached(sql)?.execute(params![
        job.id.as_bytes(),
        job.owner.as_str(),
        rank(job),
        job.created_at.as_millis(),
        job.not_before.as_millis(),
    ])?;
    Ok(())
}

/// Puts a job back in line, to be claimed from `due` on. Whoever held it does not any more.
pub(crate) fn wait(connection: &Connection, id: &JobId, due: Timestamp) -> Result<(), Fault> {
    let sql = "UPDATE queue SET state = 'later', due = ?2, holder = NULL, suspect = 0 WHERE job_id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.as_bytes(), due.as_millis()])?;
    Ok(())
}

/// Takes an ended job out of the line.
pub(crate) fn leave(connection: &Connection, id: &JobId) -> Result<(), Fault> {
    connection.prepare_cached("DELETE FROM queue WHERE job_id = ?")?.execute([id.as_bytes()])?;
    Ok(())
}

/// Gives every leased job back: at open, when the process that held them is gone.
pub(crate) fn void_leases(connection: &Connection) -> Result<(), Fault> {
    connection.execute("UPDATE queue SET state = 'ready', holder = NULL WHERE state = 'leased'", [])?;
    Ok(())
}

/// The jobs that are leased: at open, those that were running when the last process ended.
pub(crate) fn leased(connection: &Connection) -> Result<Vec<JobId>, Fault> {
    let mut statement =
        connection.prepare("SELECT job_id FROM queue WHERE state = 'leased' ORDER BY job_id")?;
    let rows = statement.query_map([], |row| Ok(JobId::from_bytes(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Has a job run alone next. The mark is gone once an attempt comes to its end.
pub(crate) fn suspect(connection: &Connection, id: &JobId) -> Result<(), Fault> {
    let sql = "UPDATE queue SET suspect = 1 WHERE job_id = ?";
    connection.prepare_cached(sql)?.execute([id.as_bytes()])?;
    Ok(())
}

pub(crate) const NEXT_SUSPECT: &str = "SELECT job_id, owner FROM queue WHERE suspect = 1 AND state = 'ready' \
     ORDER BY created_at, job_id LIMIT 1";
pub(crate) const IS_ANY_LEASED: &str =
    "SELECT 1 FROM queue WHERE state <> 'ready' AND state = 'leased' LIMIT 1";

/// The next job that is to run alone.
pub(crate) fn next_suspect(connection: &Connection) -> Result<Option<(JobId, String)>, Fault> {
    let row = |row: &rusqlite::Row<'_>| Ok((JobId::from_bytes(row.get(0)?), row.get(1)?));
    Ok(connection.prepare_cached(NEXT_SUSPECT)?.query_row([], row).optional()?)
}

/// Whether a job runs that is to run alone.
pub(crate) fn is_suspect_running(connection: &Connection) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM queue WHERE suspect = 1 AND state = 'leased' LIMIT 1";
    Ok(connection.prepare_cached(sql)?.exists([])?)
}

/// Whether any job is running.
pub(crate) fn is_any_leased(connection: &Connection) -> Result<bool, Fault> {
    Ok(connection.prepare_cached(IS_ANY_LEASED)?.exists([])?)
}

/// Makes ready what is due: jobs that waited for their time, and jobs whose worker has let its lease run out.
pub(crate) fn wake_due(connection: &Connection, now: Timestamp) -> Result<(), Fault> {
    let sql = "UPDATE queue SET state = 'ready', holder = NULL WHERE state <> 'ready' AND due <= ?";
    connection.prepare_cached(sql)?.execute([now.as_millis()])?;
    Ok(())
}

pub(crate) const NEXT_AFTER_OWNER: &str = "SELECT job_id, owner FROM queue WHERE state = 'ready' AND owner > ? \
     ORDER BY owner, rank, created_at, job_id LIMIT 1";

/// The job whose turn it is: of the owner after `last`, round and round, the first in that owner's order. The cost
/// does not depend on how many wait.
pub(crate) fn first_ready(connection: &Connection, last: &str) -> Result<Option<(JobId, String)>, Fault> {
    let mut statement = connection.prepare_cached(NEXT_AFTER_OWNER)?;
    let mut after = |owner: &str| {
        let row = |row: &rusqlite::Row<'_>| Ok((JobId::from_bytes(row.get(0)?), row.get(1)?));
        statement.query_row([owner], row).optional()
    };
    let next = after(last)?;
    Ok(if next.is_some() { next } else { after("")? })
}

/// Leases a job to `claim`, until `until`.
pub(crate) fn lease(connection: &Connection, claim: Claim, until: Timestamp) -> Result<(), Fault> {
    let sql = "UPDATE queue SET state = 'leased', due = ?2, holder = ?3 WHERE job_id = ?1";
    let values = params![claim.job_id.as_bytes(), until.as_millis(), claim.holder];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// Makes a lease last until `until`; says whether it still was `claim`'s.
pub(crate) fn renew(connection: &Connection, claim: Claim, until: Timestamp) -> Result<bool, Fault> {
    let sql = "UPDATE queue SET due = ?2 WHERE job_id = ?1 AND holder = ?3 AND state = 'leased'";
    let values = params![claim.job_id.as_bytes(), until.as_millis(), claim.holder];
    Ok(connection.prepare_cached(sql)?.execute(values)? == 1)
}

/// Gives a lease back if it still is `claim`'s: the job may be claimed again from `due` on.
pub(crate) fn give_back(connection: &Connection, claim: Claim, due: Timestamp) -> Result<(), Fault> {
    let sql = "UPDATE queue SET state = 'later', due = ?2, holder = NULL \
               WHERE job_id = ?1 AND holder = ?3 AND state = 'leased'";
    let values = params![claim.job_id.as_bytes(), due.as_millis(), claim.holder];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// When the next job becomes ready by the mere passing of time.
pub(crate) fn next_due(connection: &Connection) -> Result<Option<Timestamp>, Fault> {
    let mut statement = connection.prepare_cached("SELECT min(due) FROM queue WHERE state <> 'ready'")?;
    let millis: Option<i64> = statement.query_row([], |row| row.get(0))?;
    Ok(millis.map(Timestamp::from_millis))
}

pub(crate) const PLACES_BEFORE: &str = "SELECT count(*) FROM (SELECT 1 FROM queue WHERE state = 'ready' \
     AND owner = ?1 AND (rank, created_at, job_id) < (?2, ?3, ?4) LIMIT ?5)";

/// The place of a job among its owner's, from 1; `None` if it is not in line.
pub(crate) fn place(connection: &Connection, job: &Job) -> Result<Option<u32>, Fault> {
    let id = job.id.as_bytes();
    let in_line = connection.prepare_cached("SELECT 1 FROM queue WHERE job_id = ?")?.exists([id])?;
    if !in_line {
        return Ok(None);
    }
    let values = params![job.owner.as_str(), rank(job), job.created_at.as_millis(), id, PLACES_MAX];
    let before: u32 = connection.prepare_cached(PLACES_BEFORE)?.query_row(values, |row| row.get(0))?;
    Ok(Some(before + 1))
}

/// Each counts in an index of its own, and no further than its limit.
pub(crate) const READY: &str = "SELECT count(*) FROM (SELECT 1 FROM queue WHERE state = 'ready' LIMIT ?)";
pub(crate) const NOT_READY: &str = "SELECT count(*) FILTER (WHERE state = 'later'), \
     count(*) FILTER (WHERE state = 'leased') FROM (SELECT state FROM queue WHERE state <> 'ready' LIMIT ?)";
/// Ids sort by the time of their acceptance, and only as many jobs are leased as there are workers.
pub(crate) const OLDEST: &str =
    "SELECT created_at FROM queue WHERE state <> 'leased' ORDER BY job_id LIMIT 1";

/// How many jobs wait and run, and since when the oldest waits.
pub(crate) fn counts(connection: &Connection) -> Result<QueueCounts, Fault> {
    let most = QueueCounts::COUNTED_MAX;
    let ready: u32 = connection.prepare_cached(READY)?.query_row([most], |row| row.get(0))?;
    let (later, running): (u32, u32) =
        connection.prepare_cached(NOT_READY)?.query_row([most], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let oldest: Option<i64> =
        connection.prepare_cached(OLDEST)?.query_row([], |row| row.get(0)).optional()?;
    let queued = (ready + later).min(most);
    Ok(QueueCounts { queued, running, oldest: oldest.map(Timestamp::from_millis) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::explain;

    #[test]
    fn the_queue_is_counted_in_its_indexes_and_its_oldest_job_is_found_without_sorting() {
        assert!(explain(READY).contains("queue_ready"), "{}", explain(READY));
        assert!(explain(NOT_READY).contains("queue_due"), "{}", explain(NOT_READY));
        assert!(!explain(OLDEST).contains("TEMP B-TREE"), "{}", explain(OLDEST));
    }
}
