//! S3's answers to puts that meet others, to removals, and to calls that are refused.

use crate::answers::{once, s3_error};
use aws_sdk_s3::{
    Client,
    operation::{
        copy_object::CopyObjectOutput, delete_object::DeleteObjectOutput, get_object::GetObjectOutput,
        head_object::HeadObjectOutput, put_object::PutObjectOutput,
    },
    types::MetadataDirective,
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use tintype_aws::S3ImageStore;
use tintype_core::{ErrorKind, ports::ImageStore};
use tintype_testkit::samples::{START, at, blob};

fn store(rules: &[&Rule]) -> S3ImageStore {
    let client = mock_client!(aws_sdk_s3, RuleMode::MatchAny, rules, |config| config.retry_config(once()));
    S3ImageStore::new(client, "bucket")
}

#[tokio::test]
async fn a_put_is_conditional_and_carries_its_checksum() {
    let put = mock!(Client::put_object)
        .match_requests(|request| {
            request.if_none_match() == Some("*")
                && request.key() == Some(&format!("blobs/{}", blob(1).id()))
                && request.content_type() == Some("image/png")
                // The SHA-256 of "blob number 1".
                && request.checksum_sha256() == Some("k4kjkHRHmYLGr3KlYsnEJ1b0qn4jaxCpKeAHhCX5oK0=")
        })
        .then_output(|| PutObjectOutput::builder().build());
    store(&[&put]).put(&blob(1), START).await.expect("put");
    assert_eq!(put.num_calls(), 1);
}

/// Renews the put time noted as `at(7)`.
fn renewal() -> Rule {
    let noted = at(7).as_millis().to_string();
    mock!(Client::copy_object)
        .match_requests(move |request| {
            request.metadata_directive() == Some(&MetadataDirective::Replace)
                && request.metadata().is_some_and(|notes| notes["put-at"] == noted)
                && request.copy_source() == Some(&format!("bucket/blobs/{}", blob(1).id()))
        })
        .then_output(|| CopyObjectOutput::builder().build())
}

#[tokio::test]
async fn a_put_of_what_is_there_renews_its_time() {
    for (status, code) in [(412, "PreconditionFailed"), (409, "ConditionalRequestConflict")] {
        let put = mock!(Client::put_object).sequence().http_status(status, s3_error(code)).build();
        let copy = renewal();
        store(&[&put, &copy]).put(&blob(1), at(7)).await.expect("put");
        assert_eq!(copy.num_calls(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_put_of_what_was_removed_meanwhile_puts_it() {
    let put = mock!(Client::put_object)
        .sequence()
        .http_status(412, s3_error("PreconditionFailed"))
        .output(|| PutObjectOutput::builder().build())
        .build();
    let copy = mock!(Client::copy_object).sequence().http_status(404, s3_error("NoSuchKey")).build();
    store(&[&put, &copy]).put(&blob(1), START).await.expect("put");
    assert_eq!((put.num_calls(), copy.num_calls()), (2, 1));
}

#[tokio::test]
async fn bytes_that_were_damaged_on_their_way_are_unavailable() {
    let put = mock!(Client::put_object).sequence().http_status(400, s3_error("BadDigest")).build();
    let error = store(&[&put]).put(&blob(1), START).await.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn bytes_that_do_not_match_their_address_are_a_data_error() {
    let get = mock!(Client::get_object)
        .then_output(|| GetObjectOutput::builder().body(blob(2).bytes().clone().into()).build());
    let error = store(&[&get]).get(blob(1).id()).await.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Data);
}

/// A version of a blob that was put at the beginning.
fn version(id: &'static str) -> HeadObjectOutput {
    let noted = START.as_millis().to_string();
    HeadObjectOutput::builder().version_id(id).metadata("put-at", noted).build()
}

#[tokio::test]
async fn a_removal_takes_every_version_it_has_looked_at_and_no_other() {
    let head = mock!(Client::head_object)
        .sequence()
        .output(|| version("new"))
        .output(|| version("old"))
        .http_status(404, None)
        .build();
    let [new, old] = ["new", "old"].map(|id| {
        mock!(Client::delete_object)
            .match_requests(move |request| request.version_id() == Some(id))
            .then_output(|| DeleteObjectOutput::builder().build())
    });
    assert!(store(&[&head, &new, &old]).delete(blob(1).id(), at(1)).await.expect("delete"));
    assert_eq!((new.num_calls(), old.num_calls()), (1, 1));
}

#[tokio::test]
async fn a_removal_stops_where_one_was_put_meanwhile() {
    let head = mock!(Client::head_object)
        .sequence()
        .output(|| version("old"))
        .output(|| HeadObjectOutput::builder().metadata("put-at", at(9).as_millis().to_string()).build())
        .build();
    let delete = mock!(Client::delete_object)
        .match_requests(|request| request.version_id() == Some("old"))
        .then_output(|| DeleteObjectOutput::builder().build());
    assert!(!store(&[&head, &delete]).delete(blob(1).id(), at(1)).await.expect("delete"));
}

async fn kind_of_get(status: u16, code: &str) -> ErrorKind {
    let get = mock!(Client::get_object).sequence().http_status(status, s3_error(code)).build();
    store(&[&get]).get(blob(1).id()).await.expect_err("must fail").kind()
}

#[tokio::test]
async fn credentials_that_expired_or_were_forged_are_denied() {
    let refusals = [
        (400, "ExpiredToken"),
        (403, "SignatureDoesNotMatch"),
        (403, "InvalidAccessKeyId"),
        (403, "AccessDenied"),
        (403, "RequestTimeTooSkewed"),
    ];
    for (status, code) in refusals {
        assert_eq!(kind_of_get(status, code).await, ErrorKind::Denied, "{code}");
    }
}

#[tokio::test]
async fn a_service_that_asks_for_a_slower_pace_is_throttled() {
    assert_eq!(kind_of_get(503, "SlowDown").await, ErrorKind::Throttled);
    assert_eq!(kind_of_get(500, "InternalError").await, ErrorKind::Unavailable);
}
