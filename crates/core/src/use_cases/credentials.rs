//! Making and accepting what lets callers in. A secret leaves these functions once, to whom it is for; only its hash is
//! kept.

use crate::domain::{ApiKey, BlobId, Entropy, KeyName, OwnerId, Secret, Ticket, Timestamp, limits};
use crate::error::Result;
use crate::ports::CredentialRepo;

/// A key that is to be made.
#[derive(Clone, Debug)]
pub struct MakeKey {
    /// Whom it stands for.
    pub owner: OwnerId,
    /// What its maker calls it; two may have the same name.
    pub name: KeyName,
    /// From when on it lets nobody in; `None` for one that lasts until it is removed.
    pub expires_at: Option<Timestamp>,
}

/// Makes an API key: the key itself, for its holder, and what is kept of it.
///
/// # Errors
/// [`Error::Port`](crate::Error::Port).
pub async fn make_key(
    credentials: &dyn CredentialRepo,
    wish: MakeKey,
    now: Timestamp,
    entropy: &Entropy,
) -> Result<(Secret, ApiKey)> {
    let MakeKey { owner, name, expires_at } = wish;
    let secret = Secret::of_key(entropy);
    let key = ApiKey { hash: secret.hash(), owner, name, created_at: now, expires_at };
    credentials.add_key(&key).await?;
    Ok((secret, key))
}

/// Whom the key `text` stands for; `None` if nobody knows it. Looking for a hash tells nothing of how near a wrong key
/// came.
///
/// # Errors
/// [`Error::Port`](crate::Error::Port).
pub async fn find_key_owner(
    credentials: &dyn CredentialRepo,
    text: &str,
    now: Timestamp,
) -> Result<Option<OwnerId>> {
    let key = credentials.find_key(&BlobId::of(text.as_bytes()), now).await?;
    Ok(key.map(|key| key.owner))
}

/// Makes a ticket for `owner`, good for one connection within [`TICKET_LIFE`](limits::TICKET_LIFE): the ticket itself,
/// for its holder, and what is kept of it. `key` is the hash of the key that it is made with, where that is known.
///
/// # Errors
/// [`Error::Port`](crate::Error::Port).
pub async fn make_ticket(
    credentials: &dyn CredentialRepo,
    owner: OwnerId,
    key: Option<BlobId>,
    now: Timestamp,
    entropy: &Entropy,
) -> Result<(Secret, Ticket)> {
    let secret = Secret::of_ticket(entropy);
    let ticket = Ticket { hash: secret.hash(), owner, key, expires_at: now.after(limits::TICKET_LIFE) };
    credentials.add_ticket(&ticket, now).await?;
    Ok((secret, ticket))
}

/// Takes the ticket `text`, which opens nothing afterwards. `None` if it is unknown, used or too old.
///
/// # Errors
/// [`Error::Port`](crate::Error::Port); then the ticket may be used up.
pub async fn redeem_ticket(
    credentials: &dyn CredentialRepo,
    text: &str,
    now: Timestamp,
) -> Result<Option<Ticket>> {
    Ok(credentials.take_ticket(&BlobId::of(text.as_bytes()), now).await?)
}
