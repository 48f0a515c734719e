//! The tables of the jobs: what SQL they are read and written with. The order of a page and every filter are SQL's.

use crate::released::Holder;
use crate::{checksum, error::Fault, queue, released};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row, params, types::ValueRef};
use tintype_core::{
    domain::{
        BlobId, EventBody, Idempotency, Job, JobError, JobEvent, JobId, JobQuery, JobStatus, OwnerId,
        Position, Seq, Timestamp,
    },
    ports::{InsertedJob, PurgedJobs},
};

/// The columns that [`job_of`] reads: the checksum, and what it is of.
macro_rules! job_columns {
    () => {
        "jobs.checksum, jobs.id, jobs.owner, jobs.status, jobs.created_at, jobs.expires_at, jobs.body"
    };
}

/// The columns that [`job_of`] reads.
pub(crate) const COLUMNS: &str = job_columns!();

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
        let sql = "INSERT INTO jobs (id, owner, status, created_at, expires_at, idempotency_key, fingerprint, body, \
                   checksum, key_checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";
        let inserted = connection.prepare_cached(sql)?.execute(params![
            job.id.as_bytes(),
            job.owner.as_str(),
            job.status.name(),
            job.created_at.as_millis(),
            job.expires_at.as_millis(),
            self.key.as_ref().map(|used| used.key.as_str()),
            self.key.as_ref().map(|used| used.fingerprint.as_bytes()),
            self.body,
            sum(job, &self.body),
            key_sum(&job.id, self.key.as_ref()),
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
        let sql = concat!(
            "SELECT ",
            job_columns!(),
            ", key_checksum, id, idempotency_key, fingerprint FROM jobs WHERE owner = ? AND idempotency_key = ?"
        );
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([owner.as_str(), key.key.as_str()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        checksum::check(row, "jobs", 7, 8, 3)?;
        let is_same_request = BlobId::from_bytes(row.get(10)?) == key.fingerprint;
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
    let sql = "UPDATE jobs SET idempotency_key = NULL, fingerprint = NULL, key_checksum = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.as_bytes(), key_sum(id, None)])?;
    Ok(())
}

/// Writes a job that changed its status, its event, and its place in line.
pub(super) fn update(connection: &Connection, job: &Job, event: &JobEvent) -> Result<(), Fault> {
    let sql = "UPDATE jobs SET status = ?2, expires_at = ?3, body = ?4, checksum = ?5 WHERE id = ?1";
    let body = serde_json::to_string(job)?;
    connection.prepare_cached(sql)?.execute(params![
        job.id.as_bytes(),
        job.status.name(),
        job.expires_at.as_millis(),
        body,
        sum(job, &body),
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
    // A record that can't be read is told of when it is claimed.
    let Ok(Some(mut job)) = find(connection, id) else { return Ok(()) };
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
    let mut statement =
        connection.prepare_cached("UPDATE jobs SET body = ?2, checksum = ?3 WHERE id = ?1")?;
    statement.execute(params![job.id.as_bytes(), body, sum(job, &body)])?;
    write_event(connection, event, &serde_json::to_string(&event.body)?)
}

fn write_event(connection: &Connection, event: &JobEvent, body: &str) -> Result<(), Fault> {
    let sql = "INSERT INTO events (job_id, seq, time, body, checksum) VALUES (?, ?, ?, ?, ?)";
    let (seq, time) = (i64::try_from(event.seq.0).unwrap_or(i64::MAX), event.time.as_millis());
    let sum = checksum::of(&[
        ValueRef::Blob(event.job_id.as_bytes()),
        ValueRef::Integer(seq),
        ValueRef::Integer(time),
        checksum::text(body),
    ]);
    let values = params![event.job_id.as_bytes(), seq, time, body, sum];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

fn write_blobs(connection: &Connection, job: &Job) -> Result<(), Fault> {
    let sql = "INSERT OR IGNORE INTO job_blobs (sha256, job_id) VALUES (?, ?)";
    for blob in blobs(job) {
        connection.prepare_cached(sql)?.execute(params![blob.as_bytes(), job.id.as_bytes()])?;
        released::forget(connection, Holder::Job, &blob)?;
    }
    Ok(())
}

/// The checksum of a job's row.
fn sum(job: &Job, body: &str) -> i64 {
    checksum::of(&[
        ValueRef::Blob(job.id.as_bytes()),
        checksum::text(job.owner.as_str()),
        checksum::text(job.status.name()),
        ValueRef::Integer(job.created_at.as_millis()),
        ValueRef::Integer(job.expires_at.as_millis()),
        checksum::text(body),
    ])
}

/// The checksum of the columns of a job's idempotency key.
fn key_sum(id: &JobId, key: Option<&Idempotency>) -> i64 {
    checksum::of(&[
        ValueRef::Blob(id.as_bytes()),
        key.map_or(ValueRef::Null, |used| checksum::text(used.key.as_str())),
        key.map_or(ValueRef::Null, |used| ValueRef::Blob(used.fingerprint.as_bytes())),
    ])
}

/// The content addresses a job refers to.
pub(crate) fn blobs(job: &Job) -> impl Iterator<Item = BlobId> {
    let sources = job.request.source.iter().flat_map(|source| [Some(source.image), source.mask]).flatten();
    sources.chain(job.images.iter().map(|image| image.sha256))
}

/// The job of a row of [`job_columns`], if it matches its checksum.
pub(crate) fn job_of(row: &Row<'_>) -> Result<Job, Fault> {
    checksum::check(row, "jobs", 0, 1, 6)?;
    Ok(serde_json::from_str(row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?)?)
}

fn jobs_of(mut statement: CachedStatement<'_>, values: impl Params) -> Result<Vec<Job>, Fault> {
    let mut rows = statement.query(values)?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(job_of(row)?);
    }
    Ok(jobs)
}

/// Copies a job, its idempotency key and its log from one database into another. One that has not ended waits again.
pub(crate) fn copy(to: &Connection, from: &Connection, job: &Job) -> Result<(), Fault> {
    let sql = "SELECT key_checksum, id, idempotency_key, fingerprint FROM jobs WHERE id = ?";
    let key = from.prepare_cached(sql)?.query_row([job.id.as_bytes()], |row| {
        let is_whole = checksum::check(row, "jobs", 0, 1, 3).is_ok();
        let values: (Option<String>, Option<[u8; 32]>) = (row.get(2)?, row.get(3)?);
        Ok(Some(values).filter(|_| is_whole))
    })?;
    let key = key.and_then(|(key, fingerprint)| {
        let fingerprint = BlobId::from_bytes(fingerprint?);
        key?.parse().ok().map(|key| Idempotency { key, fingerprint })
    });
    NewRow::of(job, key.as_ref())?.insert(to, job)?;
    // A log with a damaged row is left out: the job itself tells how it ended.
    let first = Job::accepted(job.id, job.created_at).seq;
    for event in events(from, &job.id, job.created_at, first, u32::MAX).unwrap_or_default() {
        write_event(to, &event, &serde_json::to_string(&event.body)?)?;
    }
    if job.status.is_terminal() { Ok(()) } else { queue::enter(to, job) }
}

/// Goes through every job whose row is whole.
pub(crate) fn for_each(
    connection: &Connection,
    mut work: impl FnMut(&Job) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut statement = connection.prepare(concat!("SELECT ", job_columns!(), " FROM jobs"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        // Of a damaged row its checksum tells.
        if let Ok(job) = job_of(row) {
            work(&job)?;
        }
    }
    Ok(())
}

/// The job `id`, whoever's it is.
pub(crate) fn find(connection: &Connection, id: &JobId) -> Result<Option<Job>, Fault> {
    let statement =
        connection.prepare_cached(concat!("SELECT ", job_columns!(), " FROM jobs WHERE id = ?"))?;
    Ok(jobs_of(statement, [id.as_bytes()])?.pop())
}

/// The owner's job `id`, if it may still be shown.
pub(super) fn find_shown(
    connection: &Connection,
    owner: &OwnerId,
    id: &JobId,
    now: Timestamp,
) -> Result<Option<Job>, Fault> {
    let sql = concat!("SELECT ", job_columns!(), " FROM jobs WHERE id = ? AND owner = ? AND expires_at > ?");
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

const LIST: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM jobs WHERE owner = ?1 AND (created_at, id) < (?2, ?3) AND expires_at > ?4 \
     ORDER BY created_at DESC, id DESC LIMIT ?5"
);
const LIST_OF_STATUS: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM jobs WHERE owner = ?1 AND (created_at, id) < (?2, ?3) \
     AND expires_at > ?4 AND status = ?6 ORDER BY created_at DESC, id DESC LIMIT ?5"
);

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
    let sql = "SELECT checksum, job_id, seq, time, body FROM events WHERE job_id = ? AND seq > ? ORDER BY seq LIMIT ?";
    let mut statement = connection.prepare_cached(sql)?;
    let stored_after = i64::try_from(stored_after.0).unwrap_or(i64::MAX);
    let room = limit as usize - events.len();
    let mut rows = statement.query(params![id.as_bytes(), stored_after, room])?;
    while let Some(row) = rows.next()? {
        checksum::check(row, "events", 0, 1, 4)?;
        let body: EventBody = serde_json::from_str(row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?)?;
        let (seq, time) = (Seq(row.get(2)?), Timestamp::from_millis(row.get(3)?));
        events.push(JobEvent { job_id: *id, seq, time, body });
    }
    Ok(events)
}

const UNFINISHED: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM queue CROSS JOIN jobs ON jobs.id = queue.job_id \
     WHERE queue.job_id > ?1 AND queue.created_at < ?2 ORDER BY queue.job_id LIMIT ?3"
);

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

const ENDED: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM jobs WHERE status NOT IN ('queued', 'running') AND expires_at < ?1 ORDER BY expires_at LIMIT ?2"
);

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
        if !refers_to(connection, &blob)? {
            released::record(connection, Holder::Job, &blob)?;
        }
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
