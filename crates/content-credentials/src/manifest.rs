//! What a signed picture claims, and whether that holds.

use crate::watched::{Stopped, watched};
use c2pa::{
    Context, Manifest as C2paManifest, Reader,
    assertions::{Actions, SoftwareAgent},
    settings::Settings,
    validation_results::{ValidationResults, ValidationState},
};
use serde::Serialize;
use serde_json::Value;
use std::{fmt, io::Cursor};
use tintype_provenance::Format;

/// The most actions and reasons of one manifest that are told.
const TOLD: usize = 64;
/// The most characters of one text of a manifest that are told.
const TEXT_CHARS: usize = 500;

/// The certificates that are trusted. By default none: then nothing is [`State::Trusted`].
#[derive(Clone, Debug, Default)]
pub struct Anchors(Option<String>);

impl Anchors {
    /// Those of a PEM text.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn from_pem(text: String) -> Result<Self, String> {
        let anchors = Self(Some(text));
        anchors.settings().map_err(|_| "it holds no certificate in PEM".to_owned())?;
        Ok(anchors)
    }

    /// Nothing is fetched: neither manifests nor whether certificates were revoked.
    fn settings(&self) -> c2pa::Result<Settings> {
        let settings = Settings::new()
            .with_value("core.allowed_network_hosts", Value::Array(Vec::new()))?
            .with_value("verify.remote_manifest_fetch", false)?;
        match &self.0 {
            Some(anchors) => settings.with_value("trust.trust_anchors", anchors.as_str()),
            None => Ok(settings),
        }
    }
}

/// What the last who signed a picture says of it, and whether that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// Whether it holds.
    pub state: State,
    /// Why not, or why not more than that.
    pub reasons: Vec<Reason>,
    /// Who signed it: the name in the certificate.
    pub signed_by: Option<String>,
    /// The organisation in the certificate.
    pub organization: Option<String>,
    /// When, if a time stamp says so.
    pub signed_at: Option<String>,
    /// What the picture is called.
    pub title: Option<String>,
    /// The tool that wrote the manifest, with its version.
    pub tool: Option<String>,
    /// What was done.
    pub actions: Vec<Action>,
    /// How many manifests of others there are, of what it was made from.
    pub ingredients: usize,
}

/// Whether a manifest holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The picture or the manifest was changed since, or the certificate is not good for this.
    Invalid,
    /// Nothing was changed since it was signed; whether who signed it is who they say is not known.
    Valid,
    /// And a certificate that is trusted vouches for who signed it.
    Trusted,
}

/// Why a manifest does not hold, or not more than it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The code of the C2PA specification, as in `assertion.dataHash.mismatch`.
    pub code: String,
    /// In words.
    pub detail: Option<String>,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) => write!(f, "{detail} ({})", self.code),
            None => f.write_str(&self.code),
        }
    }
}

/// Something that was done to a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Action {
    /// The action, as in `c2pa.created`.
    pub action: String,
    /// IPTC's term for what the picture is.
    pub digital_source_type: Option<String>,
    /// The tool that did it, with its version.
    pub software_agent: Option<String>,
}

/// Why a manifest can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There is none, or it is damaged.
    #[error("its manifest can't be read: {0}")]
    Damaged(String),
    /// What reads it broke off.
    #[error("its manifest can't be read: what reads it broke off")]
    BrokeOff,
    /// It took too long.
    #[error("its manifest can't be read in reasonable time")]
    TookTooLong,
}

/// Reads and checks the manifest of a picture, without asking anybody else. Hostile files are fine: what reads them runs in a
/// thread of its own, for 30 seconds at most, and a panic of it is an answer.
///
/// # Errors
/// [`Unreadable`].
pub fn read(bytes: &[u8], anchors: &Anchors) -> Result<Manifest, Unreadable> {
    let damaged = |error: &dyn fmt::Display| Unreadable::Damaged(short(&error.to_string()));
    let format = Format::of(bytes).map_err(|error| damaged(&error))?.as_str();
    let context = anchors.settings().and_then(|settings| Context::new().with_settings(settings));
    let reader = Reader::from_context(context.map_err(|error| damaged(&error))?);
    let bytes = bytes.to_vec();
    let read = watched(move || reader.with_stream(format, Cursor::new(bytes)).map(|reader| told(&reader)));
    match read {
        Ok(Ok(Some(manifest))) => Ok(manifest),
        Ok(Ok(None)) => Err(Unreadable::Damaged("there is none".to_owned())),
        Ok(Err(error)) => Err(damaged(&error)),
        Err(Stopped::Panicked) => Err(Unreadable::BrokeOff),
        Err(Stopped::TookTooLong) => Err(Unreadable::TookTooLong),
    }
}

fn told(reader: &Reader) -> Option<Manifest> {
    let manifest = reader.active_manifest()?;
    let tool = manifest.claim_generator_info.iter().flatten().next();
    Some(Manifest {
        state: match reader.validation_state() {
            ValidationState::Invalid => State::Invalid,
            ValidationState::Valid => State::Valid,
            ValidationState::Trusted => State::Trusted,
        },
        reasons: reader.validation_results().map(reasons).unwrap_or_default(),
        signed_by: manifest.common_name().as_deref().map(short),
        organization: manifest.issuer().as_deref().map(short),
        signed_at: manifest.time().as_deref().map(short),
        title: manifest.title().map(short),
        tool: tool.map(|tool| named(&tool.name, tool.version.as_deref())),
        actions: actions(manifest),
        ingredients: manifest.ingredients().len(),
    })
}

fn reasons(results: &ValidationResults) -> Vec<Reason> {
    let own = results.active_manifest().into_iter().flat_map(|codes| codes.failure());
    let others = results.ingredient_deltas().into_iter().flatten();
    let others = others.flat_map(|delta| delta.validation_deltas().failure());
    own.chain(others)
        .take(TOLD)
        .map(|status| Reason { code: short(status.code()), detail: status.explanation().map(short) })
        .collect()
}

fn actions(manifest: &C2paManifest) -> Vec<Action> {
    // Both versions of the assertion are read as the later one.
    let Ok(found) = manifest.find_assertion::<Actions>(Actions::LABEL) else { return Vec::new() };
    found
        .actions
        .iter()
        .take(TOLD)
        .map(|action| Action {
            action: short(action.action()),
            digital_source_type: action
                .source_type()
                .and_then(|source| serde_json::to_value(source).ok()?.as_str().map(short)),
            software_agent: action.software_agent().map(|agent| match agent {
                SoftwareAgent::String(name) => short(name),
                SoftwareAgent::ClaimGeneratorInfo(tool) => named(&tool.name, tool.version.as_deref()),
            }),
        })
        .collect()
}

fn named(name: &str, version: Option<&str>) -> String {
    match version {
        Some(version) => short(&format!("{name} {version}")),
        None => short(name),
    }
}

/// As much of a text as a person would read.
fn short(text: &str) -> String {
    text.chars().take(TEXT_CHARS).collect()
}
