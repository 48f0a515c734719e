//! Answers as the services give them, and items as the adapters write them.

use aws_sdk_dynamodb::{config::retry::RetryConfig, types::AttributeValue};
use serde::Serialize;
use std::collections::HashMap;
use tintype_core::domain::{Job, SavedImage};

pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// The body of an error of DynamoDB.
pub(crate) fn dynamodb_error(code: &str) -> Option<String> {
    Some(format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"as replayed"}}"#))
}

/// The body of a cancelled transaction, with the reason of each of its writes.
pub(crate) fn canceled(reasons: &[&str]) -> Option<String> {
    let reasons: Vec<_> = reasons.iter().map(|code| format!(r#"{{"Code":"{code}"}}"#)).collect();
    Some(format!(
        r#"{{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"as replayed","CancellationReasons":[{}]}}"#,
        reasons.join(",")
    ))
}

/// The body of an error of S3.
pub(crate) fn s3_error(code: &str) -> Option<String> {
    Some(format!("<Error><Code>{code}</Code><Message>as replayed</Message></Error>"))
}

pub(crate) fn once() -> RetryConfig {
    RetryConfig::disabled()
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn record(pk: String, sk: String, count: (&str, u64), body: &impl Serialize) -> Attributes {
    let body = serde_json::to_string(body).expect("is JSON");
    HashMap::from([
        ("pk".to_owned(), text(pk)),
        ("sk".to_owned(), text(sk)),
        (count.0.to_owned(), AttributeValue::N(count.1.to_string())),
        ("body".to_owned(), text(body)),
    ])
}

pub(crate) fn job_item(job: &Job, rev: u64) -> Attributes {
    record(format!("JOB#{}", job.id), "#".to_owned(), ("rev", rev), job)
}

pub(crate) fn image_item(image: &SavedImage) -> Attributes {
    let (pk, sk) = (format!("OWNER#{}", image.owner), format!("IMAGE#{}", image.id));
    record(pk, sk, ("version", image.version.0), image)
}
