//! The REST API's function: the router through lambda_http. Environment: see `template.yaml`.

use lambda_http::{Error, Request, run, service_fn};
use std::sync::Arc;
use tintype_aws::{DynamoCredentialRepo, cursor_secret};
use tintype_core::domain::{Clock, CursorCodec};
use tintype_http::{Access, Allowed, Api};
use tintype_lambda::{
    compose::Stack,
    logging,
    rest_api::{self, PublicApi},
    settings::Environment,
    system::{self, SystemClock},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::default();
    logging::start(&environment);
    let api = &PublicApi::new(api(&environment).await?, environment.optional("PUBLIC_URL"));
    run(service_fn(async |request: Request| api.handle(request).await)).await
}

async fn api(environment: &Environment) -> Result<Api, Error> {
    let Stack { ports, stores, dynamodb, .. } = Stack::that_draws(environment).await?;
    let secret = cursor_secret(&dynamodb, &stores.jobs_table, system::entropy().0).await?;
    let credentials = Arc::new(DynamoCredentialRepo::new(dynamodb, stores.connections_table));
    let origins = environment.optional("ALLOWED_ORIGINS").unwrap_or_default();
    let origins = origins.split(',').map(|origin| origin.trim().to_owned()).collect();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let api = Api::new(ports, clock, Arc::new(system::entropy), CursorCodec::new(secret), Access::Trusted)
        .with_credentials(credentials)
        .with_allowed(Allowed { origins, ..Allowed::default() })
        .with_redirect_over(rest_api::ANSWER_BYTES);
    Ok(api)
}
