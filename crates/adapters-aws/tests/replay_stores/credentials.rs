//! Credentials: what the emulators never answer.

use crate::answers::{canceled, dynamodb_error};
use crate::dynamodb::client;
use aws_sdk_dynamodb::{
    Client,
    operation::{
        delete_item::DeleteItemOutput, get_item::GetItemOutput,
        transact_write_items::TransactWriteItemsOutput,
    },
};
use aws_smithy_mocks::mock;
use tintype_aws::DynamoCredentialRepo;
use tintype_core::{
    ErrorKind,
    domain::{ApiKey, BlobId},
    ports::CredentialRepo,
};
use tintype_testkit::samples::{START, alice};

fn key() -> ApiKey {
    let name = "laptop".parse().expect("a good name");
    ApiKey { hash: BlobId::of(b"secret"), owner: alice(), name, created_at: START, expires_at: None }
}

#[tokio::test]
async fn a_table_that_asks_for_a_slower_pace_is_throttled() {
    let code = "ProvisionedThroughputExceededException";
    let get = mock!(Client::get_item).sequence().http_status(400, dynamodb_error(code)).build();
    let delete = mock!(Client::delete_item).sequence().http_status(400, dynamodb_error(code)).build();
    let reasons = canceled(&["ThrottlingError", "None"]);
    let transact = mock!(Client::transact_write_items).sequence().http_status(400, reasons).build();
    let repo = DynamoCredentialRepo::new(client(&[&get, &delete, &transact]), "table");
    let found = repo.find_key(&key().hash, START).await.expect_err("must fail");
    let taken = repo.take_ticket(&key().hash, START).await.expect_err("must fail");
    let added = repo.add_key(&key()).await.expect_err("must fail");
    assert_eq!([found.kind(), taken.kind(), added.kind()], [ErrorKind::Throttled; 3]);
}

#[tokio::test]
async fn a_key_whose_transaction_met_another_is_written_again() {
    let get = mock!(Client::get_item).then_output(|| GetItemOutput::builder().build());
    let transact = mock!(Client::transact_write_items)
        .sequence()
        .http_status(400, canceled(&["None", "TransactionConflict"]))
        .output(|| TransactWriteItemsOutput::builder().build())
        .build();
    let repo = DynamoCredentialRepo::new(client(&[&get, &transact]), "table");
    repo.add_key(&key()).await.expect("the second transaction lands");
    assert_eq!(transact.num_calls(), 2);
}

#[tokio::test]
async fn a_ticket_that_another_call_took_is_none() {
    let refused = dynamodb_error("ConditionalCheckFailedException");
    let delete = mock!(Client::delete_item)
        .sequence()
        .http_status(400, refused)
        .output(|| DeleteItemOutput::builder().build())
        .build();
    let repo = DynamoCredentialRepo::new(client(&[&delete]), "table");
    for _ in 0..2 {
        assert_eq!(repo.take_ticket(&key().hash, START).await.expect("an answer"), None);
    }
}
