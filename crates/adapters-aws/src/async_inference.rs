//! SageMaker asynchronous inference: a picture that is asked for now and told of later, by a notice over SNS. Between
//! the two, the attempt's task token waits in the jobs table, and the state machine waits for that token.

mod notice;
mod tasks;

use crate::error::port_error;
use crate::image_model::{
    ANSWER_BYTES, GENERATE, Payload, SageMakerSettings, Shape, failed, of_sentence, only_picture,
};
use async_trait::async_trait;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::error::SdkError;
use notice::{Location, Notice, Told};
use std::sync::Arc;
pub use tasks::Task;
use tasks::Tasks;
use tintype_core::domain::{GenerationRequest, Job, JobError, ModelCard};
use tintype_core::ports::{Drawn, DrawnImage, ImageModel, SourceBytes};
use tintype_core::{ErrorKind, PortError, PortResult};

const INVOKE: &str = "AsyncInference::invoke";
const COLLECT: &str = "AsyncInference::collect";
const FINISH_TASK: &str = "AsyncInference::finish_task";
const FAIL_TASK: &str = "AsyncInference::fail_task";
/// The longest name of an error that Step Functions takes, in characters.
const ERROR_CHARS: usize = 256;
/// The longest cause that is told; Step Functions would take more.
const CAUSE_CHARS: usize = 1_000;

/// The clients of the services that take part.
#[derive(Clone, Debug)]
pub struct AsyncClients {
    /// Asks the endpoint.
    pub sagemaker: aws_sdk_sagemakerruntime::Client,
    /// Holds what is asked and answered.
    pub s3: aws_sdk_s3::Client,
    /// Holds the task tokens.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Waits for the tokens.
    pub sfn: aws_sdk_sfn::Client,
}

/// Where an asynchronous endpoint and what goes with it are.
#[derive(Clone, Debug)]
pub struct AsyncSettings {
    /// The endpoint. Nothing can be tried with it: `auto` asks in the shape `diffusers`; answers of any form are read.
    pub model: SageMakerSettings,
    /// The bucket for what is asked, below `async/in/`.
    pub bucket: String,
    /// The table of jobs.
    pub jobs_table: String,
}

/// Asks an asynchronous endpoint, and reads what it tells later.
///
/// # Contract
/// - The token is stored before the endpoint is asked, so that no notice comes too early.
/// - A later attempt's token takes the place of an earlier one's, never the other way round; a notice of an attempt that
///   was overtaken is [`Collected::Nothing`].
/// - A notice is answered in the same way until its task was finished or failed, and then is [`Collected::Nothing`]: a
///   crash in between loses nothing, and a notice that comes twice does nothing twice.
#[derive(Clone, Debug)]
pub struct AsyncInference {
    clients: AsyncClients,
    endpoint: String,
    shape: Shape,
    bucket: String,
    tasks: Tasks,
    card: Arc<ModelCard>,
}

/// What a notice meant.
#[derive(Debug)]
pub enum Collected {
    /// The attempt came to an end.
    Answered(Box<Answered>),
    /// It is about nothing that is waited for.
    Nothing,
}

/// How an attempt came to an end.
#[derive(Debug)]
pub struct Answered {
    /// The attempt, with the job as it was begun.
    pub task: Task,
    /// Its picture, or why there is none: for [`settle_job`](tintype_core::use_cases::settle_job).
    pub drawn: Result<Vec<DrawnImage>, JobError>,
}

impl AsyncInference {
    /// The endpoint of these settings.
    pub fn new(clients: AsyncClients, settings: AsyncSettings) -> Self {
        let AsyncSettings { model, bucket, jobs_table } = settings;
        let model = model.answering_later();
        Self {
            tasks: Tasks::new(clients.dynamodb.clone(), jobs_table),
            shape: model.shape.without_trying(),
            endpoint: model.endpoint,
            card: Arc::new(model.card),
            clients,
            bucket,
        }
    }

