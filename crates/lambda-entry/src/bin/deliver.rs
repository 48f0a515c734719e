//! Tells the listeners of a job, or gives a job up, for the state machine. Environment: see `template.yaml`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use tintype_lambda::{
    compose::Stack,
    deliver::{Task, handle},
    logging,
    settings::Environment,
    system::SystemClock,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::default();
    logging::start(&environment);
    let ports = &Stack::that_tells(&environment).await?.ports;
    run(service_fn(async |event: LambdaEvent<Task>| handle(ports, event.payload, &SystemClock).await)).await
}
