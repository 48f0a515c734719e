//! The state machine as far as functions see it: which are called, again and in which order. That the definition says
//! the same is tested in `tests/aws`.

use crate::world::World;
use async_trait::async_trait;
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tintype_core::{
    PortResult,
    domain::{Job, JobId, Timestamp},
    ports::{Place, QueueCounts, Workflow},
};
use tintype_lambda::{
    async_result, deliver,
    generate_image::{self, Later},
};

/// How often a step is tried that fails for a while.
const TRIES: u32 = 4;

/// The executions that were started, by their jobs.
#[derive(Debug, Default)]
pub(crate) struct Executions(Mutex<BTreeSet<JobId>>);

impl Executions {
    pub(crate) fn started(&self) -> BTreeSet<JobId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Workflow for Executions {
    async fn start(&self, job: &Job) -> PortResult<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(job.id);
        Ok(())
    }

    async fn cancel(&self, _: &JobId) -> PortResult<()> {
        Ok(())
    }

    async fn place(&self, _: &Job, _: Timestamp) -> PortResult<Option<Place>> {
        Ok(None)
    }

    async fn queue(&self, _: Timestamp) -> PortResult<Option<QueueCounts>> {
        Ok(None)
    }
}

/// Runs the execution of `job_id` to its end.
pub(crate) async fn execute(world: &World, job_id: JobId) {
    for _ in 0..TRIES {
        let attempt = async || generate_image::attempt(world.ports(), job_id, &world.memory.clock, 0.5).await;
        match world.call(attempt).await {
            Ok(_) => return,
            Err(failure) if matches!(failure.name, "Throttled" | "Unavailable") => {
                world.memory.clock.pass(Duration::from_secs(120));
            }
            Err(failure) if failure.name == "Undelivered" => return tell(world, job_id, None).await,
            Err(failure) => return tell(world, job_id, Some(failure.name.to_owned())).await,
        }
    }
    tell(world, job_id, Some("Unavailable".to_owned())).await;
}

/// Runs the execution of `job_id` to its end, with an endpoint that answers later. Each notice comes twice.
pub(crate) async fn execute_later(world: &World, job_id: JobId) {
    for turn in 0..TRIES {
        let token = format!("token-{turn}");
        let begin = async || {
            let task = (job_id, token.as_str());
            generate_image::begin_later(world.ports(), world.later(), task, &world.memory.clock, 0.5).await
        };
        let error = match world.call(begin).await {
            Ok(Later::Over(_)) => return,
            Ok(Later::Asked) => wait(world, &token).await,
            Err(failure) => Some(failure.name.to_owned()),
        };
        match error.as_deref() {
            None => return,
            Some("Throttled" | "Unavailable") => world.memory.clock.pass(Duration::from_secs(120)),
            Some("Undelivered") => return tell(world, job_id, None).await,
            Some(error) => return tell(world, job_id, Some(error.to_owned())).await,
        }
    }
    tell(world, job_id, Some("Unavailable".to_owned())).await;
}

/// Waits for the task of `token`: the error it failed with.
async fn wait(world: &World, token: &str) -> Option<String> {
    for notices in world.answer().await {
        for _ in 0..2 {
            let take = async || {
                async_result::handle(world.ports(), world.later(), &notices, &world.memory.clock, 0.5).await
            };
            world.call(take).await.unwrap();
        }
    }
    // The first word counts: Step Functions refuses any other.
    let told = world.wire.told().into_iter().find(|told| told.token == token);
    told.expect("the task was ended").error
}

/// `Deliver`, or with an error `GiveUp`.
async fn tell(world: &World, job_id: JobId, error: Option<String>) {
    let task = deliver::Task { job_id, error, cause: None };
    world
        .call(async || deliver::handle(world.ports(), task.clone(), &world.memory.clock).await)
        .await
        .unwrap();
}
