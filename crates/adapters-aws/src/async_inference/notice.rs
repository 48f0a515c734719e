//! The notices of asynchronous inferences, as SageMaker writes them to SNS.

use super::COLLECT;
use serde::Deserialize;
use std::fmt;
use tintype_core::domain::JobId;
use tintype_core::{ErrorKind, PortError, PortResult};

/// Where the requests of asynchronous inferences are put.
const INPUT_FOLDER: &str = "async/in/";

/// The key of an attempt's request. The notice tells it, and so the attempt.
pub(super) fn input_key(id: &JobId, attempt: u32) -> String {
    format!("{INPUT_FOLDER}{id}-{attempt}.json")
}

/// An object in S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) bucket: String,
    pub(super) key: String,
}

impl Location {
    fn parse(url: &str) -> Option<Self> {
        let (bucket, key) = url.strip_prefix("s3://")?.split_once('/')?;
        Some(Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// A notice.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notice {
    invocation_status: String,
    inference_id: Option<String>,
    request_parameters: Option<RequestParameters>,
    response_parameters: Option<ResponseParameters>,
    failure_reason: Option<String>,
    failure_location: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestParameters {
    input_location: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponseParameters {
    output_location: Option<String>,
    failure_location: Option<String>,
}

/// What a notice tells of its inference.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Its answer is here.
    Completed(Location),
    /// It failed, or waited too long.
    Failed {
        /// A sentence of SageMaker's.
        reason: String,
        /// The model's own words.
        location: Option<Location>,
    },
}

impl Notice {
    pub(super) fn parse(text: &str) -> PortResult<Self> {
        serde_json::from_str(text).map_err(|error| {
            let message =
                "the text is no notice of an asynchronous inference; look at what the topic is used for";
            PortError::new(ErrorKind::Data, COLLECT, message).with_source(error)
        })
    }

    /// The job and the attempt that it is about; `None` for an inference that others asked for.
    pub(super) fn attempt(&self) -> Option<(JobId, u32)> {
        let location = Location::parse(self.request_parameters.as_ref()?.input_location.as_ref()?)?;
        let name = location.key.rsplit('/').next()?.strip_suffix(".json")?;
        let (id, attempt) = name.rsplit_once('-')?;
        let job_id = id.parse().ok()?;
        (self.inference_id.as_deref() == Some(id)).then_some((job_id, attempt.parse().ok()?))
    }

    pub(super) fn told(self) -> PortResult<Told> {
        let (output, failure) = match self.response_parameters {
            Some(response) => (response.output_location, response.failure_location),
            None => (None, None),
        };
        if self.invocation_status == "Completed" {
            let location = output.as_deref().and_then(Location::parse).ok_or_else(|| {
                PortError::new(ErrorKind::Data, COLLECT, "the notice does not tell where the answer is")
            })?;
            return Ok(Told::Completed(location));
        }
        let location = failure.or(self.failure_location).as_deref().and_then(Location::parse);
        Ok(Told::Failed { reason: self.failure_reason.unwrap_or_default(), location })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use tintype_testkit::samples::job_id;

    fn notice(changes: &Value) -> Notice {
        let id = job_id(1, 0);
        let mut notice = json!({
            "awsRegion": "us-east-1",
            "eventTime": "2026-01-31T12:00:00.000Z",
            "receivedTime": "2026-01-31T11:59:00.000Z",
            "invocationStatus": "Completed",
            "requestParameters": {
                "endpointName": "pictures",
                "inputLocation": format!("s3://bucket/async/in/{id}-2.json"),
            },
            "responseParameters": {
                "contentType": "application/json",
                "outputLocation": "s3://bucket/async/out/2f4dcf85.out",
            },
            "inferenceId": id,
            "eventVersion": "1.0",
            "eventSource": "aws:sagemaker",
            "eventName": "InferenceResult",
        });
        for (field, value) in changes.as_object().expect("an object") {
            notice[field] = value.clone();
        }
        Notice::parse(&notice.to_string()).expect("a notice")
    }

    fn location(key: &str) -> Location {
        Location { bucket: "bucket".to_owned(), key: key.to_owned() }
    }

    #[test]
    fn a_notice_of_success_tells_the_attempt_and_where_its_answer_is() {
        let notice = notice(&json!({}));
        assert_eq!(notice.attempt(), Some((job_id(1, 0), 2)));
        assert_eq!(notice.told().unwrap(), Told::Completed(location("async/out/2f4dcf85.out")));
    }

    #[test]
    fn a_notice_of_failure_tells_the_reason_and_where_the_models_words_are() {
        let told = |changes: Value| notice(&changes).told().unwrap();
        let reason = "ClientError: Received client error (400) from model.";
        for changes in [
            json!({ "invocationStatus": "Failed", "failureReason": reason, "responseParameters": null,
                    "failureLocation": "s3://bucket/async/failed/x.out" }),
            json!({ "invocationStatus": "Failed", "failureReason": reason,
                    "responseParameters": { "failureLocation": "s3://bucket/async/failed/x.out" } }),
        ] {
            let location = Some(location("async/failed/x.out"));
            assert_eq!(told(changes), Told::Failed { reason: reason.to_owned(), location });
        }
        let expired = told(json!({ "invocationStatus": "Expired", "responseParameters": null }));
        assert_eq!(expired, Told::Failed { reason: String::new(), location: None });
    }

    #[test]
    fn an_inference_of_others_is_about_no_attempt() {
        for changes in [
            json!({ "inferenceId": job_id(2, 0) }),
            json!({ "inferenceId": null }),
            json!({ "requestParameters": { "inputLocation": "s3://bucket/other/input.json" } }),
            json!({ "requestParameters": null }),
        ] {
            assert_eq!(notice(&changes).attempt(), None, "{changes}");
        }
    }

    #[test]
    fn the_key_of_a_request_tells_its_attempt() {
        let key = input_key(&job_id(1, 0), 12);
        let notice =
            notice(&json!({ "requestParameters": { "inputLocation": format!("s3://bucket/{key}") } }));
        assert_eq!(notice.attempt(), Some((job_id(1, 0), 12)));
    }
}
