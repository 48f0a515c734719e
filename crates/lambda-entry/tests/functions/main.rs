//! The functions on ports in memory: what API Gateway and the state machine get, and what clients hear.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod deliver;
mod metered_jobs;
mod websocket;

use tintype_core::{
    domain::{Clock, GenerateInput, Job, OwnerId},
    use_cases::{Sources, Submit, submit},
};
use tintype_memory::Memory;
use tintype_testkit::samples::alice;

/// A job of Alice's, accepted.
async fn accepted(memory: &Memory) -> Job {
    job_of(memory, alice()).await
}

async fn job_of(memory: &Memory, owner: OwnerId) -> Job {
    let input = GenerateInput { prompt: Some("red heart".to_owned()), ..GenerateInput::default() };
    let wish = Submit { owner, input, sources: Sources::default(), key: None };
    submit(&memory.ports(), wish, memory.clock.now(), &memory.entropy()).await.unwrap().job
}
