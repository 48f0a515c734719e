//! Every port of this adapter keeps its contract: the testkit's suites, against an emulator of AWS. The model is asked
//! without one. What needs a running state machine or an open WebSocket is ignored here, with the reason.
//!
//! `bash tests/aws/conformance` from the workspace's folder starts the emulators and runs this against each. By hand:
//! `TINTYPE_AWS_ENDPOINT` is where the emulator listens, `TINTYPE_AWS_EMULATOR` which one it is (see
//! `support/exclusions.rs`). Without the first every case but the model's is reported as ignored.

#[expect(dead_code, reason = "the tests of costs use the rest")]
#[path = "../support/mod.rs"]
mod support;

mod model;

use std::{process::ExitCode, sync::Arc};
use support::{
    Emulator,
    exclusions::{self, EXCLUSIONS},
};
use tintype_aws::{
    AwsIntegrity, CloudLinkSigner, DynamoCollectionRepo, DynamoConnectionRegistry, DynamoCredentialRepo,
    DynamoJobRepo, DynamoMetadataRepo, S3ImageStore,
};
use tintype_core::{domain::BlobId, ports::Integrity};
use tintype_testkit::{CorruptibleStore, Fresh, IntegrityFixture, Port, Suites};

fn main() -> ExitCode {
    // Another port's suite is added at the end of `suites`, and its name here.
    const PORTS: [Port; 8] = [
        Port::CollectionRepo,
        Port::ConnectionRegistry,
        Port::CredentialRepo,
        Port::ImageStore,
        Port::Integrity,
        Port::JobRepo,
        Port::LinkSigner,
        Port::MetadataRepo,
    ];
    let Some(emulator) = Emulator::from_environment() else {
        let why =
            "TINTYPE_AWS_ENDPOINT is not set: run `bash tests/aws/conformance`, or see docs/aws-emulators.md";
        return PORTS.into_iter().fold(without_emulator(), |suites, port| suites.skip(port, why)).run();
    };
    let name = exclusions::emulator_from_environment();
    let excluded = EXCLUSIONS.iter().filter(|exclusion| name == Some(exclusion.emulator));
    excluded
        .fold(suites(&emulator), |suites, exclusion| suites.skip_case(exclusion.case, exclusion.why))
        .run()
}

fn without_emulator() -> Suites {
    Suites::new("aws")
        .image_model(|| async { Fresh::new(model::fixture()) })
        .skip(Port::Notifier, "needs an open WebSocket behind API Gateway: the tests of the whole stack have one")
        .skip(
            Port::Workflow,
            "Step Functions can't be driven step by step or under a clock of ours, and has no line; its answers are \
             replayed in replay_models, its runs are tested with the whole stack",
        )
}

fn suites(emulator: &Emulator) -> Suites {
    let at = |emulator: &Emulator| emulator.clone();
    let collections = at(emulator);
    let (connections, images, corruptible) = (at(emulator), at(emulator), at(emulator));
    let integrity = at(emulator);
    let (jobs, metadata, links, credentials) = (at(emulator), at(emulator), at(emulator), at(emulator));
    without_emulator()
        .collection_repo(move || {
            let emulator = collections.clone();
            async move {
                let (client, table) = emulator.table().await;
                Fresh::new(Arc::new(DynamoCollectionRepo::new(client, table)))
            }
        })
        .connection_registry(move || {
            let emulator = connections.clone();
            async move {
                let (client, table) = emulator.table().await;
                Fresh::new(Arc::new(DynamoConnectionRegistry::new(client, table)))
            }
        })
        .image_store(move || {
            let emulator = images.clone();
            async move {
                let (client, bucket) = emulator.bucket().await;
                Fresh::new(Arc::new(S3ImageStore::new(client, bucket)))
            }
        })
        .corruptible_image_store(move || {
            let emulator = corruptible.clone();
            async move { Fresh::new(corruptible_store(&emulator).await) }
        })
        .integrity(move || {
            let emulator = integrity.clone();
            async move { Fresh::new(integrity_fixture(&emulator).await) }
        })
        .job_repo(move || {
            let emulator = jobs.clone();
            async move {
                let (client, table) = emulator.table().await;
                Fresh::new(Arc::new(DynamoJobRepo::new(client, table)))
            }
        })
        .metadata_repo(move || {
            let emulator = metadata.clone();
            async move {
                let (client, table) = emulator.table().await;
                Fresh::new(Arc::new(DynamoMetadataRepo::new(client, table)))
            }
        })
        .link_signer(move || {
            let emulator = links.clone();
            async move {
                let (client, bucket) = emulator.bucket().await;
                Fresh::new(Arc::new(CloudLinkSigner::presigned(client, bucket)))
            }
        })
        .credential_repo(move || {
            let emulator = credentials.clone();
            async move {
                let (client, table) = emulator.table().await;
                Fresh::new(Arc::new(DynamoCredentialRepo::new(client, table)))
            }
        })
}

/// Two tables and a bucket; the tables are emptied by putting new ones in their place, as a restoration does.
async fn integrity_fixture(emulator: &Emulator) -> IntegrityFixture {
    let (s3, bucket) = emulator.bucket().await;
    let open = async |s3: aws_sdk_s3::Client, bucket: String, emulator: Emulator| {
        let (dynamodb, jobs) = emulator.table().await;
        let (_, images) = emulator.table().await;
        Arc::new(AwsIntegrity::new(s3, bucket, &dynamodb, jobs, images)) as Arc<dyn Integrity>
    };
    let integrity = open(s3.clone(), bucket.clone(), emulator.clone()).await;
    let emulator = emulator.clone();
    let empty_the_records = Box::new(move || {
        let (s3, bucket, emulator) = (s3.clone(), bucket.clone(), emulator.clone());
        Box::pin(async move { Some(open(s3, bucket, emulator).await) }) as _
    });
    IntegrityFixture { integrity, empty_the_records }
}

/// A store whose objects are overwritten behind its back.
async fn corruptible_store(emulator: &Emulator) -> CorruptibleStore {
    let (client, bucket) = emulator.bucket().await;
    let store = Arc::new(S3ImageStore::new(client.clone(), &bucket));
    let corrupt = Box::new(move |id: BlobId| {
        let put = client.put_object().bucket(&bucket).key(format!("blobs/{id}"));
        let put = put.body(b"not what was put there".to_vec().into());
        Box::pin(async move { drop(put.send().await.expect("overwrite")) }) as _
    });
    CorruptibleStore { store, corrupt }
}
