//! Single requests to DynamoDB that fail, are answered in part, or lose a race.

use crate::answers::{Attributes, dynamodb_error, image_item, job_item, once, text};
use aws_sdk_dynamodb::{
    Client,
    operation::{
        batch_get_item::BatchGetItemOutput, batch_write_item::BatchWriteItemOutput, get_item::GetItemOutput,
        put_item::PutItemOutput, query::QueryOutput,
    },
    types::{AttributeValue, KeysAndAttributes},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tintype_aws::{DynamoConnectionRegistry, DynamoJobRepo, DynamoMetadataRepo, cursor_secret};
use tintype_core::{
    ErrorKind,
    domain::{Connection, Expected, ImageChange, Job, JobQuery, Refusal, SavedImage, Version},
    ports::{ConnectionRegistry, JobRepo, MetadataRepo},
};
use tintype_testkit::samples::{START, alice, at, job_id, new_job, saved_image};
use tokio::time::Instant;

const TABLE: &str = "table";

pub(crate) fn client(rules: &[&Rule]) -> Client {
    mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules, |config| config.retry_config(once()))
}

async fn kind_of_find(status: u16, code: &str) -> ErrorKind {
    let get = mock!(Client::get_item).sequence().http_status(status, dynamodb_error(code)).build();
    let repo = DynamoJobRepo::new(client(&[&get]), TABLE);
    repo.find(&alice(), &job_id(1, 0), START).await.expect_err("must fail").kind()
}

#[tokio::test]
async fn a_service_that_asks_for_a_slower_pace_is_throttled() {
    for code in ["ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"] {
        assert_eq!(kind_of_find(400, code).await, ErrorKind::Throttled, "{code}");
    }
}

#[tokio::test]
async fn credentials_that_expired_or_were_forged_are_denied() {
    for code in [
        "ExpiredTokenException",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "AccessDeniedException",
        "MissingAuthenticationToken",
    ] {
        assert_eq!(kind_of_find(400, code).await, ErrorKind::Denied, "{code}");
    }
}

#[tokio::test]
async fn trouble_of_the_service_is_unavailable_and_an_unknown_code_internal() {
    assert_eq!(kind_of_find(500, "InternalServerError").await, ErrorKind::Unavailable);
    assert_eq!(kind_of_find(503, "NobodyKnows").await, ErrorKind::Unavailable);
    assert_eq!(kind_of_find(400, "NobodyKnows").await, ErrorKind::Internal);
}

#[tokio::test]
async fn an_item_that_can_not_be_read_is_a_data_error() {
    let mut item = job_item(&Job::accept(new_job(1, 0)).0, 1);
    item.insert("body".to_owned(), text("{"));
    let get = mock!(Client::get_item)
        .then_output(move || GetItemOutput::builder().set_item(Some(item.clone())).build());
    let repo = DynamoJobRepo::new(client(&[&get]), TABLE);
    let error = repo.find(&alice(), &job_id(1, 0), START).await.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Data);
}

#[tokio::test]
async fn a_write_that_meets_a_transaction_is_made_again() {
    let put = mock!(Client::put_item)
        .sequence()
        .http_status(400, dynamodb_error("TransactionConflictException"))
        .output(|| PutItemOutput::builder().build())
        .build();
    let registry = DynamoConnectionRegistry::new(client(&[&put]), TABLE);
    let id = "connection-1".parse().expect("a good id");
    let connection = Connection { id, owner: alice(), expires_at: at(1_000) };
    registry.connect(&connection).await.expect("the second write lands");
    assert_eq!(put.num_calls(), 2);
}

/// A change that writes nothing but the record: the width is in no index.
fn widening() -> ImageChange {
    ImageChange::new(at(1), |image| Ok(SavedImage { width: 65, ..image.clone() }))
}

/// The image as [`widening`] leaves it.
fn widened() -> SavedImage {
    SavedImage { width: 65, updated_at: at(1), version: Version(2), ..saved_image(1, 0) }
}

