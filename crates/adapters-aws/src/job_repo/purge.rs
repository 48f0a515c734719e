//! Removing what has expired. Its events go by their time to live, which costs nothing: nobody reads the log of a job
//! that is not there.

use super::{
    DynamoJobRepo,
    places::blobs,
    records::{SHARDS, Stored, ended_partition, job_key, key_key, list_key, reference_key},
};
use crate::dynamodb::{Bounds, Condition, Item, Key, Stretch, moment, released_item};
use futures_util::{StreamExt, TryStreamExt, future::try_join_all, stream};
use std::collections::BTreeSet;
use tintype_core::{
    PortResult,
    domain::{BlobId, JobId, Timestamp},
    ports::PurgedJobs,
};

const OPERATION: &str = "JobRepo::purge";
/// How many jobs are removed at a time.
const AT_ONCE: usize = 8;

impl DynamoJobRepo {
    pub(super) async fn purge_expired(&self, now: Timestamp, limit: u32) -> PortResult<PurgedJobs> {
        let places = self.expired(now, limit).await?;
        let purging = stream::iter(places).map(|place| self.purge_one(place));
        let purged: Vec<Option<BTreeSet<BlobId>>> = purging.buffer_unordered(AT_ONCE).try_collect().await?;
        let jobs = purged.iter().flatten().count();
        let blobs: BTreeSet<BlobId> = purged.into_iter().flatten().flatten().collect();
        Ok(PurgedJobs { jobs: u32::try_from(jobs).unwrap_or(u32::MAX), blobs: blobs.into_iter().collect() })
    }

    /// The places of ended jobs that expired before `now`.
    async fn expired(&self, now: Timestamp, limit: u32) -> PortResult<Vec<Item>> {
        let shards = (0..SHARDS).map(|shard| async move {
            let stretch = Stretch::of(ended_partition(shard), Bounds::Before(moment(now)));
            self.table.query(OPERATION, &stretch, Some(limit)).await
        });
        let places = try_join_all(shards).await?.into_iter().flatten();
        Ok(places.take(limit as usize).collect())
    }

    /// Removes the job at `place`; the addresses it referred to, or `None` if it was gone. The place goes last: what a
    /// crash leaves behind is found by it again.
    async fn purge_one(&self, place: Item) -> PortResult<Option<BTreeSet<BlobId>>> {
        let id: JobId = place.parsed(OPERATION, "job_id")?;
        let place = place.key(OPERATION)?;
        let Some(stored) = self.read(OPERATION, &id).await? else {
            return self.table.delete_many(OPERATION, &[place]).await.map(|()| None);
        };
        let blobs = blobs(&stored.job);
        self.free_key(&stored).await?;
        // Before the references go: a record beside a reference proves nothing, but a blob without either is an orphan.
        for blob in &blobs {
            self.table.put(OPERATION, released_item(blob)).await?;
        }
        let references = blobs.iter().map(|blob| reference_key(blob, &id));
        let rest: Vec<Key> = references.chain([list_key(&stored.job)]).collect();
        self.table.delete_many(OPERATION, &rest).await?;
        self.table.delete_many(OPERATION, &[job_key(&id), place]).await?;
        Ok(Some(blobs))
    }

    /// Removes the job's key, unless it was used for another one since.
    async fn free_key(&self, stored: &Stored) -> PortResult<()> {
        let Some(key) = stored.key.as_ref().and_then(|key| key.parse().ok()) else { return Ok(()) };
        let condition = Condition::Text("job_id", stored.job.id.to_string());
        self.table.delete_if(OPERATION, &key_key(&stored.job.owner, &key), &condition).await
    }
}
