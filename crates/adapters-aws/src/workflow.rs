//! [`Workflow`] on Step Functions: an execution per job, under the job's id. What the execution does is told by the
//! state machine's definition, not here.

mod execution;

use crate::error::port_error;
use async_trait::async_trait;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};
use execution::{Execution, Input};
use tintype_core::domain::{Job, JobId, Timestamp};
use tintype_core::ports::{Place, QueueCounts, Workflow};
use tintype_core::{ErrorKind, PortError, PortResult};

const START: &str = "Workflow::start";
const CANCEL: &str = "Workflow::cancel";
/// How many executions a job may have, each because the one before was over and the job had not ended.
const EXECUTIONS_MAX: u32 = 10;

/// Starts and stops executions of one state machine.
///
/// Step Functions keeps no queue, so that [`place`](Workflow::place) and [`queue`](Workflow::queue) are always `None`, and it takes no turns between
/// owners: every execution runs at once, as far as the account's concurrency goes.
///
/// An Express machine keeps no names and can't be asked: each start is another execution, of which the last attempt's
/// may write. Nor can one be stopped: it ends by itself.
#[derive(Clone, Debug)]
pub struct StepFunctionsWorkflow {
    client: Client,
    state_machine_arn: String,
}

/// What became of a name that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    /// The job's execution, and it goes on, or an operator's redrive will.
    Alive,
    /// The job's execution, which is over.
    Over,
}

/// What became of an order to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopped {
    Done,
    /// There is no such execution, or none that can be stopped.
    Nothing,
}

impl StepFunctionsWorkflow {
    /// A workflow on this state machine.
    pub fn new(client: Client, state_machine_arn: impl Into<String>) -> Self {
        Self { client, state_machine_arn: state_machine_arn.into() }
    }

    /// Starts `execution`; what became of its name if that is taken.
    async fn start_execution(&self, execution: Execution) -> PortResult<Option<Holder>> {
        let start = self.client.start_execution().state_machine_arn(&self.state_machine_arn);
        let started = start.name(execution.name()).input(Input::of(&execution.job_id).to_json(START)?).send();
        match started.await {
            Ok(_) => Ok(None),
            Err(SdkError::ServiceError(answer)) if answer.err().is_execution_already_exists() => {
                self.holder(execution).await.map(Some)
            }
            Err(error) => Err(port_error(START, error, own)),
        }
    }

    /// What holds the name of `execution`: it is taken for ninety days after an execution's end too.
    async fn holder(&self, execution: Execution) -> PortResult<Holder> {
        let arn = execution.arn(&self.state_machine_arn);
        let described = self.client.describe_execution().execution_arn(arn).send().await;
        let described = described.map_err(|error| port_error(START, error, describing))?;
        if described.input().and_then(Input::of_json) != Some(Input::of(&execution.job_id)) {
            return Err(not_ours(&execution));
        }
        Ok(if execution::is_alive(described.status()) { Holder::Alive } else { Holder::Over })
    }

    async fn stop(&self, execution: Execution) -> PortResult<Stopped> {
        let stop = self.client.stop_execution().execution_arn(execution.arn(&self.state_machine_arn));
        match stop.error("Canceled").cause("The job's owner stopped it.").send().await {
            Ok(_) => Ok(Stopped::Done),
            // It is over already; another of the job's may not be.
            Err(SdkError::ServiceError(answer)) if answer.err().is_validation_exception() => {
                Ok(Stopped::Done)
            }
            Err(SdkError::ServiceError(answer)) if answer.err().is_execution_does_not_exist() => {
                Ok(Stopped::Nothing)
            }
            // An Express execution can't be stopped: it ends by itself, and the fence keeps it from writing.
            Err(SdkError::ServiceError(answer))
                if answer.err().code() == Some("StateMachineTypeNotSupported") =>
            {
                Ok(Stopped::Nothing)
            }
            Err(error) => Err(port_error(CANCEL, error, own)),
        }
    }
}

fn not_ours(execution: &Execution) -> PortError {
    let message = format!(
        "the execution {} was started with another input, by something other than this program; start a new job",
        execution.name()
    );
    PortError::new(ErrorKind::Internal, START, message)
}

#[async_trait]
impl Workflow for StepFunctionsWorkflow {
    /// A job that has not ended although its execution is over gets another one, under the next name.
    async fn start(&self, job: &Job) -> PortResult<()> {
        for execution in Execution::all_of(&job.id).take(EXECUTIONS_MAX as usize) {
            match self.start_execution(execution).await? {
                Some(Holder::Over) if !job.status.is_terminal() => {}
                None | Some(Holder::Alive | Holder::Over) => return Ok(()),
            }
        }
        let message = format!(
            "{EXECUTIONS_MAX} executions of the job {} came to nothing; see why, cancel it and retry it",
            job.id
        );
        Err(PortError::new(ErrorKind::Internal, START, message))
    }

    async fn cancel(&self, id: &JobId) -> PortResult<()> {
        for execution in Execution::all_of(id).take(EXECUTIONS_MAX as usize) {
            if self.stop(execution).await? == Stopped::Nothing {
                break;
            }
        }
        Ok(())
    }

    async fn place(&self, _job: &Job, _now: Timestamp) -> PortResult<Option<Place>> {
        Ok(None)
    }

    async fn queue(&self, _now: Timestamp) -> PortResult<Option<QueueCounts>> {
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
