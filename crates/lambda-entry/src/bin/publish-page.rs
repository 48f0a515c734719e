//! CloudFormation's custom resource for the gallery's page. Environment: `IMAGES_BUCKET`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use tintype_aws::clients;
use tintype_lambda::{
    logging,
    publish_page::{Event, handle},
    settings::Environment,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::default();
    logging::start(&environment);
    let bucket = &environment.required("IMAGES_BUCKET")?;
    let client = &aws_sdk_s3::Client::new(&clients::shared().await);
    run(service_fn(async |event: LambdaEvent<Event>| handle(client, bucket, &event.payload).await)).await
}