/// Makes a change whose first write is refused, for the image is then as `then` makes it of what was to be written.
async fn change_that_is_refused_once(
    change: ImageChange,
    then: impl Fn(Attributes) -> Attributes + Send + Sync + 'static,
) -> Result<SavedImage, Refusal> {
    let written = Arc::new(Mutex::new(Attributes::new()));
    let seen = Arc::clone(&written);
    let get = mock!(Client::get_item)
        .sequence()
        .output(|| GetItemOutput::builder().set_item(Some(image_item(&saved_image(1, 0)))).build())
        .output(move || {
            let item = then(seen.lock().expect("nobody panicked").clone());
            GetItemOutput::builder().set_item(Some(item)).build()
        })
        .build();
    let put = mock!(Client::put_item)
        .match_requests(move |request| {
            let item = request.item().cloned().unwrap_or_default();
            *written.lock().expect("nobody panicked") = item;
            true
        })
        .sequence()
        .http_status(400, dynamodb_error("ConditionalCheckFailedException"))
        .output(|| PutItemOutput::builder().build())
        .build();
    let repo = DynamoMetadataRepo::new(client(&[&get, &put]), TABLE);
    let changed = repo.change(&alice(), &saved_image(1, 0).id, &change).await.expect("change");
    assert_eq!(get.num_calls(), 2, "it is read again");
    changed
}

fn expecting_the_first(change: ImageChange) -> ImageChange {
    change.expecting(Expected::OneOf(vec![Version::FIRST]))
}

#[tokio::test]
async fn a_change_that_another_writer_came_before_is_applied_to_what_that_one_wrote() {
    let others = SavedImage { title: Some("theirs".to_owned()), version: Version(2), ..saved_image(1, 0) };
    let theirs = image_item(&others);
    let changed = change_that_is_refused_once(widening(), move |_| theirs.clone()).await;
    let both = SavedImage { width: 65, updated_at: at(1), version: Version(3), ..others };
    assert_eq!(changed, Ok(both));
}

#[tokio::test]
async fn a_conditional_change_that_another_writer_came_before_is_stale() {
    let stale = Err(Refusal::Stale { current: Version(2) });
    let others = SavedImage { title: Some("theirs".to_owned()), version: Version(2), ..saved_image(1, 0) };
    // Also where the other wrote the very same at the same moment.
    for theirs in [others, widened()] {
        let theirs = image_item(&theirs);
        let change = expecting_the_first(widening());
        assert_eq!(change_that_is_refused_once(change, move |_| theirs.clone()).await, stale);
    }
}

#[tokio::test]
async fn a_conditional_change_whose_answer_was_lost_has_landed() {
    let change = expecting_the_first(widening());
    assert_eq!(change_that_is_refused_once(change, |written| written).await, Ok(widened()));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_others_come_before_for_ten_seconds_is_a_conflict_that_says_so() {
    let get = mock!(Client::get_item)
        .then_output(|| GetItemOutput::builder().set_item(Some(image_item(&saved_image(1, 0)))).build());
    let put = mock!(Client::put_item)
        .sequence()
        .http_status(400, dynamodb_error("TransactionConflictException"))
        .repeatedly()
        .build();
    let repo = DynamoMetadataRepo::new(client(&[&get, &put]), TABLE);
    let began = Instant::now();
    let error = repo.change(&alice(), &saved_image(1, 0).id, &widening()).await.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.message(), "too many concurrent updates of this image; retry");
    let took = began.elapsed();
    assert!((10..12).contains(&took.as_secs()), "{took:?}");
    // The pauses grow: about 10 s in pauses of 0.2 s on the average.
    assert!((20..200).contains(&put.num_calls()), "{} tries", put.num_calls());
}

/// Answers a page of two jobs, and the jobs one by one.
fn two_jobs() -> (Rule, [Attributes; 2]) {
    let jobs = [2, 1].map(|n| Job::accept(new_job(n, n as i64)).0);
    let places: Vec<Attributes> = jobs
        .iter()
        .map(|job| {
            let created_at = AttributeValue::N(job.created_at.as_millis().to_string());
            HashMap::from([
                ("job_id".to_owned(), text(job.id.to_string())),
                ("created_at".to_owned(), created_at),
            ])
        })
        .collect();
    let query = mock!(Client::query)
        .then_output(move || QueryOutput::builder().set_items(Some(places.clone())).build());
    (query, jobs.map(|job| job_item(&job, 1)))
}

