//! Takes the notices of an asynchronous endpoint. Environment: see `template.yaml`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use tintype_lambda::{
    async_result::{Notices, handle},
    compose::Stack,
    failure::{Failure, Outcome},
    logging,
    settings::Environment,
    system::{SystemClock, jitter},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::default();
    logging::start(&environment);
    let stack = &Stack::that_draws(&environment).await?;
    run(service_fn(async |event: LambdaEvent<Notices>| take(stack, &event.payload).await)).await
}

async fn take(stack: &Stack, notices: &Notices) -> Outcome<()> {
    let Some(later) = &stack.later else {
        return Err(Failure::bad_event(
            "this stack's endpoint answers at once; deploy it with ModelBackend=sagemaker-async",
        ));
    };
    handle(&stack.ports, later, notices, &SystemClock, jitter()).await
}
