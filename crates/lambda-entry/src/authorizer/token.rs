//! OIDC tokens: signed by the issuer that is configured, meant for us, and of now.

use super::{
    Refusal,
    fetch::Fetch,
    key_set::{KeySet, PublicKey, check_url},
    signature,
};
use jsonwebtoken::{Validation, decode, decode_header};
use serde::Deserialize;
use std::sync::Arc;
use thiserror::Error;
use tintype_core::domain::{OwnerId, Timestamp};

/// How far the issuer's clock may be from ours, in seconds.
const CLOCK_SKEW_S: f64 = 30.0;

/// Whose tokens are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSettings {
    /// `OIDC_ISSUER`: the `iss` of the tokens, as in `https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc`.
    pub issuer: String,
    /// `OIDC_AUDIENCE`: their `aud`; of Cognito's access tokens, which have none, the `client_id`.
    pub audience: String,
}

/// Settings that tokens can't be verified by.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadTokenSettings {
    /// One without the other.
    #[error("set the environment variables OIDC_ISSUER and OIDC_AUDIENCE both, or neither")]
    Half,
    /// The issuer is no URL that keys may come from.
    #[error("the environment variable OIDC_ISSUER must be the issuer's URL and start with https://")]
    Issuer,
}

impl TokenSettings {
    /// The settings of both variables; `None` if neither is set: then only API keys are taken.
    ///
    /// # Errors
    /// If just one is set, or the issuer is no `https` URL.
    pub fn of(issuer: Option<String>, audience: Option<String>) -> Result<Option<Self>, BadTokenSettings> {
        match (issuer, audience) {
            (None, None) => Ok(None),
            (Some(issuer), Some(audience)) => {
                check_url(&issuer).map_err(|_| BadTokenSettings::Issuer)?;
                Ok(Some(Self { issuer, audience }))
            }
            _ => Err(BadTokenSettings::Half),
        }
    }
}

/// Knows whom a token stands for.
#[derive(Debug)]
pub struct TokenVerifier {
    settings: TokenSettings,
    keys: KeySet,
}

/// What a token says.
#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    aud: Option<Audience>,
    client_id: Option<String>,
    token_use: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl TokenVerifier {
    /// A verifier that learns the issuer's keys by `fetch`, when the first token comes.
    pub fn new(settings: TokenSettings, fetch: Arc<dyn Fetch>) -> Self {
        signature::install();
        let keys = KeySet::new(settings.issuer.clone(), fetch);
        Self { settings, keys }
    }

    /// The owner that `token` stands for, its `sub`; `None` if it stands for nobody.
    ///
    /// # Errors
    /// [`Refusal::Failed`] if the issuer's keys can't be had.
    pub async fn owner(&self, token: &str, now: Timestamp) -> Result<Option<OwnerId>, Refusal> {
        let Ok(header) = decode_header(token) else { return Ok(None) };
        // An extension that must be understood is not (RFC 7515, 4.1.11).
        if header.crit.is_some() {
            return Ok(None);
        }
        let key = self.keys.find(header.kid.as_deref(), now).await.map_err(|error| {
            tracing::error!(%error, "a token can't be verified");
            Refusal::Failed
        })?;
        let claims = key.and_then(|key| signed_claims(token, &key));
        Ok(claims.filter(|claims| self.accepts(claims, now)).and_then(|claims| claims.sub.parse().ok()))
    }

    fn accepts(&self, claims: &Claims, now: Timestamp) -> bool {
        let now = now.as_millis() as f64 / 1_000.0;
        claims.iss == self.settings.issuer
            && claims.is_for(&self.settings.audience)
            && now < claims.exp + CLOCK_SKEW_S
            && claims.nbf.is_none_or(|nbf| nbf - CLOCK_SKEW_S <= now)
    }
}

/// What the token says, if it was signed with this key. The times are not looked at by the library: it would read a
/// clock of its own.
fn signed_claims(token: &str, key: &PublicKey) -> Option<Claims> {
    let mut validation = Validation::new(key.algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    decode(token, &key.key, &validation).ok().map(|token| token.claims)
}

impl Claims {
    fn is_for(&self, audience: &str) -> bool {
        match &self.aud {
            Some(Audience::One(one)) => one == audience,
            Some(Audience::Several(several)) => several.iter().any(|one| one == audience),
            None => {
                self.token_use.as_deref() == Some("access") && self.client_id.as_deref() == Some(audience)
            }
        }
    }
}
