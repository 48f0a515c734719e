//! The tables of the jobs: what SQL they are read and written with. The order of a page and every filter are SQL's.

use crate::{error::Fault, queue};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row, params};
use tintype_core::{
    domain::{
        BlobId, EventBody, Idempotency, Job, JobError, JobEvent, JobId, JobQuery, JobStatus, OwnerId,
        Position, Seq, Timestamp,
    },
    ports::{InsertedJob, PurgedJobs},
};

/// After every place of a list: where one that is read from its newest end starts.
const NEWEST: Position = Position { at: Timestamp::from_millis(i64::MAX), id: [u8::MAX; 16] };

/// A new job as it will be written. Its first event is not: the row tells all of it, and an accept writes one page less.
pub(super) struct NewRow {
    body: String,
    key: Option<Idempotency>,
}

impl NewRow {
    pub(super) fn of(job: &Job, key: Option<&Idempotency>) -> Result<Self, Fault> {
        Ok(Self { body: serde_json::to_string(job)?, key: key.cloned() })
    }

    /// What its key was used for before, as long as that job is shown; after that the key is free again.
    pub(super) fn replayed(&self, connection: &Connection, job: &Job) -> Result<Option<InsertedJob>, Fault> {
        let Some(key) = &self.key else { return Ok(None) };
        let Some(used) = UsedKey::find(connection, &job.owner, key)? else { return Ok(None) };
        if !used.job.is_shown(job.created_at) {
            free_key(connection, &used.job.id)?;
            return Ok(None);
        }
        Ok(Some(used.answer()))
    }

    /// Writes the job; `false` if there is one with this id.
    pub(super) fn insert(&self, connection: &Connection, job: &Job) -> Result<bool, Fault> {
        let sql = "INSERT INTO jobs (id, owner, status, created_at, expires_at, idempotency_key, fingerprint, body) \
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";
        let inserted = connection.prepare_cached(sql)?.execute(params![
            job.id.as_bytes(),
            job.owner.as_str(),
            job.status.name(),
            job.created_at.as_millis(),
            job.expires_at.as_millis(),
            self.key.as_ref().map(|used| used.key.as_str()),
            self.key.as_ref().map(|used| used.fingerprint.as_bytes()),
            self.body,
        ])?;
        if inserted == 0 {
            return Ok(false);
        }
        write_blobs(connection, job)?;
        Ok(true)
    }
}

/// A key that a job holds, shown or not.
struct UsedKey {
    job: Job,
    is_same_request: bool,
}

impl UsedKey {
    fn find(connection: &Connection, owner: &OwnerId, key: &Idempotency) -> Result<Option<Self>, Fault> {
        let sql = "SELECT body, fingerprint FROM jobs WHERE owner = ? AND idempotency_key = ?";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([owner.as_str(), key.key.as_str()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let is_same_request = BlobId::from_bytes(row.get(1)?) == key.fingerprint;
        Ok(Some(Self { job: job_of(row)?, is_same_request }))
    }

    fn answer(self) -> InsertedJob {
        if self.is_same_request { InsertedJob::Existing(Box::new(self.job)) } else { InsertedJob::KeyReused }
    }
}

/// What the owner's key was used for before, as long as that job is shown.
pub(super) fn find_by_key(
    connection: &Connection,
    owner: &OwnerId,
    key: &Idempotency,
    now: Timestamp,
) -> Result<Option<InsertedJob>, Fault> {
    let used = UsedKey::find(connection, owner, key)?;
    Ok(used.filter(|used| used.job.is_shown(now)).map(UsedKey::answer))
}

fn free_key(connection: &Connection, id: &JobId) -> Result<(), Fault> {
    let sql = "UPDATE jobs SET idempotency_key = NULL, fingerprint = NULL WHERE id = ?";
    connection.prepare_cached(sql)?.execute([id.as_bytes()])?;
    Ok(())
}

/// Writes a job that changed its status, its event, and its place in line.
pub(super) fn update(connection: &Connection, job: &Job, event: &JobEvent) -> Result<(), Fault> {
    let sql = "UPDATE jobs SET status = ?2, expires_at = ?3, body = ?4 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![
        job.id.as_bytes(),
        job.status.name(),
        job.expires_at.as_millis(),
        serde_json::to_string(job)?,
    ])?;
    write_event(connection, event, &serde_json::to_string(&event.body)?)?;
    match job.status {
        JobStatus::Queued => queue::wait(connection, &job.id, job.not_before),
        JobStatus::Running => Ok(()),
        JobStatus::Succeeded => {
            write_blobs(connection, job)?;
            queue::leave(connection, &job.id)
        }
        JobStatus::Failed | JobStatus::Canceled | JobStatus::Expired => queue::leave(connection, &job.id),
    }
}

