//! An emulator of AWS, and fresh tables and buckets in it.

pub(crate) mod exclusions;
pub(crate) mod meter;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::{
    config::Credentials,
    types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType},
};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use aws_smithy_http_client::Builder;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where an emulator listens.
#[derive(Clone, Debug)]
pub(crate) struct Emulator {
    endpoint: String,
}

impl Emulator {
    /// The emulator at `TINTYPE_AWS_ENDPOINT`, such as `http://127.0.0.1:4566`; `None` without it.
    #[expect(clippy::disallowed_methods, reason = "where the emulator listens is a setting of the test")]
    pub(crate) fn from_environment() -> Option<Self> {
        std::env::var("TINTYPE_AWS_ENDPOINT").ok().map(|endpoint| Self { endpoint })
    }

    /// Clients of their own for each case: connections belong to the case's runtime, and end with it.
    pub(crate) async fn config(&self) -> SdkConfig {
        aws_config::defaults(BehaviorVersion::v2026_01_12())
            .credentials_provider(Credentials::new("test", "test", None, None, "emulator"))
            .region(Region::new("us-east-1"))
            .endpoint_url(&self.endpoint)
            .http_client(Builder::new().build_http())
            .load()
            .await
    }

    /// A new table with the keys that every table of ours has.
    pub(crate) async fn table(&self) -> (aws_sdk_dynamodb::Client, String) {
        let client = aws_sdk_dynamodb::Client::new(&self.config().await);
        let name = fresh_name();
        let create = client.create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
        let create =
            [("pk", KeyType::Hash), ("sk", KeyType::Range)].into_iter().fold(create, |create, key| {
                let (attribute, schema) = key_attribute(key.0, key.1);
                create.attribute_definitions(attribute).key_schema(schema)
            });
        create.send().await.expect("a new table");
        (client, name)
    }

    /// A new bucket that keeps versions, as the template's does.
    pub(crate) async fn bucket(&self) -> (aws_sdk_s3::Client, String) {
        let config = aws_sdk_s3::config::Builder::from(&self.config().await).force_path_style(true).build();
        let client = aws_sdk_s3::Client::from_conf(config);
        let name = fresh_name();
        client.create_bucket().bucket(&name).send().await.expect("a new bucket");
        let versions = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let keep = client.put_bucket_versioning().bucket(&name).versioning_configuration(versions);
        keep.send().await.expect("a bucket with versions");
        (client, name)
    }
}

fn key_attribute(name: &str, role: KeyType) -> (AttributeDefinition, KeySchemaElement) {
    let attribute =
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
    let schema = KeySchemaElement::builder().attribute_name(name).key_type(role);
    (attribute.build().expect("a good attribute"), schema.build().expect("a good key"))
}

/// A name that no other case has, nor another run against the same emulator.
fn fresh_name() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!("tintype-{:08x}-{}", fastrand::u32(..), NUMBER.fetch_add(1, Ordering::Relaxed))
}
