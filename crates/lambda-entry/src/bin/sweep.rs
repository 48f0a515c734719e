//! The sweep, every minute. Environment: see `template.yaml`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use tintype_aws::Executions;
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
    let keeps = environment.parsed("WORKFLOW_TYPE", "STANDARD or EXPRESS", |kind| match kind {
        "STANDARD" => Some(true),
        "EXPRESS" => Some(false),
        _ => None,
    })?;
    let Stack { ports, stores, metrics, sfn, .. } = &Stack::that_tells(&environment).await?;
    let executions = &keeps.then(|| Executions::new(sfn.clone(), &stores.state_machine_arn));
    run(service_fn(async |_: LambdaEvent<Value>| {
        let swept = handle(ports, executions.as_ref(), metrics, SystemClock.now(), &entropy()).await;
        swept.map(|swept| format!("{swept:?}"))
    }))
    .await
}
