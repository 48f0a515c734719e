//! Who asks. A handler that takes an [`Owner`] lets in only those whom the server's [`Access`] knows.

use crate::{
    api::Api,
    peer::Peer,
    problem::{Code, Problem},
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, OnceLock},
};
use tintype_core::domain::{BlobId, OwnerId};

/// The WebSocket subprotocol this server speaks. Browsers can't set headers on a WebSocket, so a key may stand beside
/// it as `bearer.<base64url of the key>`.
#[cfg(feature = "socket")]
pub(crate) const SUBPROTOCOL: &str = "tintype.v1";
const SUBPROTOCOL_KEY: &str = "bearer.";

/// Whom the server lets in.
#[derive(Clone, Debug)]
pub enum Access {
    /// Everyone who can reach it, as one owner: for a server on loopback. Requests for other hosts and from other
    /// sites are refused.
    Open,
    /// Those who bring one of these keys.
    Keys(Arc<Keys>),
    /// Those whom something in front of the server has let in: it puts an [`AuthorizedOwner`] into the request's
    /// extensions.
    Trusted,
}

/// The owner of a request, as an authorizer in front of the server found it.
#[derive(Clone, Debug)]
pub struct AuthorizedOwner(pub OwnerId);

/// The keys of a server, by their SHA-256. The keys themselves are known to their holders only.
#[derive(Clone, Default)]
pub struct Keys(BTreeMap<BlobId, OwnerId>);

impl Keys {
    /// Keys as pairs of their SHA-256 and the owner they stand for.
    pub fn new(keys: impl IntoIterator<Item = (BlobId, OwnerId)>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// Whose key this is. Comparing hashes tells nothing of how near a wrong key came.
    fn owner(&self, key: &[u8]) -> Option<&OwnerId> {
        self.0.get(&BlobId::of(key))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({} of them)", self.0.len())
    }
}

/// Whose request this is.
#[derive(Clone, Debug)]
pub(crate) struct Owner(pub(crate) OwnerId);

/// Where the owner of a request is noted once it is known, for the middleware around the handler.
#[derive(Clone, Debug, Default)]
pub(crate) struct NotedOwner(Arc<OnceLock<OwnerId>>);

impl NotedOwner {
    /// The owner, if the handler has asked for one and there is one.
    pub(crate) fn get(&self) -> Option<&OwnerId> {
        self.0.get()
    }
}

impl FromRequestParts<Arc<Api>> for Owner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let owner = match &api.access {
            Access::Open => Some(OwnerId::local()),
            Access::Keys(keys) => match given_key(&parts.headers) {
                Some(key) => Some(checked(api, keys, &key, parts.extensions.get()).await?),
                None => None,
            },
            Access::Trusted => parts.extensions.get::<AuthorizedOwner>().map(|owner| owner.0.clone()),
        };
        if let (Some(owner), Some(noted)) = (&owner, parts.extensions.get::<NotedOwner>()) {
            noted.0.get_or_init(|| owner.clone());
        }
        owner.map(Self).ok_or_else(unauthorized)
    }
}

/// The owner of a key. A wrong one is counted, a right one noted, with the client that sent it.
async fn checked(api: &Api, keys: &Keys, key: &[u8], peer: Option<&Peer>) -> Result<OwnerId, Problem> {
    let Some(owner) = keys.owner(key) else { return Err(api.wrong_keys.answer(peer, unauthorized()).await) };
    peer.inspect(|peer| peer.authenticated());
    Ok(owner.clone())
}

fn unauthorized() -> Problem {
    let detail = "send a key that this server knows as `Authorization: Bearer <key>` or `X-Api-Key: <key>`";
    let scheme = HeaderValue::from_static("Bearer realm=\"tintype\"");
    Problem::new(Code::Unauthorized, detail).with_header(header::WWW_AUTHENTICATE, scheme)
}

fn given_key(headers: &HeaderMap) -> Option<Vec<u8>> {
    bearer(headers)
        .or_else(|| headers.get("x-api-key").map(|key| key.as_bytes().to_vec()))
        .or_else(|| subprotocol_key(headers))
}

fn bearer(headers: &HeaderMap) -> Option<Vec<u8>> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().as_bytes().to_vec())
}

fn subprotocol_key(headers: &HeaderMap) -> Option<Vec<u8>> {
    let key = subprotocols(headers).find_map(|name| name.strip_prefix(SUBPROTOCOL_KEY))?;
    URL_SAFE_NO_PAD.decode(key.trim_end_matches('=')).ok()
}

/// The WebSocket subprotocols a client offers.
pub(crate) fn subprotocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn a_key_comes_as_bearer_as_its_own_header_or_beside_the_subprotocol() {
        let key = Some(b"k?y".to_vec());
        assert_eq!(given_key(&headers("authorization", "bearer k?y")), key);
        assert_eq!(given_key(&headers("x-api-key", "k?y")), key);
        assert_eq!(given_key(&headers("sec-websocket-protocol", "tintype.v1, bearer.az95")), key);
        assert_eq!(given_key(&headers("authorization", "Basic k?y")), None);
    }

    #[test]
    fn keys_are_never_printed() {
        let keys = Keys::new([(BlobId::of(b"key"), OwnerId::local())]);
        assert_eq!(format!("{keys:?}"), "Keys(1 of them)");
    }
}
