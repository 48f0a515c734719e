//! `async-result`: an asynchronous endpoint's notice becomes the end of its attempt.

use crate::{failure::Outcome, generate_image::ended};
use serde::Deserialize;
use tintype_aws::{Answered, AsyncInference, Collected};
use tintype_core::{domain::Clock, ports::Ports, use_cases::settle_job};

/// What SNS delivers.
#[derive(Clone, Debug, Deserialize)]
pub struct Notices {
    /// One record per notice; SNS sends one at a time.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// One notice in its envelope.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// What was published.
    #[serde(rename = "Sns")]
    pub sns: Published,
}

/// What was published.
#[derive(Clone, Debug, Deserialize)]
pub struct Published {
    /// The notice's text, as the endpoint wrote it.
    #[serde(rename = "Message")]
    pub message: String,
}

/// Takes every notice. A notice that comes again changes nothing.
///
/// # Errors
/// The first one: SNS delivers again, and after that the dead letters have it.
pub async fn handle(
    ports: &Ports,
    later: &AsyncInference,
    notices: &Notices,
    clock: &dyn Clock,
    jitter: f64,
) -> Outcome<()> {
    for record in &notices.records {
        match later.collect(&record.sns.message).await? {
            Collected::Answered(answered) => settle(ports, later, *answered, clock, jitter).await?,
            Collected::Nothing => tracing::info!("a notice of nothing that is waited for"),
        }
    }
    Ok(())
}

async fn settle(
    ports: &Ports,
    later: &AsyncInference,
    Answered { task, drawn }: Answered,
    clock: &dyn Clock,
    jitter: f64,
) -> Outcome<()> {
    let job_id = task.job.id;
    let ran = settle_job(ports, &task.job, drawn, clock, jitter).await?;
    match ended(job_id, ran) {
        Ok(ended) => later.finish_task(&task, &serde_json::json!(ended).to_string()).await?,
        Err(failure) => later.fail_task(&task, failure.name, &failure.message).await?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_comes_in_the_envelope_of_sns() {
        let event =
            r#"{"Records": [{"EventSource": "aws:sns", "Sns": {"Type": "Notification", "Message": "{}"}}]}"#;
        let notices: Notices = serde_json::from_str(event).unwrap();
        assert_eq!(notices.records[0].sns.message, "{}");
    }
}
