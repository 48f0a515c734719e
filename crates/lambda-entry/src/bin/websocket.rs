//! The WebSocket API's function. Environment: see `template.yaml`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use tintype_core::domain::Clock;
use tintype_lambda::{compose::Stack, logging, settings::Environment, system::SystemClock, websocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::default();
    logging::start(&environment);
    let ports = &Stack::that_tells(&environment).await?.ports;
    run(service_fn(async |event: LambdaEvent<websocket::Event>| {
        websocket::handle(ports, &event.payload, SystemClock.now()).await
    }))
    .await
}