/// Requeues a job whose attempt was cut off by what was not its fault. The attempt does not count.
pub(crate) fn requeue_uncharged(connection: &Connection, id: &JobId, now: Timestamp) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached("SELECT body FROM jobs WHERE id = ?")?;
    let mut rows = statement.query([id.as_bytes()])?;
    let Some(row) = rows.next()? else { return Ok(()) };
    // A record that can't be read is told of when it is claimed.
    let Ok(mut job) = job_of(row) else { return Ok(()) };
    drop(rows);
    if job.status != JobStatus::Running {
        return Ok(());
    }
    let (fence, not_before) = (job.fence(), job.not_before);
    let event = job.requeue(&fence, JobError::interrupted(), not_before, now).map_err(Fault::from)?;
    update(connection, &job, &event)
}

/// Writes a job that only got further, and its event: no index is touched.
pub(super) fn update_body(connection: &Connection, job: &Job, event: &JobEvent) -> Result<(), Fault> {
    let body = serde_json::to_string(job)?;
    let mut statement = connection.prepare_cached("UPDATE jobs SET body = ?2 WHERE id = ?1")?;
    statement.execute(params![job.id.as_bytes(), body])?;
    write_event(connection, event, &serde_json::to_string(&event.body)?)
}

fn write_event(connection: &Connection, event: &JobEvent, body: &str) -> Result<(), Fault> {
    let sql = "INSERT INTO events (job_id, seq, time, body) VALUES (?, ?, ?, ?)";
    let values = params![event.job_id.as_bytes(), event.seq.0, event.time.as_millis(), body];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

fn write_blobs(connection: &Connection, job: &Job) -> Result<(), Fault> {
    let sql = "INSERT OR IGNORE INTO job_blobs (sha256, job_id) VALUES (?, ?)";
    for blob in blobs(job) {
        connection.prepare_cached(sql)?.execute(params![blob.as_bytes(), job.id.as_bytes()])?;
    }
    Ok(())
}

/// The content addresses a job refers to.
fn blobs(job: &Job) -> impl Iterator<Item = BlobId> {
    let sources = job.request.source.iter().flat_map(|source| [Some(source.image), source.mask]).flatten();
    sources.chain(job.images.iter().map(|image| image.sha256))
}

fn job_of(row: &Row<'_>) -> Result<Job, Fault> {
    Ok(serde_json::from_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?)
}

fn jobs_of(mut statement: CachedStatement<'_>, values: impl Params) -> Result<Vec<Job>, Fault> {
    let mut rows = statement.query(values)?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(job_of(row)?);
    }
    Ok(jobs)
}

/// The job `id`, whoever's it is.
pub(super) fn find(connection: &Connection, id: &JobId) -> Result<Option<Job>, Fault> {
    let statement = connection.prepare_cached("SELECT body FROM jobs WHERE id = ?")?;
    Ok(jobs_of(statement, [id.as_bytes()])?.pop())
}

/// The owner's job `id`, if it may still be shown.
pub(super) fn find_shown(
    connection: &Connection,
    owner: &OwnerId,
    id: &JobId,
    now: Timestamp,
) -> Result<Option<Job>, Fault> {
    let sql = "SELECT body FROM jobs WHERE id = ? AND owner = ? AND expires_at > ?";
    let values = params![id.as_bytes(), owner.as_str(), now.as_millis()];
    Ok(jobs_of(connection.prepare_cached(sql)?, values)?.pop())
}

/// When the owner's job `id` was accepted, if it may still be shown.
pub(super) fn accepted_at(
    connection: &Connection,
    owner: &OwnerId,
    id: &JobId,
    now: Timestamp,
) -> Result<Option<Timestamp>, Fault> {
    let sql = "SELECT created_at FROM jobs WHERE id = ? AND owner = ? AND expires_at > ?";
    let mut statement = connection.prepare_cached(sql)?;
    let values = params![id.as_bytes(), owner.as_str(), now.as_millis()];
    Ok(statement.query_row(values, |row| row.get(0)).optional()?.map(Timestamp::from_millis))
}

const LIST: &str = "SELECT body FROM jobs WHERE owner = ?1 AND (created_at, id) < (?2, ?3) AND expires_at > ?4 \
     ORDER BY created_at DESC, id DESC LIMIT ?5";
const LIST_OF_STATUS: &str = "SELECT body FROM jobs WHERE owner = ?1 AND (created_at, id) < (?2, ?3) \
     AND expires_at > ?4 AND status = ?6 ORDER BY created_at DESC, id DESC LIMIT ?5";

