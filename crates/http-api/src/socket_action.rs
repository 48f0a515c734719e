//! What a client says over the WebSocket, and what it is told where no job says it. Whoever holds the connection,
//! this server's own socket or API Gateway, speaks by these.

use crate::{
    json,
    problem::{Code, Problem},
};
use serde::Deserialize;
use serde_json::json;
use tintype_core::{
    domain::{JobId, Seq, Timestamp},
    views::Message,
};

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To hear of a job, from the event after `after` on.
    Subscribe {
        /// The job.
        job_id: JobId,
        /// The last event it has.
        after: Seq,
        /// Whether it wants the images' bytes as messages too.
        inline: bool,
    },
    /// To hear no more of a job.
    Unsubscribe {
        /// The job.
        job_id: JobId,
    },
    /// To hear that the connection works.
    Ping,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Input {
    action: Option<String>,
    job_id: Option<String>,
    execution_arn: Option<String>,
    after: Option<u64>,
    inline: Option<bool>,
}

impl Action {
    /// The largest message a client may send, in bytes.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Reads a message.
    ///
    /// # Errors
    /// `body_too_large`, `bad_json` with the place, or `invalid` with the field that is wrong.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text.len() > Self::MAX_BYTES {
            let detail = format!("a message may have at most {} bytes", Self::MAX_BYTES);
            return Err(Problem::new(Code::BodyTooLarge, detail));
        }
        let input: Input = json::parse(text.as_bytes())?;
        match input.action.as_deref() {
            Some("subscribe") => Ok(Self::Subscribe {
                job_id: job_id(&input)?,
                after: Seq(input.after.unwrap_or_default()),
                inline: input.inline.unwrap_or_default(),
            }),
            Some("unsubscribe") => Ok(Self::Unsubscribe { job_id: job_id(&input)? }),
            Some("ping") => Ok(Self::Ping),
            Some(_) => {
                Err(Problem::field("/action", "unknown", "must be one of: subscribe, unsubscribe, ping"))
            }
            None => Err(Problem::field("/action", "required", "is required")),
        }
    }
}

/// The message that tells a client what was wrong with its own; `job_id` is the job it named.
pub fn action_problem_message(job_id: Option<JobId>, problem: &Problem, now: Timestamp) -> Message {
    let data = json!({
        "code": problem.code().name(),
        "detail": problem.detail(),
        "errors": problem.errors(),
    });
    Message::transient("error", job_id, now, data)
}

/// The message that answers a [`Action::Ping`].
pub fn pong_message(now: Timestamp) -> Message {
    Message::transient("pong", None, now, json!({}))
}

fn job_id(input: &Input) -> Result<JobId, Problem> {
    let (pointer, id) = match (&input.job_id, &input.execution_arn) {
        (Some(id), None) => ("/job_id", id.as_str()),
        // An execution is named after its job, and its ARN ends with its name.
        (None, Some(arn)) => ("/execution_arn", arn.rsplit(':').next().unwrap_or_default()),
        (Some(_), Some(_)) => {
            return Err(Problem::field("/execution_arn", "conflicts", "stands in place of `job_id`"));
        }
        (None, None) => return Err(Problem::field("/job_id", "required", "is required")),
    };
    id.parse().map_err(|_| Problem::field(pointer, "bad_id", "is not the id of a job"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";

    fn pointer(text: &str) -> String {
        Action::parse(text).unwrap_err().errors()[0].pointer.clone()
    }

    #[test]
    fn an_execution_arn_names_the_job_too() {
        let job_id = ID.parse().unwrap();
        let expected = Action::Subscribe { job_id, after: Seq(0), inline: false };
        for text in [
            format!(r#"{{"action":"subscribe","job_id":"{ID}"}}"#),
            format!(r#"{{"action":"subscribe","execution_arn":"{ID}"}}"#),
            format!(
                r#"{{"action":"subscribe","execution_arn":"arn:aws:states:eu-west-1:1:execution:m:{ID}"}}"#
            ),
        ] {
            assert_eq!(Action::parse(&text).unwrap(), expected);
        }
    }

    #[test]
    fn a_problem_is_told_without_its_cause() {
        let problem = Problem::internal("at /home/secret");
        let message = action_problem_message(Some(ID.parse().unwrap()), &problem, Timestamp::from_millis(0));
        let message = serde_json::to_value(message).unwrap();
        assert_eq!((&message["type"], &message["job_id"]), (&json!("error"), &json!(ID)));
        assert_eq!(message["data"]["code"], "internal");
        assert!(!message.to_string().contains("secret"), "{message}");
    }

    #[test]
    fn a_message_that_is_too_large_is_not_read() {
        let large = " ".repeat(Action::MAX_BYTES + 1);
        assert_eq!(Action::parse(&large).unwrap_err().code(), Code::BodyTooLarge);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(pointer("{}"), "/action");
        assert_eq!(pointer(r#"{"action":"dance"}"#), "/action");
        assert_eq!(pointer(r#"{"action":"subscribe"}"#), "/job_id");
        assert_eq!(pointer(r#"{"action":"subscribe","job_id":"x"}"#), "/job_id");
        assert_eq!(pointer(&format!(r#"{{"action":"subscribe","job_id":"{ID}","after":-1}}"#)), "/after");
        assert_eq!(pointer(r#"{"action":"ping","loud":true}"#), "/loud");
    }
}
