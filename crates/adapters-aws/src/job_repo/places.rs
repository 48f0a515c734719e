//! What is written when a job is accepted or changes: the job, its event, and the places where it stands.

use super::records::{
    Stored, ended_key, event_item, key_key, list_key, open_key, reference_key, removable_from,
};
use crate::dynamodb::{Condition, Item, Write};
use std::collections::BTreeSet;
use tintype_core::{
    PortResult,
    domain::{BlobId, Idempotency, Job, JobEvent, JobId},
};

/// The writes that accept `job`. Its id must be new, and so must its key, but for the job `holder` that is not shown
/// any more.
pub(super) fn accepted(
    operation: &'static str,
    job: &Job,
    key: Option<&Idempotency>,
    holder: Option<JobId>,
) -> PortResult<Vec<Write>> {
    let text = key.map(|key| key.key.as_str().to_owned());
    let stored = Stored { job: job.clone(), rev: 1, key: text };
    let mut writes = vec![
        Write::put_if(stored.item(operation)?, Condition::Absent),
        Write::put(list_item(job)),
        Write::put(open_item(job)),
    ];
    writes.extend(key.map(|key| key_write(job, key, holder)));
    writes.extend(sources(job).map(|blob| Write::put(reference_item(&blob, job))));
    Ok(writes)
}

/// The writes that take `before` to `job`.
pub(super) fn changed(
    operation: &'static str,
    before: &Stored,
    job: &Job,
    event: &JobEvent,
) -> PortResult<Vec<Write>> {
    let stored = Stored { job: job.clone(), rev: before.rev + 1, key: before.key.clone() };
    let mut writes = vec![
        Write::put_if(stored.item(operation)?, Condition::Number("rev", before.rev)),
        Write::put(event_item(operation, job, event)?),
    ];
    if job.status.is_terminal() {
        writes.push(Write::delete(open_key(&job.id)));
        writes.push(Write::put(ended_item(job)));
        writes.extend(results(job).map(|blob| Write::put(reference_item(&blob, job))));
    }
    Ok(writes)
}

fn key_write(job: &Job, key: &Idempotency, holder: Option<JobId>) -> Write {
    let item = Item::new(key_key(&job.owner, &key.key))
        .with_text("job_id", job.id.to_string())
        .with_text("fingerprint", key.fingerprint.to_string())
        .with_ttl(removable_from(job));
    let condition = match holder {
        None => Condition::Absent,
        Some(holder) => Condition::AbsentOrText("job_id", holder.to_string()),
    };
    Write::put_if(item, condition)
}

fn list_item(job: &Job) -> Item {
    Item::new(list_key(job))
        .with_text("job_id", job.id.to_string())
        .with_time("created_at", job.created_at)
        .with_ttl(removable_from(job))
}

fn open_item(job: &Job) -> Item {
    Item::new(open_key(&job.id)).with_text("job_id", job.id.to_string())
}

fn ended_item(job: &Job) -> Item {
    Item::new(ended_key(job)).with_text("job_id", job.id.to_string()).with_ttl(removable_from(job))
}

fn reference_item(blob: &BlobId, job: &Job) -> Item {
    Item::new(reference_key(blob, &job.id)).with_ttl(removable_from(job))
}

/// The addresses a job starts from, each once.
fn sources(job: &Job) -> impl Iterator<Item = BlobId> + use<> {
    let sources = job.request.source.iter().flat_map(|source| [Some(source.image), source.mask]);
    sources.flatten().collect::<BTreeSet<_>>().into_iter()
}

/// The addresses of a job's results, each once.
fn results(job: &Job) -> impl Iterator<Item = BlobId> + use<> {
    job.images.iter().map(|image| image.sha256).collect::<BTreeSet<_>>().into_iter()
}

/// All addresses a job refers to, each once.
pub(super) fn blobs(job: &Job) -> BTreeSet<BlobId> {
    sources(job).chain(results(job)).collect()
}
