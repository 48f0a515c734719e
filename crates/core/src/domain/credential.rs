//! What lets a caller in: API keys that last, tickets that open one connection. A store knows hashes only; the secrets
//! themselves are known to their holders.

use super::{BlobId, Entropy, KeyName, OwnerId, Timestamp};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A text that only its holder has: 256 random bits behind a word that tells what it is. It is handed out once and
/// never printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new API key, as in `tt_bK3x...`.
    pub fn of_key(entropy: &Entropy) -> Self {
        Self::new("tt", entropy)
    }

    /// A new ticket, as in `ticket_bK3x...`.
    pub fn of_ticket(entropy: &Entropy) -> Self {
        Self::new("ticket", entropy)
    }

    fn new(kind: &str, entropy: &Entropy) -> Self {
        Self(format!("{kind}_{}", URL_SAFE_NO_PAD.encode(entropy.0)))
    }

    /// The text, to be handed to its holder. It needs no escaping in a header or a URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a store knows of it.
    pub fn hash(&self) -> BlobId {
        BlobId::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A permission of an API key beyond the calls of its owner, which every key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// To read what only the operator of a deployment should see: its metrics.
    Operate,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 1] = [Self::Operate];

    /// The scope as configuration files write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operate => "operate",
        }
    }
}

impl FromStr for Scope {
    type Err = super::BadId;

    fn from_str(text: &str) -> Result<Self, super::BadId> {
        Self::ALL.into_iter().find(|scope| scope.name() == text).ok_or(super::BadId("scope"))
    }
}

/// A key that lets its holder call as an owner, until it is removed or expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The SHA-256 of the key.
    pub hash: BlobId,
    /// Whom it stands for.
    pub owner: OwnerId,
    /// What its maker calls it.
    pub name: KeyName,
    /// When it was made.
    pub created_at: Timestamp,
    /// From then on it lets nobody in; `None` for one that lasts until it is removed.
    pub expires_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it lets anyone in at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| now < expires_at)
    }

    /// Its place in the list of keys.
    pub fn place(&self) -> KeyPlace {
        KeyPlace { name: self.name.clone(), hash: self.hash }
    }
}

/// A place in the list of keys, which goes by name; keys of one name go by hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPlace {
    /// The name of the key there.
    pub name: KeyName,
    /// Its hash.
    pub hash: BlobId,
}

/// A right to open one connection, for those who can't send a key with it: browsers set no header on a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The SHA-256 of the ticket.
    pub hash: BlobId,
    /// Whom it stands for.
    pub owner: OwnerId,
    /// The SHA-256 of the key that it was made with; `None` where that is not known. What it opens ends with the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<BlobId>,
    /// From then on it opens nothing.
    pub expires_at: Timestamp,
}

impl Ticket {
    /// Whether it opens a connection at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed_and_needs_no_escaping() {
        let secret = Secret::of_key(&Entropy([251; 32]));
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert!(secret.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)));
    }

    #[test]
    fn a_secret_holds_all_its_entropy() {
        let secret =
            |last| Secret::of_ticket(&Entropy(std::array::from_fn(|n| if n == 31 { last } else { 0 })));
        assert_ne!(secret(0).hash(), secret(1).hash());
    }
}
