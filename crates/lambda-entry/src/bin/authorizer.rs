//! The authorizer of both APIs. Environment: `CONNECTIONS_TABLE`; `OIDC_ISSUER` and `OIDC_AUDIENCE`, both or neither.

use aws_lambda_events::apigw::ApiGatewayCustomAuthorizerRequestTypeRequest;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use std::sync::Arc;
use tintype_aws::{DynamoCredentialRepo, clients};
use tintype_core::{
    domain::{BlobId, Clock},
    ports::CredentialRepo,
};
use tintype_lambda::{
    aside::aside,
    authorizer::{Authorizer, HttpsFetch, TokenSettings, TokenVerifier},
    logging,
    settings::Environment,
    system::SystemClock,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::default();
    logging::start(&environment);
    let authorizer = &authorizer(&environment).await?;
    run(service_fn(async |event: LambdaEvent<ApiGatewayCustomAuthorizerRequestTypeRequest>| {
        authorizer.decide(&event.payload, SystemClock.now()).await.map_err(Error::from)
    }))
    .await
}

async fn authorizer(environment: &Environment) -> Result<Authorizer, Error> {
    let table = environment.required("CONNECTIONS_TABLE")?;
    let settings =
        TokenSettings::of(environment.optional("OIDC_ISSUER"), environment.optional("OIDC_AUDIENCE"))?;
    let tokens = settings.map(|settings| TokenVerifier::new(settings, Arc::new(HttpsFetch::default())));
    let client = aws_sdk_dynamodb::Client::new(&clients::shared().await);
    let credentials = Arc::new(DynamoCredentialRepo::new(client, table));
    aside(warm(credentials.clone()));
    Ok(Authorizer::new(credentials, tokens))
}

/// Looks for what is not there: the connection stays open for the first event.
async fn warm(credentials: Arc<dyn CredentialRepo>) {
    let found = credentials.find_key(&BlobId::of(b""), SystemClock.now()).await;
    tracing::debug!(found = found.is_ok(), "the connection is open");
}
