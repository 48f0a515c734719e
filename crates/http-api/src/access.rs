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
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};
#[cfg(feature = "socket")]
use tintype_core::domain::Ticket;
use tintype_core::domain::{BlobId, OwnerId, Scope};
use tokio_util::sync::CancellationToken;

/// The WebSocket subprotocol this server speaks. Browsers can't set headers on a WebSocket, so a key may stand beside
/// it as `bearer.<base64url of the key>`.
#[cfg(feature = "socket")]
pub(crate) const SUBPROTOCOL: &str = "tintype.v1";
const SUBPROTOCOL_KEY: &str = "bearer.";
/// How many hexadecimal digits of its hash name a key in the log.
const KEY_ID_DIGITS: usize = 8;

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

/// One key of a server, as it is configured. The key itself is known to its holder only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The SHA-256 of the key.
    pub sha256: BlobId,
    /// Whom it stands for.
    pub owner: OwnerId,
    /// What it permits beyond the calls of its owner.
    pub scopes: BTreeSet<Scope>,
}

impl From<(BlobId, OwnerId)> for Key {
    fn from((sha256, owner): (BlobId, OwnerId)) -> Self {
        Self { sha256, owner, scopes: BTreeSet::new() }
    }
}

/// The keys of a server, by their SHA-256. They can be replaced while it runs.
#[derive(Default)]
pub struct Keys(RwLock<BTreeMap<BlobId, Arc<Grant>>>);

/// What a replacement of keys changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplacedKeys {
    /// Keys that were not there before, or not with this owner and these scopes.
    pub added: usize,
    /// Keys that are not there any more, or not with this owner and these scopes.
    pub revoked: usize,
}

impl Keys {
    /// These keys.
    pub fn new<K: Into<Key>>(keys: impl IntoIterator<Item = K>) -> Self {
        let made = Self::default();
        made.replace(keys.into_iter().map(Into::into));
        made
    }

    /// Makes these the keys. A key that is not among them lets nobody in any more, and the WebSockets and event streams
    /// that it opened are closed. A key that stays as it is keeps its connections.
    pub fn replace(&self, keys: impl IntoIterator<Item = Key>) -> ReplacedKeys {
        // Of two with the same hash the last counts.
        let keys: BTreeMap<_, _> = keys.into_iter().map(|key| (key.sha256, key)).collect();
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut revoked = std::mem::take(&mut *current);
        let mut added = 0;
        for (hash, key) in keys {
            let grant = match revoked.remove(&hash) {
                Some(grant) if grant.key == key => grant,
                changed => {
                    revoked.extend(changed.map(|grant| (hash, grant)));
                    added += 1;
                    Arc::new(Grant { key, revoked: CancellationToken::new() })
                }
            };
            current.insert(hash, grant);
        }
        drop(current);
        revoked.values().for_each(|grant| grant.revoked.cancel());
        ReplacedKeys { added, revoked: revoked.len() }
    }

    /// What this key permits. Comparing hashes tells nothing of how near a wrong key came.
    fn find(&self, hash: &BlobId) -> Option<Arc<Grant>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(hash).cloned()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Keys({} of them)", keys.len())
    }
}

/// A key, for as long as it is among the server's.
#[derive(Debug)]
struct Grant {
    key: Key,
    /// Cancelled once the key is revoked.
    revoked: CancellationToken,
}

/// The authenticated caller of a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) owner: OwnerId,
    /// `None` where no key of this server's was asked for.
    grant: Option<Arc<Grant>>,
}

impl Caller {
    const fn without_key(owner: OwnerId) -> Self {
        Self { owner, grant: None }
    }

    fn with_key(grant: Arc<Grant>) -> Self {
        Self { owner: grant.key.owner.clone(), grant: Some(grant) }
    }

    /// The caller for whom this ticket was made; `None` if the key that it was made with was revoked since.
    #[cfg(feature = "socket")]
    pub(crate) fn of_ticket(access: &Access, ticket: Ticket) -> Option<Self> {
        match (access, ticket.key) {
            (Access::Keys(keys), Some(key)) => keys.find(&key).map(Self::with_key),
            // A ticket of a time when the server had no keys.
            (Access::Keys(_), None) => None,
            (Access::Open | Access::Trusted, _) => Some(Self::without_key(ticket.owner)),
        }
    }

    /// The hash of the caller's key.
    pub(crate) fn key(&self) -> Option<BlobId> {
        self.grant.as_ref().map(|grant| grant.key.sha256)
    }

    /// What the log calls the caller's key: the first digits of its hash, which tell nothing of the key.
    pub(crate) fn key_id(&self) -> Option<String> {
        self.key().map(|hash| hash.to_string().chars().take(KEY_ID_DIGITS).collect())
    }

    /// The token that is cancelled once the caller's key is revoked.
    #[cfg(feature = "socket")]
    pub(crate) fn revoked(&self) -> CancellationToken {
        self.grant.as_ref().map(|grant| grant.revoked.clone()).unwrap_or_default()
    }

    /// Refuses a caller whose key lacks `scope`. Without keys, everyone who can reach the server is its operator.
    ///
    /// # Errors
    /// `forbidden`, which names the scope.
    pub(crate) fn check_scope(&self, scope: Scope) -> Result<(), Problem> {
        match &self.grant {
            Some(grant) if !grant.key.scopes.contains(&scope) => {
                let scope = scope.name();
                let detail = format!(
                    "this key lacks the scope `{scope}`; use one that has it: `tintype key OWNER --{scope}` makes one"
                );
                Err(Problem::new(Code::Forbidden, detail))
            }
            _ => Ok(()),
        }
    }

    /// Notes the caller for the request's log line.
    fn note_in(&self, parts: &Parts) {
        if let Some(noted) = parts.extensions.get::<NotedCaller>() {
            // The first to find out is enough.
            drop(noted.0.set(self.clone()));
        }
    }
}

impl FromRequestParts<Arc<Api>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let caller = match &api.access {
            Access::Open => Some(Self::without_key(OwnerId::local())),
            Access::Keys(keys) => match given_key(&parts.headers) {
                Some(key) => Some(checked(api, keys, &key, parts.extensions.get()).await?),
                None => None,
            },
            Access::Trusted => {
                parts.extensions.get::<AuthorizedOwner>().map(|owner| Self::without_key(owner.0.clone()))
            }
        };
        let caller = caller.ok_or_else(unauthorized)?;
        caller.note_in(parts);
        Ok(caller)
    }
}

/// A place in a request's extensions for its caller: who that is, is found out behind the middleware that logs it.
#[derive(Clone, Debug, Default)]
pub(crate) struct NotedCaller(Arc<OnceLock<Caller>>);

impl NotedCaller {
    /// The caller, once it is known.
    pub(crate) fn get(&self) -> Option<&Caller> {
        self.0.get()
    }
}

/// Whose request this is.
#[derive(Clone, Debug)]
pub(crate) struct Owner(pub(crate) OwnerId);

impl FromRequestParts<Arc<Api>> for Owner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        Caller::from_request_parts(parts, api).await.map(|caller| Self(caller.owner))
    }
}

/// The caller with this key. A wrong key is counted, a right one noted, with the client that sent it.
async fn checked(api: &Api, keys: &Keys, key: &[u8], peer: Option<&Peer>) -> Result<Caller, Problem> {
    let Some(grant) = keys.find(&BlobId::of(key)) else {
        return Err(api.wrong_keys.answer(peer, unauthorized()).await);
    };
    peer.inspect(|peer| peer.authenticated());
    Ok(Caller::with_key(grant))
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
