//! The items of jobs and events, and every key of the table.

use crate::dynamodb::{Bounds, Item, Key, Stretch, moment};
use std::time::Duration;
use tintype_core::{
    PortResult,
    domain::{BlobId, IdempotencyKey, Job, JobEvent, JobId, OwnerId, Seq, Timestamp},
};

/// How many partitions share the lists of all owners' jobs: enough for thousands of jobs per second.
pub(super) const SHARDS: u8 = 16;
/// How long past a job's expiry its items may live: for what the sweep should have removed. Nothing is shown of them.
const SLACK: Duration = Duration::from_secs(7 * 24 * 3_600);

pub(super) fn job_key(id: &JobId) -> Key {
    Key::head(job_partition(id))
}

fn job_partition(id: &JobId) -> String {
    format!("JOB#{id}")
}

fn event_sort_key(seq: Seq) -> String {
    format!("E#{:012}", seq.0)
}

/// The job's events after `after`.
pub(super) fn events_between(id: &JobId, after: Seq) -> Stretch {
    let bounds = Bounds::Between(event_sort_key(after.next()), event_sort_key(Seq(999_999_999_999)));
    Stretch::of(job_partition(id), bounds)
}

pub(super) fn key_key(owner: &OwnerId, key: &IdempotencyKey) -> Key {
    Key::head(format!("KEY#{owner}#{key}"))
}

pub(super) fn owner_partition(owner: &OwnerId) -> String {
    format!("OWNER#{owner}")
}

/// The place of a job in a list by time.
pub(super) fn sort_key(at: Timestamp, id: &JobId) -> String {
    format!("{}#{id}", moment(at))
}

pub(super) fn list_key(job: &Job) -> Key {
    Key::new(owner_partition(&job.owner), sort_key(job.created_at, &job.id))
}

pub(super) fn reference_key(blob: &BlobId, id: &JobId) -> Key {
    Key::new(format!("BLOB#{blob}"), format!("JOB#{id}"))
}

fn shard(id: &JobId) -> u8 {
    id.as_bytes()[15] % SHARDS
}

pub(super) fn open_partition(shard: u8) -> String {
    format!("OPEN#{shard}")
}

pub(super) fn open_key(id: &JobId) -> Key {
    Key::new(open_partition(shard(id)), id.to_string())
}

pub(super) fn ended_partition(shard: u8) -> String {
    format!("ENDED#{shard}")
}

pub(super) fn ended_key(job: &Job) -> Key {
    Key::new(ended_partition(shard(&job.id)), sort_key(job.expires_at, &job.id))
}

/// When DynamoDB may remove what belongs to `job`, at the earliest.
pub(super) fn removable_from(job: &Job) -> Timestamp {
    job.expires_at.after(SLACK)
}

/// A job as it is in the table.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) job: Job,
    /// Counts its changes: the one who writes names the revision that was read.
    pub(super) rev: u64,
    /// The idempotency key it was accepted with.
    pub(super) key: Option<String>,
}

impl Stored {
    pub(super) fn of(operation: &'static str, item: &Item) -> PortResult<Self> {
        let key = item.optional_text("idempotency_key").map(str::to_owned);
        Ok(Self { job: item.body(operation)?, rev: item.number(operation, "rev")?, key })
    }

    /// A job that has not ended has no time to live: whatever became of it, it is not forgotten.
    pub(super) fn item(&self, operation: &'static str) -> PortResult<Item> {
        let Self { job, rev, key } = self;
        let item = Item::new(job_key(&job.id))
            .with_text("owner", job.owner.as_str())
            .with_text("status", job.status.name())
            .with_number("rev", *rev)
            .with_time("expires_at", job.expires_at)
            .with_body(operation, job)?;
        let item = match key {
            Some(key) => item.with_text("idempotency_key", key),
            None => item,
        };
        Ok(if job.status.is_terminal() { item.with_ttl(removable_from(job)) } else { item })
    }
}

pub(super) fn event_item(operation: &'static str, job: &Job, event: &JobEvent) -> PortResult<Item> {
    let key = Key::new(job_partition(&job.id), event_sort_key(event.seq));
    Item::new(key).with_ttl(removable_from(job)).with_body(operation, event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamodb::item_bytes;
    use tintype_core::domain::{EventBody, limits};
    use tintype_testkit::samples::{job_image, new_job, request_with};

    const ITEM_BYTES_MAX: usize = 400 * 1024;

    /// A job with the longest of everything, and the event of its success.
    fn largest() -> (Job, JobEvent) {
        let longest = |chars| "\u{1f5bc}".repeat(chars);
        let mut new = new_job(1, 0);
        new.request = request_with(|input| {
            input.prompt = Some(longest(limits::PROMPT_CHARS));
            input.negative_prompt = Some(longest(limits::PROMPT_CHARS));
            let label = |n: usize| {
                let name = format!("{n:0width$}", width = limits::LABEL_NAME_CHARS);
                (name, longest(limits::LABEL_VALUE_CHARS))
            };
            input.labels = Some((0..limits::LABELS_MAX).map(label).collect());
        });
        let (mut job, mut event) = Job::accept(new);
        job.images = (0..limits::COUNT_MAX).map(|index| job_image(index, index.into())).collect();
        event.body = EventBody::Succeeded { images: job.images.clone() };
        (job, event)
    }

    #[test]
    fn the_largest_job_and_event_are_far_below_what_an_item_may_hold() {
        let (job, event) = largest();
        let event = event_item("test", &job, &event).unwrap();
        let job = Stored { job, rev: 1, key: Some("k".repeat(255)) }.item("test").unwrap();
        assert!(item_bytes(&job) < ITEM_BYTES_MAX / 8, "{}", item_bytes(&job));
        assert!(item_bytes(&event) < ITEM_BYTES_MAX / 40, "{}", item_bytes(&event));
    }

    #[test]
    fn a_plain_job_and_its_event_take_one_unit_each() {
        let (job, event) = Job::accept(new_job(1, 0));
        let event = event_item("test", &job, &event).unwrap();
        let job = Stored { job, rev: 1, key: None }.item("test").unwrap();
        assert!(item_bytes(&job) <= 1_024, "{}", item_bytes(&job));
        assert!(item_bytes(&event) <= 256, "{}", item_bytes(&event));
    }

    #[test]
    fn a_job_that_has_not_ended_has_no_time_to_live() {
        let (mut job, _) = Job::accept(new_job(1, 0));
        let ttl = |job: &Job| Stored { job: job.clone(), rev: 1, key: None }.item("test").unwrap().has("ttl");
        assert!(!ttl(&job));
        job.cancel(job.created_at).unwrap();
        assert!(ttl(&job));
    }
}
