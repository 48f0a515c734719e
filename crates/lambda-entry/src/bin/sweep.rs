//! The sweep, every minute. Environment: see `template.yaml`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use tintype_core::domain::Clock;
use tintype_lambda::{
    compose::Stack,
    logging,
    settings::Environment,
    sweep::handle,
    system::{SystemClock, entropy},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::default();
    logging::start(&environment);
    let Stack { ports, metrics, integrity, .. } = &Stack::that_tells(&environment).await?;
    run(service_fn(async |event: LambdaEvent<Value>| {
        if event.payload["confirm"] == true {
            integrity.accept().await?;
            tracing::warn!("an operator confirmed the tables: the sweep deletes again");
        }
        let swept = handle(ports, metrics, SystemClock.now(), &entropy()).await;
        swept.map(|swept| format!("{swept:?}"))
    }))
    .await
}
