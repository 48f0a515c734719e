//! The attempts that wait for an asynchronous inference, in the jobs table: `JOB#<id>` / `TASK`.

use super::{COLLECT, FINISH_TASK, INVOKE};
use crate::dynamodb::failure;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::AttributeValue;
use std::{collections::HashMap, fmt};
use tintype_core::domain::{Job, JobId};
use tintype_core::{ErrorKind, PortError, PortResult};

/// An attempt that waits, and the token of the state machine that waits with it.
#[derive(Clone, PartialEq)]
pub struct Task {
    /// The job as it was begun; its `attempts` is the attempt.
    pub job: Job,
    pub(super) token: String,
}

/// Whoever has the token can end the task: no log shows it.
impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Task({}, attempt {})", self.job.id, self.job.attempts)
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Tasks {
    client: Client,
    table: String,
}

type Item = HashMap<String, AttributeValue>;

impl Tasks {
    pub(super) const fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Stores the attempt's token, unless a later attempt has stored its own.
    pub(super) async fn put(&self, job: &Job, token: &str) -> PortResult<()> {
        let body = serde_json::to_string(job).map_err(|error| {
            PortError::new(ErrorKind::Internal, INVOKE, "the job can't be written as JSON").with_source(error)
        })?;
        let expires = job.expires_at.as_millis().div_euclid(1_000).to_string();
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(key(&job.id)))
            .item("attempt", number(job.attempts))
            .item("task_token", AttributeValue::S(token.to_owned()))
            .item("body", AttributeValue::S(body))
            .item("ttl", AttributeValue::N(expires))
            .condition_expression("attribute_not_exists(pk) OR attempt <= :attempt")
            .expression_attribute_values(":attempt", number(job.attempts));
        match put.send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(answer)) if answer.err().is_conditional_check_failed_exception() => {
                let message = "a later attempt has taken over; this one may not ask for a picture";
                Err(PortError::new(ErrorKind::Conflict, INVOKE, message))
            }
            Err(error) => Err(failure(INVOKE, error)),
        }
    }

    /// Notes where the answer will be, for whoever looks for it. The notice may have come already: then there is nothing
    /// to note.
    pub(super) async fn note_output(&self, job: &Job, location: &str) -> PortResult<()> {
        let noted = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&job.id)))
            .update_expression("SET output_location = :location")
            .condition_expression("attempt = :attempt")
            .expression_attribute_values(":location", AttributeValue::S(location.to_owned()))
            .expression_attribute_values(":attempt", number(job.attempts));
        match noted.send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(answer)) if answer.err().is_conditional_check_failed_exception() => {
                Ok(())
            }
            Err(error) => Err(failure(INVOKE, error)),
        }
    }

    /// The job's attempt that waits.
    pub(super) async fn find(&self, id: &JobId) -> PortResult<Option<Task>> {
        let found =
            self.client.get_item().table_name(&self.table).set_key(Some(key(id))).consistent_read(true);
        let found = found.send().await.map_err(|error| failure(COLLECT, error))?;
        found.item.as_ref().map(read).transpose()
    }

    /// Forgets the attempt; one that is not there, or was overtaken, is success.
    pub(super) async fn remove(&self, job: &Job) -> PortResult<()> {
        let removed = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key(&job.id)))
            .condition_expression("attempt = :attempt")
            .expression_attribute_values(":attempt", number(job.attempts));
        match removed.send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(answer)) if answer.err().is_conditional_check_failed_exception() => {
                Ok(())
            }
            Err(error) => Err(failure(FINISH_TASK, error)),
        }
    }
}

fn key(id: &JobId) -> Item {
    let text = |text: String| AttributeValue::S(text);
    HashMap::from([("pk".to_owned(), text(format!("JOB#{id}"))), ("sk".to_owned(), text("TASK".to_owned()))])
}

fn number(value: u32) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn read(item: &Item) -> PortResult<Task> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    let job = text("body").and_then(|body| serde_json::from_str(body).ok());
    match (job, text("task_token")) {
        (Some(job), Some(token)) => Ok(Task { job, token: token.clone() }),
        _ => Err(PortError::new(ErrorKind::Data, COLLECT, "a stored task can't be read")),
    }
}
