//! A [`PictureSigner`] that writes C2PA manifests.

use crate::{Anchors, Identity, State, manifest};
use async_trait::async_trait;
use c2pa::{
    BoxedSigner, Builder, Context, Error as C2paError, Signer, SigningAlg, create_signer, settings::Settings,
};
use serde_json::{Value, json};
use std::{io::Cursor, sync::Arc};
use tintype_core::{
    domain::{Blob, OutputFormat, limits},
    error::{ErrorKind, PortError, PortResult},
    imaging,
    ports::PictureSigner,
    provenance::without_metadata,
};
use tintype_provenance::TRAINED_ALGORITHMIC_MEDIA;

const OPERATION: &str = "PictureSigner::sign";
const TOOL: &str = "Tintype";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What a key may be for, the likeliest first.
const ALGORITHMS: [SigningAlg; 5] =
    [SigningAlg::Es256, SigningAlg::Es384, SigningAlg::Es512, SigningAlg::Ps256, SigningAlg::Ed25519];
/// What a signature takes beside the certificates: the signature itself, at most 512 bytes of a key of 4,096 bits, and what
/// holds it together.
const SIGNATURE_BYTES: usize = 1_024;

/// Signs pictures with one identity.
#[derive(Clone)]
pub struct ContentCredentials(Arc<Parts>);

struct Parts {
    signer: Untimed,
    context: Arc<Context>,
}

impl std::fmt::Debug for ContentCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContentCredentials").finish_non_exhaustive()
    }
}

/// Why an identity can't be signed with, in words for its operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(String);

impl ContentCredentials {
    /// Signs with `identity`, once it has signed a picture of one pixel and that was found valid.
    ///
    /// # Errors
    /// If the key is none that C2PA knows, does not belong to the certificate, or the certificate has run out or is not
    /// meant for this.
    pub fn new(identity: &Identity) -> Result<Self, Unusable> {
        let signer = Untimed(signer(identity)?);
        let offline = Settings::new().with_value("core.allowed_network_hosts", Value::Array(Vec::new()));
        let context = offline
            .and_then(|settings| settings.with_value("builder.thumbnail.enabled", false))
            .and_then(|settings| Context::new().with_settings(settings))
            .map_err(|error| Unusable(error.to_string()))?;
        let credentials = Self(Arc::new(Parts { signer, context: context.into_shared() }));
        credentials.try_out()?;
        Ok(credentials)
    }

    fn try_out(&self) -> Result<(), Unusable> {
        let unusable = |error: PortError| Unusable(chain(&error));
        let pixel = imaging::encode_rgb(1, 1, vec![0; 3], OutputFormat::Png).map_err(unusable)?.blob;
        let signed = self.0.sign(&pixel, "").map_err(unusable)?;
        let read = manifest::read(signed.bytes(), &Anchors::default());
        match read.map_err(|error| Unusable(error.to_string()))? {
            manifest if manifest.state != State::Invalid => Ok(()),
            manifest => {
                let reasons = manifest.reasons.iter().map(ToString::to_string).collect::<Vec<_>>();
                Err(Unusable(format!("what it signs is not valid: {}", reasons.join("; "))))
            }
        }
    }
}

/// The first algorithm that the key is for.
fn signer(identity: &Identity) -> Result<BoxedSigner, Unusable> {
    let mut problem = None;
    for algorithm in ALGORITHMS {
        match create_signer::from_keys(identity.certificates(), identity.key(), algorithm, None) {
            Ok(signer) => return Ok(signer),
            Err(error) => problem = problem.or(Some(error)),
        }
    }
    let names = ALGORITHMS.map(|algorithm| algorithm.to_string()).join(", ");
    let detail = problem.map(|error| format!(": {error}")).unwrap_or_default();
    Err(Unusable(format!("the key must be a private key as PKCS #8 in PEM, for one of {names}{detail}")))
}

#[async_trait]
impl PictureSigner for ContentCredentials {
    async fn sign(&self, picture: &Blob, title: &str) -> PortResult<Blob> {
        let (parts, picture, title) = (self.0.clone(), picture.clone(), title.to_owned());
        // A panic of the crate's ends here, as any other failure.
        let signed = tokio::task::spawn_blocking(move || parts.sign(&picture, &title)).await;
        let signed = signed.unwrap_or_else(|error| {
            Err(PortError::new(ErrorKind::Internal, OPERATION, "signing stopped unexpectedly")
                .with_source(error))
        });
        // The caller goes on without: whoever runs this would not hear of the cause otherwise.
        signed.inspect_err(|error| tracing::warn!(error = chain(error), "a picture could not be signed"))
    }
}

impl Parts {
    fn sign(&self, picture: &Blob, title: &str) -> PortResult<Blob> {
        let mut signed = Cursor::new(Vec::new());
        Builder::from_shared_context(&self.context)
            .with_definition(definition(title))
            .and_then(|mut builder| {
                let format = picture.content_type().as_str();
                builder.sign(&self.signer, format, &mut Cursor::new(picture.bytes()), &mut signed)
            })
            .map_err(|error| failed(picture, error))?;
        let signed = Blob::new(signed.into_inner().into(), picture.content_type());
        check_same(picture, &signed)?;
        Ok(signed)
    }
}

/// What the manifest says: an algorithm that was trained made it, at once, with this tool.
fn definition(title: &str) -> Value {
    let tool = json!({ "name": TOOL, "version": VERSION });
    let created = json!({
        "action": "c2pa.created",
        "digitalSourceType": TRAINED_ALGORITHMIC_MEDIA,
        "softwareAgent": tool,
    });
    json!({
        "title": title,
        "claim_generator_info": [tool],
        "assertions": [{ "label": "c2pa.actions.v2", "data": { "actions": [created] } }],
    })
}

/// A fault of the picture's, or of signing.
fn failed(picture: &Blob, error: C2paError) -> PortError {
    let (kind, message) = match imaging::check(picture.bytes().clone()) {
        Err(_) => (ErrorKind::Data, "the picture can't be signed: it can't be read"),
        Ok(_) => (ErrorKind::Internal, "the picture can't be signed"),
    };
    PortError::new(kind, OPERATION, message).with_source(error)
}

/// Whatever was rearranged for the manifest: what shows the picture is what it was.
fn check_same(picture: &Blob, signed: &Blob) -> PortResult<()> {
    let bare = |blob: &Blob| without_metadata(blob.bytes(), blob.content_type(), &limits::IMAGES);
    if bare(picture)?.id() == bare(signed)?.id() {
        return Ok(());
    }
    Err(PortError::new(ErrorKind::Internal, OPERATION, "the picture was changed by signing it"))
}

fn chain(error: &PortError) -> String {
    let mut text = error.message().to_owned();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// A signer without a time stamp, which therefore needs no room for one: that would be 10 KB in each picture.
struct Untimed(BoxedSigner);

impl Signer for Untimed {
    fn sign(&self, data: &[u8]) -> c2pa::Result<Vec<u8>> {
        self.0.sign(data)
    }

    fn alg(&self) -> SigningAlg {
        self.0.alg()
    }

    fn certs(&self) -> c2pa::Result<Vec<Vec<u8>>> {
        self.0.certs()
    }

    fn reserve_size(&self) -> usize {
        let certificates = self.0.certs().unwrap_or_default();
        SIGNATURE_BYTES + certificates.iter().map(Vec::len).sum::<usize>()
    }
}
