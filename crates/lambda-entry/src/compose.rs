//! The composition root: which adapter stands behind each port of a function. Clients are made once, and their
//! connections opened while the runtime asks for its first event.

use crate::{
    aside::aside,
    metered_jobs::MeteredJobs,
    metrics::Metrics,
    settings::{BadSetting, Environment, Stores},
    system::SystemClock,
};
use async_trait::async_trait;
use std::sync::Arc;
use tintype_aws::{
    ApiGatewayNotifier, AsyncClients, AsyncInference, AsyncSettings, AwsIntegrity, BedrockModel,
    BedrockSettings, CloudLinkSigner, DynamoCollectionRepo, DynamoConnectionRegistry, DynamoJobRepo,
    DynamoMetadataRepo, S3ImageStore, SageMakerModel, SageMakerSettings, StepFunctionsWorkflow, clients,
};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{BlobId, Clock, Entropy, GenerationRequest, JobId, ModelCard, ModelName, OwnerId, Timestamp},
    ports::{Drawn, ImageModel, Models, Ports, SourceBytes},
};

/// What a function runs on.
#[derive(Debug)]
pub struct Stack {
    /// The ports.
    pub ports: Ports,
    /// Whether the tables are those that the objects in the bucket were stored with.
    pub integrity: Arc<AwsIntegrity>,
    /// The endpoint that answers later, where the stack has one.
    pub later: Option<Arc<AsyncInference>>,
    /// The stores' names.
    pub stores: Stores,
    /// What the stack counts.
    pub metrics: Metrics,
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
}

impl Stack {
    /// Builds everything from `environment`, the model too, and begins to open connections.
    ///
    /// # Errors
    /// The variable that is missing or wrong.
    pub async fn that_draws(environment: &Environment) -> Result<Self, BadSetting> {
        let (mut stack, clients) = Self::build(environment).await?;
        let (model, later) = model(environment, &stack, clients)?;
        stack.ports.models = Models::new(model);
        stack.later = later;
        Ok(stack)
    }

    /// Builds everything, of the model only its card: for the function that takes requests, and is smaller for it.
    ///
    /// # Errors
    /// As [`that_draws`](Self::that_draws).
    pub async fn that_takes_requests(environment: &Environment) -> Result<Self, BadSetting> {
        let (mut stack, _) = Self::build(environment).await?;
        let card = card(&environment.required("MODEL_BACKEND")?, environment)?;
        stack.ports.models = Models::new(Arc::new(Elsewhere(card)));
        Ok(stack)
    }

    /// Builds everything but the model: for functions that neither draw nor take requests, and so need no setting of it.
    ///
    /// # Errors
    /// As [`that_draws`](Self::that_draws).
    pub async fn that_tells(environment: &Environment) -> Result<Self, BadSetting> {
        Self::build(environment).await.map(|(stack, _)| stack)
    }

    async fn build(environment: &Environment) -> Result<(Self, Clients), BadSetting> {
        let stores = Stores::read(environment)?;
        let metrics = Metrics::new(environment.required("STACK_NAME")?);
        let config = clients::shared().await;
        let dynamodb = aws_sdk_dynamodb::Client::new(&config);
        let s3 = aws_sdk_s3::Client::new(&config);
        let sfn = aws_sdk_sfn::Client::new(&config);
        let jobs = Arc::new(DynamoJobRepo::new(dynamodb.clone(), &stores.jobs_table));
        let integrity = Arc::new(AwsIntegrity::new(
            s3.clone(),
            &stores.images_bucket,
            &dynamodb,
            &stores.jobs_table,
            &stores.images_table,
        ));
        let ports = Ports {
            models: Models::none(),
            images: Arc::new(S3ImageStore::new(s3.clone(), &stores.images_bucket)),
            metadata: Arc::new(DynamoMetadataRepo::new(dynamodb.clone(), &stores.images_table)),
            collections: Arc::new(DynamoCollectionRepo::new(dynamodb.clone(), &stores.images_table)),
            jobs: Arc::new(MeteredJobs::new(jobs, metrics.clone())),
            connections: Arc::new(DynamoConnectionRegistry::new(dynamodb.clone(), &stores.connections_table)),
            notifier: Arc::new(ApiGatewayNotifier::new(management(&config, &stores))),
            workflow: Arc::new(StepFunctionsWorkflow::new(sfn.clone(), &stores.state_machine_arn)),
            integrity: integrity.clone(),
            links: Arc::new(match &stores.cdn_domain {
                Some(domain) => CloudLinkSigner::cdn(domain),
                None => CloudLinkSigner::presigned(s3.clone(), &stores.images_bucket),
            }),
            signer: None,
        };
        aside(warm(ports.clone()));
        Ok((Self { ports, integrity, later: None, stores, metrics, dynamodb }, Clients { config, s3, sfn }))
    }
}

/// What a model may need beside what the stack holds.
struct Clients {
    config: aws_config::SdkConfig,
    s3: aws_sdk_s3::Client,
    sfn: aws_sdk_sfn::Client,
}

/// Open connections belong to one API and stage: its own endpoint, whatever the region's is.
fn management(config: &aws_config::SdkConfig, stores: &Stores) -> aws_sdk_apigatewaymanagement::Client {
    let endpoint =
        aws_sdk_apigatewaymanagement::config::Builder::from(config).endpoint_url(&stores.websocket_endpoint);
    aws_sdk_apigatewaymanagement::Client::from_conf(endpoint.build())
}

/// A model that draws in another function.
#[derive(Debug)]
struct Elsewhere(ModelCard);

#[async_trait]
impl ImageModel for Elsewhere {
    fn card(&self) -> &ModelCard {
        &self.0
    }

