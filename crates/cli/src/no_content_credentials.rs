//! Content Credentials in a build without them: pictures are not signed, and manifests not read.

use crate::failure::{Failure, Outcome};
use crate::lines::{Line, plain};
use crate::settings::Signing;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use tintype_core::ports::PictureSigner;

/// No signer.
///
/// # Errors
/// If one was asked for by its certificate.
pub(crate) fn signer(signing: &Signing, _: &Path) -> Outcome<Option<Arc<dyn PictureSigner>>> {
    match signing {
        Signing::Off | Signing::Local => Ok(None),
        Signing::Operator { .. } => Err(lacking("it can't sign pictures")),
    }
}

/// As [`signer`].
///
/// # Errors
/// As [`signer`].
pub(crate) fn signer_if_there(signing: &Signing, data: &Path) -> Outcome<Option<Arc<dyn PictureSigner>>> {
    signer(signing, data)
}

fn lacking(what: &str) -> Failure {
    Failure::usage(format!("this tintype was built without Content Credentials (C2PA): {what}"))
        .hint("build one that can: cargo install --path crates/cli --features c2pa")
}

/// Nothing that would be trusted.
#[derive(Debug)]
pub(crate) struct Trusted;

impl Trusted {
    /// Nothing.
    ///
    /// # Errors
    /// If something is named.
    pub(crate) fn read(path: Option<&Path>) -> Outcome<Self> {
        match path {
            Some(_) => Err(lacking("it can't check manifests")),
            None => Ok(Self),
        }
    }
}

/// The manifest of a picture that has one.
#[derive(Debug)]
pub(crate) struct Manifest;

impl Manifest {
    /// Looks no further.
    pub(crate) const fn read(_: &[u8], _: &Trusted) -> Self {
        Self
    }

    /// That there is one.
    pub(crate) fn lines(&self) -> Vec<Line> {
        vec![plain("sealed", "it has Content Credentials (C2PA); this build can't check them")]
    }

    /// That there is one.
    pub(crate) fn json(&self) -> Value {
        json!({ "error": "this tintype was built without Content Credentials: it can't check them" })
    }
}
