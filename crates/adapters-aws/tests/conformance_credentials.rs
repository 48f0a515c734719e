//! Credentials in DynamoDB keep the contract of their port. `TINTYPE_AWS_ENDPOINT` is the URL of an emulator; without
//! it the cases are reported as ignored.

#![expect(clippy::expect_used, reason = "a helper of a test fails it by panicking")]

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType},
};
use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tintype_aws::DynamoCredentialRepo;
use tintype_testkit::{Fresh, Port, Suites};

static TABLES: AtomicU32 = AtomicU32::new(0);

fn main() -> ExitCode {
    let suites = Suites::new("dynamodb");
    match endpoint() {
        Some(endpoint) => suites.credential_repo(move || fresh(endpoint.clone())).run(),
        None => suites.skip(Port::CredentialRepo, "set TINTYPE_AWS_ENDPOINT to the URL of an emulator").run(),
    }
}

#[expect(clippy::disallowed_methods, reason = "a test is told by its environment where the emulator is")]
fn endpoint() -> Option<String> {
    std::env::var("TINTYPE_AWS_ENDPOINT").ok().filter(|endpoint| !endpoint.is_empty())
}

/// The credentials of a table of its own.
async fn fresh(endpoint: String) -> Fresh<Arc<DynamoCredentialRepo>> {
    let client = client(endpoint).await;
    let number = TABLES.fetch_add(1, Ordering::Relaxed);
    let table = format!("credentials-{}-{number}", std::process::id());
    make_table(&client, &table).await;
    Fresh::new(Arc::new(DynamoCredentialRepo::new(client, table)))
}

async fn client(endpoint: String) -> Client {
    let shared = tintype_aws::clients::shared().await;
    let config = aws_sdk_dynamodb::config::Builder::from(&shared)
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"));
    Client::from_conf(config.build())
}

async fn make_table(client: &Client, table: &str) {
    let mut create = client.create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let attribute =
            AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder().attribute_name(name).key_type(kind);
        create = create
            .attribute_definitions(attribute.build().expect("an attribute"))
            .key_schema(key.build().expect("a key"));
    }
    create.send().await.expect("the emulator makes a table");
}