fn part(item: &Attributes, rest: Option<&Attributes>) -> BatchGetItemOutput {
    let rest = rest.map(|rest| {
        let key = ["pk", "sk"].map(|name| (name.to_owned(), rest[name].clone()));
        KeysAndAttributes::builder().keys(HashMap::from(key)).build().expect("good keys")
    });
    let unprocessed = rest.map(|rest| HashMap::from([(TABLE.to_owned(), rest)]));
    let answer = BatchGetItemOutput::builder().responses(TABLE, vec![item.clone()]);
    answer.set_unprocessed_keys(unprocessed).build()
}

#[tokio::test]
async fn keys_that_were_left_out_are_asked_for_again() {
    let (query, [first, second]) = two_jobs();
    let last = second.clone();
    let get = mock!(Client::batch_get_item)
        .sequence()
        .output(move || part(&first, Some(&second)))
        .output(move || part(&last, None))
        .build();
    let repo = DynamoJobRepo::new(client(&[&query, &get]), TABLE);
    let page = repo.list(&alice(), &JobQuery::default(), START).await.expect("list");
    assert_eq!(page.items.iter().map(|job| job.id).collect::<Vec<_>>(), [job_id(2, 2), job_id(1, 1)]);
    assert_eq!(get.num_calls(), 2);
}

#[tokio::test]
async fn keys_that_are_left_out_for_ever_are_throttling() {
    let (query, [first, second]) = two_jobs();
    let get = mock!(Client::batch_get_item).then_output(move || part(&first, Some(&second)));
    let repo = DynamoJobRepo::new(client(&[&query, &get]), TABLE);
    let error = repo.list(&alice(), &JobQuery::default(), START).await.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Throttled);
}

#[tokio::test]
async fn deletions_that_were_left_out_are_made_again() {
    let all = mock!(Client::batch_write_item)
        .match_requests(|request| request.request_items().is_some_and(|tables| tables[TABLE].len() == 2))
        .then_compute_output(|request| {
            let rest = request.request_items().map(|tables| tables[TABLE][1..].to_vec());
            BatchWriteItemOutput::builder().unprocessed_items(TABLE, rest.unwrap_or_default()).build()
        });
    let rest = mock!(Client::batch_write_item)
        .match_requests(|request| request.request_items().is_some_and(|tables| tables[TABLE].len() == 1))
        .then_output(|| BatchWriteItemOutput::builder().build());
    let registry = DynamoConnectionRegistry::new(client(&[&all, &rest]), TABLE);
    let id = "connection-1".parse().expect("a good id");
    registry.unsubscribe(&id, &job_id(1, 0)).await.expect("all are gone");
    assert_eq!((all.num_calls(), rest.num_calls()), (1, 1));
}

#[tokio::test]
async fn the_first_cursor_secret_wins() {
    let theirs =
        Attributes::from([("secret".to_owned(), text("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="))]);
    let get = mock!(Client::get_item)
        .sequence()
        .output(|| GetItemOutput::builder().build())
        .output(move || GetItemOutput::builder().set_item(Some(theirs.clone())).build())
        .build();
    let put = mock!(Client::put_item)
        .sequence()
        .http_status(400, dynamodb_error("ConditionalCheckFailedException"))
        .build();
    let secret = cursor_secret(&client(&[&get, &put]), TABLE, [2; 32]).await.expect("a secret");
    assert_eq!(secret, [1; 32]);
}

#[tokio::test]
async fn a_cursor_secret_is_made_once() {
    let get = mock!(Client::get_item).then_output(|| GetItemOutput::builder().build());
    let put = mock!(Client::put_item)
        .match_requests(|request| request.condition_expression() == Some("attribute_not_exists(pk)"))
        .then_output(|| PutItemOutput::builder().build());
    let secret = cursor_secret(&client(&[&get, &put]), TABLE, [2; 32]).await.expect("a secret");
    assert_eq!((secret, put.num_calls()), ([2; 32], 1));
}
