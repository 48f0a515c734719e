//! One attempt at a job, for the state machine. Environment: see `template.yaml`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use tintype_lambda::{
    compose::Stack,
    failure::Outcome,
    generate_image::{Ended, Later, Task, attempt, begin_later},
    logging,
    settings::Environment,
    system::{SystemClock, jitter},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::default();
    logging::start(&environment);
    let stack = &Stack::that_draws(&environment).await?;
    run(service_fn(async |event: LambdaEvent<Task>| handle(stack, event.payload).await)).await
}

async fn handle(stack: &Stack, task: Task) -> Outcome<Option<Ended>> {
    let Task { job_id, task_token } = task;
    match (&stack.later, task_token) {
        (Some(later), Some(token)) => {
            let begun = begin_later(&stack.ports, later, (job_id, &token), &SystemClock, jitter()).await?;
            match begun {
                Later::Asked => Ok(None),
                Later::Over(ended) => {
                    later.finish(&token, &serde_json::json!(ended).to_string()).await?;
                    Ok(Some(ended))
                }
            }
        }
        _ => attempt(&stack.ports, job_id, &SystemClock, jitter()).await.map(Some),
    }
}
