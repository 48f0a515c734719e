//! Content Credentials: what pictures are signed with, and what signed ones are shown to say.

use crate::failure::{Exit, Failure, Outcome};
use crate::lines::{Line, plain};
use crate::settings::Signing;
use crate::terminal::Style;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tintype_content_credentials::{
    Action, Anchors, BadIdentity, ContentCredentials, Identity, Manifest as Read, State, Unreadable, read,
};
use tintype_core::ports::PictureSigner;

/// What signs the pictures of a server on the data folder, which is this process's alone.
///
/// # Errors
/// If a file can't be read, or the certificate can't be signed with.
pub(crate) fn signer(signing: &Signing, folder: &Path) -> Outcome<Option<Arc<dyn PictureSigner>>> {
    match signing {
        Signing::Off => Ok(None),
        Signing::Local => match Identity::local_or_new(folder) {
            Ok(identity) => ready(&identity),
            Err(error) if error.is_of_space() => {
                tracing::warn!(%error, "images are not signed until the next start with room on the disk");
                Ok(None)
            }
            Err(error) => Err(bad(&error)),
        },
        Signing::Operator { cert, key } => operator(cert, key),
    }
}

/// What signs the pictures of a job that leaves nothing behind: a local identity is used where there is one.
///
/// # Errors
/// As [`signer`].
pub(crate) fn signer_if_there(signing: &Signing, data: &Path) -> Outcome<Option<Arc<dyn PictureSigner>>> {
    match signing {
        Signing::Off => Ok(None),
        Signing::Local => match Identity::local(data).map_err(|error| bad(&error))? {
            Some(identity) => ready(&identity),
            None => Ok(None),
        },
        Signing::Operator { cert, key } => operator(cert, key),
    }
}

fn operator(cert: &Path, key: &Path) -> Outcome<Option<Arc<dyn PictureSigner>>> {
    ready(&Identity::from_files(cert, key).map_err(|error| bad(&error))?)
}

fn ready(identity: &Identity) -> Outcome<Option<Arc<dyn PictureSigner>>> {
    match ContentCredentials::new(identity) {
        Ok(signer) => Ok(Some(Arc::new(signer))),
        Err(error) => Err(Failure::usage(format!("pictures can't be signed with this certificate: {error}"))
            .hint("docs/provenance.md says what it must be like; --c2pa-sign off leaves pictures unsigned")),
    }
}

fn bad(error: &BadIdentity) -> Failure {
    Failure::usage(error.to_string()).hint("--c2pa-sign off leaves pictures unsigned")
}

/// The certificates that are trusted to vouch for who signed a picture.
#[derive(Debug)]
pub(crate) struct Trusted(Anchors);

impl Trusted {
    /// Those in the file; without one, none.
    ///
    /// # Errors
    /// If it can't be read or holds none.
    pub(crate) fn read(path: Option<&Path>) -> Outcome<Self> {
        let Some(path) = path else { return Ok(Self(Anchors::default())) };
        let failed = |exit, problem: String| Failure::new(exit, format!("{}: {problem}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| failed(Exit::NotFound, error.to_string()))?;
        Ok(Self(Anchors::from_pem(text).map_err(|problem| failed(Exit::Refused, problem))?))
    }
}

/// The manifest of a picture that has one, checked.
#[derive(Debug)]
pub(crate) struct Manifest(Result<Read, Unreadable>);

impl Manifest {
    /// Reads and checks it.
    pub(crate) fn read(bytes: &[u8], trusted: &Trusted) -> Self {
        Self(read(bytes, &trusted.0))
    }

    /// What it says, for a person.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let manifest = match &self.0 {
            Ok(manifest) => manifest,
            Err(error) => return vec![("sealed", Style::Amber, error.to_string())],
        };
        let who = [&manifest.signed_by, &manifest.organization].map(|name| name.as_deref());
        let mut lines = vec![
            sealed(manifest.state),
            plain("signed by", who.into_iter().flatten().collect::<Vec<_>>().join(", ")),
            plain("signed at", manifest.signed_at.clone().unwrap_or_default()),
            plain("title", manifest.title.clone().unwrap_or_default()),
        ];
        lines.extend(manifest.actions.iter().map(|action| plain("says", in_words(action))));
        lines.extend(manifest.reasons.iter().map(|reason| ("because", Style::Amber, reason.to_string())));
        lines
    }

    /// What it says.
    pub(crate) fn json(&self) -> Value {
        match &self.0 {
            Ok(manifest) => serde_json::to_value(manifest).unwrap_or_default(),
            Err(error) => json!({ "error": error.to_string() }),
        }
    }
}

fn sealed(state: State) -> Line {
    match state {
        State::Invalid => {
            ("sealed", Style::Amber, "not validly: what its Content Credentials say does not hold".to_owned())
        }
        State::Valid => {
            plain("sealed", "unchanged since it was signed (C2PA); that it was by who it says is not proven")
        }
        State::Trusted => plain("sealed", "unchanged since it was signed (C2PA), by who it says"),
    }
}

fn in_words(action: &Action) -> String {
    let mut words = action.action.clone();
    if let Some(term) = action.digital_source_type.as_deref().and_then(|term| term.rsplit('/').next()) {
        words.push_str(&format!(" as {term}"));
    }
    if let Some(agent) = &action.software_agent {
        words.push_str(&format!(" by {agent}"));
    }
    words
}