    async fn generate(&self, _: &GenerationRequest, _: Option<SourceBytes>) -> PortResult<Drawn> {
        let message = "this function takes requests; generate-image draws";
        Err(PortError::new(ErrorKind::Internal, "ImageModel::generate", message))
    }
}

/// What the model behind this back end can do.
fn card(back_end: &str, environment: &Environment) -> Result<ModelCard, BadSetting> {
    match back_end {
        "sagemaker" => Ok(endpoint(environment)?.card),
        "sagemaker-async" => Ok(endpoint(environment)?.answering_later().card),
        "bedrock" => Ok(bedrock(environment)?.card().clone()),
        given => Err(no_back_end(given)),
    }
}

fn bedrock(environment: &Environment) -> Result<BedrockSettings, BadSetting> {
    let name = model_name(environment)?;
    environment.parsed("BEDROCK_MODEL_ID", "a model that this version knows", |id| {
        BedrockSettings::new(id, name).ok()
    })
}

fn no_back_end(given: &str) -> BadSetting {
    BadSetting::Wrong {
        name: "MODEL_BACKEND",
        expected: "sagemaker, sagemaker-async or bedrock".to_owned(),
        given: given.to_owned(),
    }
}

type Chosen = (Arc<dyn ImageModel>, Option<Arc<AsyncInference>>);

fn model(
    environment: &Environment,
    stack: &Stack,
    Clients { config, s3, sfn }: Clients,
) -> Result<Chosen, BadSetting> {
    match environment.required("MODEL_BACKEND")?.as_str() {
        "sagemaker" => {
            let client = aws_sdk_sagemakerruntime::Client::new(&config);
            Ok((Arc::new(SageMakerModel::new(client, endpoint(environment)?)), None))
        }
        "sagemaker-async" => {
            let (sagemaker, dynamodb) =
                (aws_sdk_sagemakerruntime::Client::new(&config), stack.dynamodb.clone());
            let clients = AsyncClients { sagemaker, s3, dynamodb, sfn };
            let Stores { images_bucket: bucket, jobs_table, .. } = stack.stores.clone();
            let settings = AsyncSettings { model: endpoint(environment)?, bucket, jobs_table };
            let later = Arc::new(AsyncInference::new(clients, settings));
            Ok((later.clone(), Some(later)))
        }
        "bedrock" => {
            let client = aws_sdk_bedrockruntime::Client::new(&config);
            Ok((Arc::new(BedrockModel::new(client, bedrock(environment)?)), None))
        }
        given => Err(no_back_end(given)),
    }
}

fn model_name(environment: &Environment) -> Result<ModelName, BadSetting> {
    environment.parsed("MODEL_NAME", "a model's name, as in sd-2.1", |name| name.parse().ok())
}

fn endpoint(environment: &Environment) -> Result<SageMakerSettings, BadSetting> {
    let name = model_name(environment)?;
    let side = environment.parsed("MODEL_SIDE", "pixels, in steps of 64", |side| {
        side.parse::<u32>().ok().filter(|side| side.is_multiple_of(64))
    })?;
    let shapes = "auto, text, diffusers, stability-v1, artifacts or stability-v3";
    let shape = environment.parsed("SAGEMAKER_SHAPE", shapes, |shape| shape.parse().ok())?;
    let mut settings = SageMakerSettings::stable_diffusion(environment.required("SAGEMAKER_ENDPOINT")?, name);
    for range in [&mut settings.card.width, &mut settings.card.height] {
        range.default = side;
        range.min = range.min.min(side);
        range.max = range.max.max(side);
    }
    settings.shape = shape;
    Ok(settings)
}

/// Looks for what is not there: the connections stay open for the first event. What fails is met again by the event.
async fn warm(ports: Ports) {
    let (nothing, start) = (Entropy([0; 32]), Timestamp::from_millis(0));
    let (owner, job, blob) = (OwnerId::local(), JobId::new(start, &nothing), BlobId::of(b""));
    let (found, stored) =
        tokio::join!(ports.jobs.find(&owner, &job, SystemClock.now()), ports.images.find(&blob));
    tracing::debug!(jobs = found.is_ok(), images = stored.is_ok(), "connections are open");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        let value = match name {
            "MODEL_NAME" => "draw",
            "MODEL_SIDE" => "128",
            "SAGEMAKER_SHAPE" => "text",
            "SAGEMAKER_ENDPOINT" => "endpoint",
            "BEDROCK_MODEL_ID" => "amazon.titan-image-generator-v2:0",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn requests_are_checked_against_the_card_of_the_back_end() {
        let pictures = |back_end| {
            let card = card(back_end, &Environment::new(environment))?;
            Ok::<_, BadSetting>((card.name.to_string(), card.count.max))
        };
        assert_eq!(pictures("sagemaker").unwrap(), ("draw".to_owned(), 4));
        assert_eq!(pictures("sagemaker-async").unwrap(), ("draw".to_owned(), 1));
        assert_eq!(pictures("bedrock").unwrap().0, "draw");
        assert!(pictures("replicate").unwrap_err().to_string().contains("MODEL_BACKEND"));
    }

    #[test]
    fn the_side_that_is_drawn_by_default_is_one_that_can_be_asked_for() {
        let settings = endpoint(&Environment::new(environment)).unwrap();
        let side = settings.card.width;
        assert_eq!((side.min, side.default, settings.card.name.as_str()), (128, 128, "draw"));
    }

    #[test]
    fn a_shape_that_is_none_is_named_with_its_variable() {
        let wrong = Environment::new(|name| match name {
            "SAGEMAKER_SHAPE" => Some("sdxl".to_owned()),
            other => environment(other),
        });
        let text = endpoint(&wrong).unwrap_err().to_string();
        assert!(text.contains("SAGEMAKER_SHAPE") && text.contains("stability-v3"), "{text}");
    }
}
