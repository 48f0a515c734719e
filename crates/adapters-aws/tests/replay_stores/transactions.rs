//! Transactions that are cancelled, and why; an answer that was lost on its way.

use crate::answers::{Attributes, canceled, dynamodb_error, job_item};
use crate::dynamodb::client;
use aws_sdk_dynamodb::{
    Client,
    config::http::HttpResponse,
    operation::{get_item::GetItemOutput, transact_write_items::TransactWriteItemsOutput},
};
use aws_smithy_mocks::{MockResponse, Rule, mock};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tintype_aws::DynamoJobRepo;
use tintype_core::{
    ErrorKind, PortError,
    domain::{Job, JobStatus},
    ports::{InsertedJob, JobRepo},
};
use tintype_testkit::samples::{START, job_id, new_job};

/// Whoever asks is given the waiting job, at revision 1.
fn waiting_job() -> Rule {
    let item = job_item(&Job::accept(new_job(1, 0)).0, 1);
    mock!(Client::get_item).then_output(move || GetItemOutput::builder().set_item(Some(item.clone())).build())
}

async fn begin_after(answer: Option<String>) -> (Result<Job, PortError>, usize) {
    let get = waiting_job();
    let transact = mock!(Client::transact_write_items)
        .sequence()
        .http_status(400, answer)
        .output(|| TransactWriteItemsOutput::builder().build())
        .build();
    let repo = DynamoJobRepo::new(client(&[&get, &transact]), "table");
    let begun = repo.begin(&job_id(1, 0), START).await;
    (begun, get.num_calls())
}

#[tokio::test]
async fn a_change_that_met_another_is_made_on_what_is_there_then() {
    for answer in [
        canceled(&["ConditionalCheckFailed", "None", "None"]),
        canceled(&["TransactionConflict", "None", "None"]),
        canceled(&["None", "TransactionConflict", "None"]),
        dynamodb_error("TransactionInProgressException"),
    ] {
        let (begun, reads) = begin_after(answer.clone()).await;
        assert_eq!(begun.expect("begin").status, JobStatus::Running, "{answer:?}");
        assert_eq!(reads, 2, "{answer:?}");
    }
}

#[tokio::test]
async fn a_transaction_that_was_cancelled_for_its_pace_is_throttled() {
    for reasons in [
        ["None", "ThrottlingError", "None"],
        ["None", "ProvisionedThroughputExceeded", "None"],
        ["ConditionalCheckFailed", "ThrottlingError", "None"],
    ] {
        let (begun, reads) = begin_after(canceled(&reasons)).await;
        assert_eq!(begun.expect_err("must fail").kind(), ErrorKind::Throttled, "{reasons:?}");
        assert_eq!(reads, 1, "{reasons:?}");
    }
}

#[tokio::test]
async fn a_transaction_that_was_wrong_is_internal_and_says_why() {
    let (begun, _) = begin_after(canceled(&["None", "ValidationError", "None"])).await;
    let error = begun.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.message().contains("ValidationError"), "{error}");
}

#[tokio::test]
async fn a_change_that_loses_every_race_is_unavailable() {
    let get = waiting_job();
    let transact = mock!(Client::transact_write_items)
        .sequence()
        .http_status(400, canceled(&["TransactionConflict", "None", "None"]))
        .repeatedly()
        .build();
    let repo = DynamoJobRepo::new(client(&[&get, &transact]), "table");
    let error = repo.begin(&job_id(1, 0), START).await.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(transact.num_calls() < 100, "{} tries", transact.num_calls());
}

type Shelf = Arc<Mutex<HashMap<String, Attributes>>>;

fn http(status: u16, body: Option<String>) -> HttpResponse {
    HttpResponse::new(status.try_into().expect("a good status"), body.unwrap_or_default().into())
}

/// A table that makes the first transaction and then does not answer; the next ones find their items there.
fn table_that_loses_an_answer() -> (Rule, Rule) {
    let reading = Shelf::default();
    let shelf = Arc::clone(&reading);
    let transact = mock!(Client::transact_write_items).then_compute_response(move |request| {
        let mut shelf = shelf.lock().expect("no panic");
        if !shelf.is_empty() {
            return MockResponse::Http(http(
                400,
                canceled(&["ConditionalCheckFailed", "None", "None", "None"]),
            ));
        }
        for put in request.transact_items().iter().filter_map(|write| write.put()) {
            shelf.insert(place_of(put.item()), put.item().clone());
        }
        MockResponse::Http(http(500, dynamodb_error("InternalServerError")))
    });
    let get = mock!(Client::get_item).then_compute_output(move |request| {
        let shelf = reading.lock().expect("no panic");
        let item = request.key().and_then(|key| shelf.get(&place_of(key)).cloned());
        GetItemOutput::builder().set_item(item).build()
    });
    (transact, get)
}

fn place_of(key: &Attributes) -> String {
    format!("{:?} {:?}", key["pk"], key["sk"])
}

#[tokio::test]
async fn an_insertion_that_is_repeated_after_a_lost_answer_makes_one_job() {
    let (transact, get) = table_that_loses_an_answer();
    let repo = DynamoJobRepo::new(client(&[&transact, &get]), "table");
    let lost = repo.insert(&new_job(1, 0), None).await.expect_err("there is no answer");
    assert_eq!(lost.kind(), ErrorKind::Unavailable);
    let again = repo.insert(&new_job(1, 0), None).await.expect("insert");
    let job = Job::accept(new_job(1, 0)).0;
    assert_eq!(again, InsertedJob::Created(Box::new(job)));
}
