//! The signer keeps its contract: the testkit's suite.

use std::{process::ExitCode, sync::Arc};
use tintype_content_credentials::{ContentCredentials, Identity};
use tintype_testkit::{Fresh, Suites};

fn main() -> ExitCode {
    Suites::new("content-credentials")
        .picture_signer(|| async {
            let data = tempfile::tempdir().expect("a temporary folder");
            let identity = Identity::local_or_new(data.path()).expect("an identity");
            Fresh::new(Arc::new(ContentCredentials::new(&identity).expect("a signer"))).keeping(data)
        })
        .run()
}
