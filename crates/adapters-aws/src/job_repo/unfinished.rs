//! The jobs of all owners that have not ended, read from the shards side by side.

use super::{
    DynamoJobRepo,
    records::{SHARDS, open_partition},
};
use crate::dynamodb::{Bounds, Stretch};
use futures_util::future::try_join_all;
use tintype_core::{
    PortResult,
    domain::{Job, JobId, Timestamp},
};

const OPERATION: &str = "JobRepo::unfinished";

impl DynamoJobRepo {
    pub(super) async fn unfinished_jobs(
        &self,
        accepted_before: Timestamp,
        mut after: Option<JobId>,
        limit: u32,
    ) -> PortResult<Vec<Job>> {
        let mut jobs = Vec::new();
        let fits = |job: &Job| !job.status.is_terminal() && job.created_at < accepted_before;
        while jobs.len() < limit as usize {
            let ids = self.open_ids(after, limit).await?;
            jobs.extend(self.read_many(OPERATION, &ids).await?.into_iter().filter(fits));
            after = ids.last().copied();
            if ids.len() < limit as usize {
                break;
            }
        }
        jobs.truncate(limit as usize);
        Ok(jobs)
    }

    /// The next ids after `after`, in order.
    async fn open_ids(&self, after: Option<JobId>, limit: u32) -> PortResult<Vec<JobId>> {
        let shards = (0..SHARDS).map(|shard| async move {
            let bounds = after.map_or(Bounds::All, |after| Bounds::After(after.to_string()));
            let stretch = Stretch::of(open_partition(shard), bounds);
            self.table.query(OPERATION, &stretch, Some(limit)).await
        });
        let items = try_join_all(shards).await?.into_iter().flatten();
        let mut ids = items.map(|item| item.parsed(OPERATION, "job_id")).collect::<PortResult<Vec<_>>>()?;
        ids.sort();
        ids.truncate(limit as usize);
        Ok(ids)
    }
}
