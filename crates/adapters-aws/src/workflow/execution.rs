//! What an execution is called, and what it is given.

use aws_sdk_sfn::types::ExecutionStatus;
use serde::{Deserialize, Serialize};
use tintype_core::{ErrorKind, PortError, PortResult, domain::JobId};

/// One of a job's executions. There is a second one only if the first is over and the job has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Execution {
    pub(super) job_id: JobId,
    /// From 0.
    turn: u32,
}

impl Execution {
    /// The executions that a job may have, in the order of their turns.
    pub(super) fn all_of(job_id: &JobId) -> impl Iterator<Item = Self> + use<> {
        let job_id = *job_id;
        (0..).map(move |turn| Self { job_id, turn })
    }

    /// The job's id; with the turn, from the second on.
    pub(super) fn name(&self) -> String {
        match self.turn {
            0 => self.job_id.to_string(),
            turn => format!("{}-{turn}", self.job_id),
        }
    }

    /// The execution's ARN differs from its machine's in one word and the name at its end. A version or alias of the
    /// machine is not part of it.
    pub(super) fn arn(&self, state_machine_arn: &str) -> String {
        let mut parts: Vec<_> = state_machine_arn.split(':').take(7).collect();
        if let Some(kind) = parts.get_mut(5) {
            *kind = "execution";
        }
        format!("{}:{}", parts.join(":"), self.name())
    }
}

/// What an execution is given: a reference, never the request itself.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Input {
    job_id: JobId,
}

impl Input {
    pub(super) const fn of(job_id: &JobId) -> Self {
        Self { job_id: *job_id }
    }

    pub(super) fn of_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    pub(super) fn to_json(&self, operation: &'static str) -> PortResult<String> {
        serde_json::to_string(self).map_err(|error| {
            let message = "the input can't be written as JSON";
            PortError::new(ErrorKind::Internal, operation, message).with_source(error)
        })
    }
}

/// Whether an execution goes on. One that waits to be redriven is an operator's.
pub(super) fn is_alive(status: &ExecutionStatus) -> bool {
    matches!(status, ExecutionStatus::Running | ExecutionStatus::PendingRedrive)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_testkit::samples::job_id;

    fn executions() -> Vec<Execution> {
        Execution::all_of(&job_id(1, 0)).take(3).collect()
    }

    #[test]
    fn the_first_is_called_by_the_jobs_id_and_the_others_by_their_turn_too() {
        let (id, names) = (job_id(1, 0), executions().iter().map(Execution::name).collect::<Vec<_>>());
        assert_eq!(names, [format!("{id}"), format!("{id}-1"), format!("{id}-2")]);
        assert!(names.iter().all(|name| name.len() <= 80), "{names:?}");
    }

    #[test]
    fn an_executions_arn_ends_in_its_name() {
        let expected = format!("arn:aws:states:us-east-1:123456789012:execution:draw:{}-1", job_id(1, 0));
        let arn = |machine| executions()[1].arn(machine);
        assert_eq!(arn("arn:aws:states:us-east-1:123456789012:stateMachine:draw"), expected);
        assert_eq!(arn("arn:aws:states:us-east-1:123456789012:stateMachine:draw:live"), expected);
    }
}
