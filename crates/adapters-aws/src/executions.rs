//! Executions that died while their job waited for an attempt: stopped by hand, or never started. The sweep starts such
//! jobs again, under a name that is still free.

use crate::error::port_error;
use aws_sdk_sfn::{Client, error::SdkError, types::ExecutionStatus};
use tintype_core::{ErrorKind, PortResult, domain::JobId};

const OPERATION: &str = "Executions::revive";
/// How many names of one job are tried before it is left to the next sweep.
const NAMES: u32 = 10;

/// The executions of one Standard state machine.
#[derive(Clone, Debug)]
pub struct Executions {
    client: Client,
    state_machine_arn: String,
}

/// What is known of one execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Running,
    Over,
    Nothing,
}

impl Executions {
    /// The executions of this state machine.
    pub fn new(client: Client, state_machine_arn: impl Into<String>) -> Self {
        Self { client, state_machine_arn: state_machine_arn.into() }
    }

    /// Starts an execution for the job `id` unless one runs. Says whether it started one.
    ///
    /// # Errors
    /// [`Denied`](ErrorKind::Denied), [`Throttled`](ErrorKind::Throttled), [`Unavailable`](ErrorKind::Unavailable).
    pub async fn revive(&self, id: &JobId) -> PortResult<bool> {
        for turn in 0..NAMES {
            let name = if turn == 0 { id.to_string() } else { format!("{id}-{turn}") };
            match self.find(&name).await? {
                Found::Running => return Ok(false),
                Found::Nothing => return self.start(name, id).await,
                Found::Over => {}
            }
        }
        Ok(false)
    }

    async fn find(&self, name: &str) -> PortResult<Found> {
        let arn = self.state_machine_arn.replacen(":stateMachine:", ":execution:", 1);
        let described = self.client.describe_execution().execution_arn(format!("{arn}:{name}")).send().await;
        match described {
            Ok(execution) if is_alive(execution.status()) => Ok(Found::Running),
            Ok(_) => Ok(Found::Over),
            Err(SdkError::ServiceError(answer)) if answer.err().is_execution_does_not_exist() => {
                Ok(Found::Nothing)
            }
            Err(error) => Err(port_error(OPERATION, error, own)),
        }
    }

    async fn start(&self, name: String, id: &JobId) -> PortResult<bool> {
        let start = self.client.start_execution().state_machine_arn(&self.state_machine_arn).name(name);
        match start.input(format!("{{\"job_id\":\"{id}\"}}")).send().await {
            Ok(_) => Ok(true),
            // Another sweep was faster.
            Err(SdkError::ServiceError(answer)) if answer.err().is_execution_already_exists() => Ok(false),
            Err(error) => Err(port_error(OPERATION, error, own)),
        }
    }
}

/// One that waits to be redriven is an operator's.
fn is_alive(status: &ExecutionStatus) -> bool {
    matches!(status, ExecutionStatus::Running | ExecutionStatus::PendingRedrive)
}

fn own(code: &str) -> Option<ErrorKind> {
    (code == "ExecutionLimitExceeded").then_some(ErrorKind::Throttled)
}
