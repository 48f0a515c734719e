//! The REST API's function: the router through lambda_http. Environment: see `template.yaml`.

use axum::response::{IntoResponse, Response};
use lambda_http::{Error, Request, run, service_fn};
use std::{convert::Infallible, sync::Arc};
use tintype_aws::{DynamoCredentialRepo, cursor_secret};
use tintype_core::{
    PortResult,
    domain::{Clock, CursorCodec},
};
use tintype_http::{Access, Allowed, Api, Problem};
use tintype_lambda::{
    aside::aside,
    compose::Stack,
    logging,
    rest_api::{self, PublicApi},
    settings::Environment,
    system::{self, SystemClock},
};
use tokio::sync::OnceCell;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::default();
    logging::start(&environment);
    let function = Arc::new(Function::build(&environment).await?);
    let ahead = function.clone();
    // If it fails, the first request tries again, and tells.
    aside(async move { drop(ahead.api().await) });
    let function = &function;
    run(service_fn(async |request: Request| Ok::<_, Infallible>(function.handle(request).await))).await
}

/// The function. Its API is made by the first who needs it: the secret of its cursors is read from the table.
struct Function {
    stack: Stack,
    allowed: Allowed,
    url: Option<String>,
    api: OnceCell<PublicApi>,
}

impl Function {
    async fn build(environment: &Environment) -> Result<Self, Error> {
        let origins = environment.optional("ALLOWED_ORIGINS").unwrap_or_default();
        let origins = origins.split(',').map(|origin| origin.trim().to_owned()).collect();
        Ok(Self {
            stack: Stack::that_takes_requests(environment).await?,
            allowed: Allowed { origins, ..Allowed::default() },
            url: environment.optional("PUBLIC_URL"),
            api: OnceCell::new(),
        })
    }

    async fn handle(&self, request: Request) -> Response {
        let Ok(response) = match self.api().await {
            Ok(api) => api.handle(request).await,
            Err(error) => Ok(Problem::from(error).into_response()),
        };
        response
    }

    async fn api(&self) -> PortResult<&PublicApi> {
        self.api.get_or_try_init(async || Ok(PublicApi::new(self.make().await?, self.url.clone()))).await
    }

    async fn make(&self) -> PortResult<Api> {
        let Stack { ports, stores, dynamodb, .. } = &self.stack;
        let secret = cursor_secret(dynamodb, &stores.jobs_table, system::entropy().0).await?;
        let credentials = Arc::new(DynamoCredentialRepo::new(dynamodb.clone(), &stores.connections_table));
        let (clock, entropy): (Arc<dyn Clock>, _) = (Arc::new(SystemClock), Arc::new(system::entropy));
        let api = Api::new(ports.clone(), clock, entropy, CursorCodec::new(secret), Access::Trusted);
        Ok(api
            .with_credentials(credentials)
            .with_allowed(self.allowed.clone())
            .with_redirect_over(rest_api::ANSWER_BYTES))
    }
}