    /// Asks for the picture of `job`, as [`begin_job`](tintype_core::use_cases::begin_job) gave it. What comes of it is
    /// told to [`collect`](Self::collect).
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if a later attempt has taken over, [`Invalid`](ErrorKind::Invalid) if the
    /// endpoint can't be asked for it, and those of every call. It can be repeated.
    pub async fn invoke(&self, job: &Job, source: Option<SourceBytes>, task_token: &str) -> PortResult<()> {
        if source.is_some() || job.request.count != 1 {
            let message = "an asynchronous endpoint draws one picture per job, from noise only";
            return Err(PortError::new(ErrorKind::Invalid, INVOKE, message));
        }
        let payload = Payload::of(self.shape, &job.request, job.request.seed)?;
        let input = Location { bucket: self.bucket.clone(), key: notice::input_key(&job.id, job.attempts) };
        self.put(&input, payload.body, payload.content_type).await?;
        self.tasks.put(job, task_token).await?;
        let asked = self
            .clients
            .sagemaker
            .invoke_endpoint_async()
            .endpoint_name(&self.endpoint)
            .inference_id(job.id.to_string())
            .input_location(input.to_string())
            .content_type(payload.content_type)
            .accept(payload.accept)
            .send()
            .await
            .map_err(|error| failed(error).into_error())?;
        match asked.output_location() {
            Some(location) => self.tasks.note_output(job, location).await,
            None => Ok(()),
        }
    }

    async fn put(&self, to: &Location, body: Vec<u8>, content_type: &str) -> PortResult<()> {
        let put = self.clients.s3.put_object().bucket(&to.bucket).key(&to.key).content_type(content_type);
        put.body(ByteStream::from(body))
            .send()
            .await
            .map_err(|error| port_error(INVOKE, error, in_bucket))?;
        Ok(())
    }

    /// What the text of a notice means. Repeat it until the task is finished or failed.
    ///
    /// # Errors
    /// [`Data`](ErrorKind::Data) if the text is no notice of an inference, and those of every call. Have the notice
    /// delivered again.
    pub async fn collect(&self, notice: &str) -> PortResult<Collected> {
        let notice = Notice::parse(notice)?;
        let Some((job_id, attempt)) = notice.attempt() else { return Ok(Collected::Nothing) };
        let found = self.tasks.find(&job_id).await?;
        let Some(task) = found.filter(|task| task.job.attempts == attempt) else {
            return Ok(Collected::Nothing);
        };
        let drawn = match notice.told()? {
            Told::Completed(location) => self.picture(&location, &task.job.request).await?,
            Told::Failed { reason, location } => {
                let words = self.words(location).await.unwrap_or_default();
                Err(JobError::of(&of_sentence(&format!("{reason} {words}"))))
            }
        };
        let drawn = drawn.map(|picture| vec![picture]);
        Ok(Collected::Answered(Box::new(Answered { task, drawn })))
    }

