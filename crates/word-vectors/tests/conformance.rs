//! The words keep the contract of their port: the testkit's suite.

use std::{process::ExitCode, sync::Arc};
use tintype_testkit::{Fresh, Suites};
use tintype_word_vectors::WordVectors;

fn main() -> ExitCode {
    Suites::new("word-vectors").text_embedder(|| async { Fresh::new(Arc::new(WordVectors)) }).run()
}
