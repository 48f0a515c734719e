//! The public keys of an issuer of tokens: found by OpenID Connect discovery, kept for a while, asked for anew when a
//! token names an unknown one; but not more than once in a while, or anybody could make this function flood the issuer.

use super::fetch::{Fetch, FetchError};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tintype_core::domain::Timestamp;
use tokio::sync::Mutex;

/// How long keys are used before they are asked for anew.
const LIFE: Duration = Duration::from_secs(3_600);
/// How long they are used where the issuer does not answer.
const GRACE: Duration = Duration::from_secs(24 * 3_600);
/// The shortest time between two questions to the issuer.
const PAUSE: Duration = Duration::from_secs(60);

/// A key that tokens are signed with.
#[derive(Clone, Debug)]
pub(super) struct PublicKey {
    id: Option<String>,
    /// The one algorithm it is for: never the token's own word.
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct KeySet {
    issuer: String,
    fetch: Arc<dyn Fetch>,
    /// Held while the issuer is asked, so that it is asked once.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    keys: Vec<PublicKey>,
    read_at: Option<Timestamp>,
    asked_at: Option<Timestamp>,
    failed: bool,
}

impl State {
    fn find(&self, id: Option<&str>) -> Option<PublicKey> {
        let mut fitting = self.keys.iter().filter(|key| id.is_none() || key.id.as_deref() == id);
        // A token that names no key is clear only where there is just one.
        fitting.next().filter(|_| fitting.next().is_none()).cloned()
    }

    fn is_younger_than(&self, age: Duration, now: Timestamp) -> bool {
        self.read_at.is_some_and(|read_at| now.since(read_at) < age)
    }

    fn may_ask(&self, now: Timestamp) -> bool {
        self.asked_at.is_none_or(|asked_at| now.since(asked_at) >= PAUSE)
    }
}

impl KeySet {
    pub(super) fn new(issuer: String, fetch: Arc<dyn Fetch>) -> Self {
        Self { issuer, fetch, state: Mutex::default() }
    }

    /// The key of this id; `None` if the issuer has none.
    ///
    /// # Errors
    /// If the issuer can't be asked and it is not known from before.
    pub(super) async fn find(
        &self,
        id: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<PublicKey>, FetchError> {
        let mut state = self.state.lock().await;
        let known = state.find(id);
        if known.is_some() && state.is_younger_than(LIFE, now) {
            return Ok(known);
        }
        if state.may_ask(now) {
            self.ask(&mut state, now).await;
        }
        match state.find(id) {
            Some(key) if state.is_younger_than(GRACE, now) => Ok(Some(key)),
            _ if state.failed => Err("the issuer of tokens gives no keys".into()),
            _ => Ok(None),
        }
    }

    async fn ask(&self, state: &mut State, now: Timestamp) {
        state.asked_at = Some(now);
        match self.read().await {
            Ok(keys) => {
                *state = State { keys, read_at: Some(now), asked_at: Some(now), failed: false };
            }
            Err(error) => {
                state.failed = true;
                tracing::error!(issuer = self.issuer, %error, "the issuer's keys can't be read");
            }
        }
    }

    async fn read(&self) -> Result<Vec<PublicKey>, FetchError> {
        let base = self.issuer.trim_end_matches('/');
        let about: About = self.get(&format!("{base}/.well-known/openid-configuration")).await?;
        if about.issuer != self.issuer {
            return Err(
                format!("it calls itself {:?}; OIDC_ISSUER must be the same text", about.issuer).into()
            );
        }
        check_url(&about.jwks_uri)?;
        let set: Set = self.get(&about.jwks_uri).await?;
        Ok(set.keys.into_iter().filter_map(public_key).collect())
    }

    async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, FetchError> {
        Ok(serde_json::from_slice(&self.fetch.get(url).await?)?)
    }
}

/// Keys come over TLS, or from this machine.
pub(super) fn check_url(url: &str) -> Result<(), FetchError> {
    let local = ["http://127.0.0.1:", "http://localhost:"];
    if url.starts_with("https://") || local.iter().any(|start| url.starts_with(start)) {
        return Ok(());
    }
    Err(format!("{url:?} must start with https://").into())
}

/// What an issuer says of itself.
#[derive(Debug, Deserialize)]
struct About {
    issuer: String,
    jwks_uri: String,
}

#[derive(Debug, Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// A key we can use; the others of a set are for others.
fn public_key(value: Value) -> Option<PublicKey> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let algorithm = algorithm(&jwk.algorithm)?;
    let named = match jwk.common.key_algorithm {
        None => true,
        Some(KeyAlgorithm::RS256) => algorithm == Algorithm::RS256,
        Some(KeyAlgorithm::ES256) => algorithm == Algorithm::ES256,
        Some(_) => false,
    };
    let signs = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    if !(named && signs) {
        return None;
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    Some(PublicKey { id: jwk.common.key_id, algorithm, key })
}

/// What keys of this shape sign with; `None` for shapes that are not taken.
fn algorithm(shape: &AlgorithmParameters) -> Option<Algorithm> {
    if let AlgorithmParameters::RSA(_) = shape {
        return Some(Algorithm::RS256);
    }
    let AlgorithmParameters::EllipticCurve(curve) = shape else { return None };
    (curve.curve == EllipticCurve::P256).then_some(Algorithm::ES256)
}