    /// The picture at `location`. That it can't be fetched just now is this call's failure; what is wrong with it is the
    /// attempt's.
    async fn picture(
        &self,
        location: &Location,
        request: &GenerationRequest,
    ) -> PortResult<Result<DrawnImage, JobError>> {
        let drawn = match self.fetch(location).await {
            Ok(body) => only_picture(body, request.clone()).await,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Data) => Err(error),
            Err(error) => return Err(error),
        };
        Ok(drawn.map_err(|error| JobError::of(&error)))
    }

    async fn fetch(&self, Location { bucket, key }: &Location) -> PortResult<Vec<u8>> {
        let object = self.clients.s3.get_object().bucket(bucket).key(key).send().await;
        let object = object.map_err(|error| port_error(COLLECT, error, in_bucket))?;
        if object.content_length().is_some_and(|length| length > ANSWER_BYTES as i64) {
            let message =
                format!("the model's answer is larger than {ANSWER_BYTES} bytes; ask for a smaller picture");
            return Err(PortError::new(ErrorKind::Data, COLLECT, message));
        }
        let bytes = object.body.collect().await.map_err(|error| {
            PortError::new(ErrorKind::Unavailable, COLLECT, "the model's answer was cut off")
                .with_source(error)
        })?;
        Ok(bytes.to_vec())
    }

    /// The model's own words about its failure, where they can be had.
    async fn words(&self, location: Option<Location>) -> Option<String> {
        let body = self.fetch(&location?).await.ok()?;
        Some(String::from_utf8_lossy(&body).into_owned())
    }

    /// Lets the state machine that waits with this token go on with `output`, JSON: for an attempt in which nobody was
    /// asked. One that is over already is success.
    ///
    /// # Errors
    /// Those of every call; it can be repeated.
    pub async fn finish(&self, task_token: &str, output: &str) -> PortResult<()> {
        let sent = self.clients.sfn.send_task_success().task_token(task_token).output(output).send().await;
        match sent {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(answer))
                if answer.err().is_task_timed_out() || answer.err().is_task_does_not_exist() =>
            {
                Ok(())
            }
            Err(error) => Err(port_error(FINISH_TASK, error, of_tasks)),
        }
    }

    /// Lets the state machine go on with `output`, JSON, and forgets the task. One that is over already is success.
    ///
    /// # Errors
    /// Those of every call; it can be repeated.
    pub async fn finish_task(&self, task: &Task, output: &str) -> PortResult<()> {
        let sent = self.clients.sfn.send_task_success().task_token(&task.token).output(output).send().await;
        match sent {
            Ok(_) => {}
            Err(SdkError::ServiceError(answer))
                if answer.err().is_task_timed_out() || answer.err().is_task_does_not_exist() => {}
            Err(error) => return Err(port_error(FINISH_TASK, error, of_tasks)),
        }
        self.tasks.remove(&task.job).await
    }

    /// Lets the state machine go on as after an error of this name, and forgets the task. One that is over already is
    /// success.
    ///
    /// # Errors
    /// Those of every call; it can be repeated.
    pub async fn fail_task(&self, task: &Task, error: &str, cause: &str) -> PortResult<()> {
        let first = |text: &str, chars| text.chars().take(chars).collect::<String>();
        let failure = self.clients.sfn.send_task_failure().task_token(&task.token);
        let failure = failure.error(first(error, ERROR_CHARS)).cause(first(cause, CAUSE_CHARS));
        match failure.send().await {
            Ok(_) => {}
            Err(SdkError::ServiceError(answer))
                if answer.err().is_task_timed_out() || answer.err().is_task_does_not_exist() => {}
            Err(error) => return Err(port_error(FAIL_TASK, error, of_tasks)),
        }
        self.tasks.remove(&task.job).await
    }
}

/// So that requests are checked against its card; it is asked with [`AsyncInference::invoke`].
#[async_trait]
impl ImageModel for AsyncInference {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    async fn generate(&self, _: &GenerationRequest, _: Option<SourceBytes>) -> PortResult<Drawn> {
        let message = "this model answers later: ask it with AsyncInference::invoke";
        Err(PortError::new(ErrorKind::Internal, GENERATE, message))
    }
}

/// S3's codes, beside those that every service has.
fn in_bucket(code: &str) -> Option<ErrorKind> {
    match code {
        "NoSuchKey" => Some(ErrorKind::NotFound),
        "NoSuchBucket" | "AllAccessDisabled" => Some(ErrorKind::Denied),
        _ => None,
    }
}

/// Step Functions' codes, beside those that every service has.
fn of_tasks(code: &str) -> Option<ErrorKind> {
    match code {
        "KmsThrottlingException" => Some(ErrorKind::Throttled),
        "KmsAccessDeniedException" | "KmsInvalidStateException" => Some(ErrorKind::Denied),
        _ => None,
    }
}