/// The owner's jobs, the newest first: one more than the page holds, to learn whether there are more.
pub(super) fn list(
    connection: &Connection,
    owner: &OwnerId,
    query: &JobQuery,
    now: Timestamp,
) -> Result<Vec<Job>, Fault> {
    let after = query.after.unwrap_or(NEWEST);
    let (owner, at, now, limit) =
        (owner.as_str(), after.at.as_millis(), now.as_millis(), query.limit.get() + 1);
    match query.status {
        None => jobs_of(connection.prepare_cached(LIST)?, params![owner, at, after.id, now, limit]),
        Some(status) => {
            let values = params![owner, at, after.id, now, limit, status.name()];
            jobs_of(connection.prepare_cached(LIST_OF_STATUS)?, values)
        }
    }
}

/// The events after `after` of a job that was accepted at `accepted_at`, in order. The first is not in the table.
pub(super) fn events(
    connection: &Connection,
    id: &JobId,
    accepted_at: Timestamp,
    after: Seq,
    limit: u32,
) -> Result<Vec<JobEvent>, Fault> {
    let first = Job::accepted(*id, accepted_at);
    let (stored_after, mut events) =
        if after < first.seq { (first.seq, vec![first]) } else { (after, Vec::new()) };
    events.truncate(limit as usize);
    let sql = "SELECT seq, time, body FROM events WHERE job_id = ? AND seq > ? ORDER BY seq LIMIT ?";
    let mut statement = connection.prepare_cached(sql)?;
    let stored_after = i64::try_from(stored_after.0).unwrap_or(i64::MAX);
    let room = limit as usize - events.len();
    let mut rows = statement.query(params![id.as_bytes(), stored_after, room])?;
    while let Some(row) = rows.next()? {
        let body: EventBody = serde_json::from_str(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?)?;
        let (seq, time) = (Seq(row.get(0)?), Timestamp::from_millis(row.get(1)?));
        events.push(JobEvent { job_id: *id, seq, time, body });
    }
    Ok(events)
}

const UNFINISHED: &str = "SELECT jobs.body FROM queue CROSS JOIN jobs ON jobs.id = queue.job_id \
     WHERE queue.job_id > ?1 AND queue.created_at < ?2 \
     ORDER BY queue.job_id LIMIT ?3";

/// Jobs of any owner that have not ended, in order of their ids. The line is read: it holds just those.
pub(super) fn unfinished(
    connection: &Connection,
    accepted_before: Timestamp,
    after: Option<JobId>,
    limit: u32,
) -> Result<Vec<Job>, Fault> {
    let after = after.map_or(Vec::new(), |id| id.as_bytes().to_vec());
    let statement = connection.prepare_cached(UNFINISHED)?;
    jobs_of(statement, params![after, accepted_before.as_millis(), limit])
}

const REFERS_TO: &str = "SELECT 1 FROM job_blobs WHERE sha256 = ?";

pub(super) fn refers_to(connection: &Connection, blob: &BlobId) -> Result<bool, Fault> {
    Ok(connection.prepare_cached(REFERS_TO)?.exists([blob.as_bytes()])?)
}

const ENDED: &str = "SELECT body FROM jobs WHERE status NOT IN ('queued', 'running') AND expires_at < ?1 \
     ORDER BY expires_at LIMIT ?2";

/// Removes ended jobs that expired before `now`, with all that belongs to them.
pub(super) fn purge(connection: &Connection, now: Timestamp, limit: u32) -> Result<PurgedJobs, Fault> {
    let jobs = jobs_of(connection.prepare_cached(ENDED)?, params![now.as_millis(), limit])?;
    let mut purged = PurgedJobs::default();
    for job in &jobs {
        remove(connection, job)?;
        purged.jobs += 1;
        purged.blobs.extend(blobs(job));
    }
    purged.blobs.sort();
    purged.blobs.dedup();
    Ok(purged)
}

fn remove(connection: &Connection, job: &Job) -> Result<(), Fault> {
    let id = job.id.as_bytes();
    connection.prepare_cached("DELETE FROM events WHERE job_id = ?")?.execute([id])?;
    let sql = "DELETE FROM job_blobs WHERE sha256 = ? AND job_id = ?";
    for blob in blobs(job) {
        connection.prepare_cached(sql)?.execute(params![blob.as_bytes(), id])?;
    }
    connection.prepare_cached("DELETE FROM jobs WHERE id = ?")?.execute([id])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::explain;

    #[test]
    fn no_list_sorts_or_scans() {
        for (sql, index) in [
            (LIST, "jobs_of_owner "),
            (LIST_OF_STATUS, "jobs_of_owner "),
            (ENDED, "jobs_ended "),
            (UNFINISHED, "SEARCH queue USING PRIMARY KEY"),
            (REFERS_TO, "PRIMARY KEY"),
            (queue::NEXT_AFTER_OWNER, "queue_ready "),
            (queue::PLACES_BEFORE, "queue_ready "),
        ] {
            let plan = explain(sql);
            assert!(plan.contains(index), "{sql}\n{plan}");
            assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN jobs"), "{sql}\n{plan}");
        }
    }
}
