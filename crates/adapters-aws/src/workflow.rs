//! [`Workflow`] on Step Functions: one execution per job, under the job's id. What the execution does is told by the
//! state machine's definition, not here.

use crate::error::port_error;
use async_trait::async_trait;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};
use serde::{Deserialize, Serialize};
use tintype_core::domain::{Job, JobId, Timestamp};
use tintype_core::ports::{Place, Workflow};
use tintype_core::{ErrorKind, PortError, PortResult};

const START: &str = "Workflow::start";
const CANCEL: &str = "Workflow::cancel";

/// Starts and stops executions of one Standard state machine.
///
/// Step Functions keeps no line, so that [`place`](Workflow::place) always is `None`, and it takes no turns between
/// owners: every execution runs at once, as far as the account's concurrency goes.
#[derive(Clone, Debug)]
pub struct StepFunctionsWorkflow {
    client: Client,
    state_machine_arn: String,
}

/// What an execution is given: a reference, never the request itself.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Input {
    job_id: JobId,
}

impl StepFunctionsWorkflow {
    /// A workflow on this state machine.
    pub fn new(client: Client, state_machine_arn: impl Into<String>) -> Self {
        Self { client, state_machine_arn: state_machine_arn.into() }
    }

    /// The execution's ARN differs from its machine's in one word and the name at its end. A version or alias of the
    /// machine is not part of it.
    fn execution_arn(&self, id: &JobId) -> String {
        let mut parts: Vec<_> = self.state_machine_arn.split(':').take(7).collect();
        if let Some(kind) = parts.get_mut(5) {
            *kind = "execution";
        }
        format!("{}:{id}", parts.join(":"))
    }

    /// The name is taken, for ninety days after the execution's end too. That is success if it was taken for this job.
    async fn check_same(&self, id: &JobId) -> PortResult<()> {
        let arn = self.execution_arn(id);
        let described = self.client.describe_execution().execution_arn(arn).send().await;
        let described = described.map_err(|error| port_error(START, error, describing))?;
        let stored = described.input().and_then(|input| serde_json::from_str::<Input>(input).ok());
        if stored == Some(Input { job_id: *id }) {
            return Ok(());
        }
        let message = format!(
            "the execution {id} was started with another input, by something other than this program; start a new job"
        );
        Err(PortError::new(ErrorKind::Internal, START, message))
    }
}

#[async_trait]
impl Workflow for StepFunctionsWorkflow {
    async fn start(&self, job: &Job) -> PortResult<()> {
        let input = serde_json::to_string(&Input { job_id: job.id }).map_err(|error| {
            PortError::new(ErrorKind::Internal, START, "the input can't be written as JSON")
                .with_source(error)
        })?;
        let started = self
            .client
            .start_execution()
            .state_machine_arn(&self.state_machine_arn)
            .name(job.id.to_string())
            .input(input)
            .send()
            .await;
        match started {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(answer)) if answer.err().is_execution_already_exists() => {
                self.check_same(&job.id).await
            }
            Err(error) => Err(port_error(START, error, own)),
        }
    }

    async fn cancel(&self, id: &JobId) -> PortResult<()> {
        let stopped = self
            .client
            .stop_execution()
            .execution_arn(self.execution_arn(id))
            .error("Canceled")
            .cause("The job's owner stopped it.")
            .send()
            .await;
        match stopped {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(answer)) if answer.err().is_execution_does_not_exist() => Ok(()),
            // An Express execution can't be stopped: it ends by itself, and the fence keeps it from writing.
            Err(SdkError::ServiceError(answer))
                if answer.err().code() == Some("StateMachineTypeNotSupported") =>
            {
                Ok(())
            }
            Err(error) => Err(port_error(CANCEL, error, own)),
        }
    }

    async fn place(&self, _job: &Job, _now: Timestamp) -> PortResult<Option<Place>> {
        Ok(None)
    }
}

/// Step Functions' codes, beside those that every service has.
fn own(code: &str) -> Option<ErrorKind> {
    match code {
        // A million executions run already.
        "ExecutionLimitExceeded" | "KmsThrottlingException" => Some(ErrorKind::Throttled),
        // The stack is being updated or taken down.
        "StateMachineDeleting" => Some(ErrorKind::Unavailable),
        // An operator must act: the machine's ARN in the configuration, or its key.
        "StateMachineDoesNotExist" | "KmsAccessDeniedException" | "KmsInvalidStateException" => {
            Some(ErrorKind::Denied)
        }
        _ => None,
    }
}

/// Describing is eventually consistent: an execution whose name was just refused may not be there yet.
fn describing(code: &str) -> Option<ErrorKind> {
    if code == "ExecutionDoesNotExist" { Some(ErrorKind::Unavailable) } else { own(code) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_testkit::samples::job_id;

    fn arn(state_machine: &str) -> String {
        let config = aws_sdk_sfn::Config::builder().with_test_defaults_v2().build();
        StepFunctionsWorkflow::new(Client::from_conf(config), state_machine).execution_arn(&job_id(1, 0))
    }

    #[test]
    fn an_executions_arn_ends_in_the_jobs_id() {
        let id = job_id(1, 0);
        let expected = format!("arn:aws:states:us-east-1:123456789012:execution:draw:{id}");
        assert_eq!(arn("arn:aws:states:us-east-1:123456789012:stateMachine:draw"), expected);
        assert_eq!(arn("arn:aws:states:us-east-1:123456789012:stateMachine:draw:live"), expected);
    }
}
