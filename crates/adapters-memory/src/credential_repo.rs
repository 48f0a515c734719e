//! API keys and tickets in maps. One machine's server keeps its tickets here: a ticket outlives no process, and need
//! not.

use crate::lock;
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
    sync::Mutex,
};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{ApiKey, BlobId, KeyPlace, Ticket, Timestamp},
    ports::CredentialRepo,
};

/// A [`CredentialRepo`] in memory.
#[derive(Debug)]
pub struct MemoryCredentials {
    max_tickets: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    keys: BTreeMap<KeyPlace, ApiKey>,
    places: HashMap<BlobId, KeyPlace>,
    tickets: HashMap<BlobId, Ticket>,
    /// The tickets by when they expire.
    expiries: BTreeSet<(Timestamp, BlobId)>,
}

impl MemoryCredentials {
    /// More than one machine opens connections within a ticket's life.
    const MAX_TICKETS: usize = 65_536;

    /// Room for so many tickets at a time; one more is [`Throttled`](ErrorKind::Throttled).
    pub fn with_room_for(max_tickets: usize) -> Self {
        Self { max_tickets, state: Mutex::default() }
    }
}

impl Default for MemoryCredentials {
    fn default() -> Self {
        Self::with_room_for(Self::MAX_TICKETS)
    }
}

impl State {
    fn knows(&self, hash: &BlobId) -> bool {
        self.places.contains_key(hash) || self.tickets.contains_key(hash)
    }

    fn add_ticket(&mut self, ticket: &Ticket) {
        self.expiries.insert((ticket.expires_at, ticket.hash));
        self.tickets.insert(ticket.hash, ticket.clone());
    }

    fn take_ticket(&mut self, hash: &BlobId) -> Option<Ticket> {
        let ticket = self.tickets.remove(hash)?;
        self.expiries.remove(&(ticket.expires_at, ticket.hash));
        Some(ticket)
    }

    fn drop_expired(&mut self, now: Timestamp) {
        while let Some((_, hash)) =
            self.expiries.first().copied().filter(|(expires_at, _)| *expires_at <= now)
        {
            self.take_ticket(&hash);
        }
    }
}

#[async_trait]
impl CredentialRepo for MemoryCredentials {
    async fn add_key(&self, key: &ApiKey) -> PortResult<()> {
        let mut state = lock(&self.state);
        if !state.knows(&key.hash) {
            state.places.insert(key.hash, key.place());
            state.keys.insert(key.place(), key.clone());
        }
        Ok(())
    }

    async fn find_key(&self, hash: &BlobId, now: Timestamp) -> PortResult<Option<ApiKey>> {
        let state = lock(&self.state);
        let key = state.places.get(hash).and_then(|place| state.keys.get(place));
        Ok(key.filter(|key| key.is_valid(now)).cloned())
    }

    async fn list_keys(
        &self,
        after: Option<KeyPlace>,
        limit: u32,
        now: Timestamp,
    ) -> PortResult<Vec<ApiKey>> {
        let state = lock(&self.state);
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let keys = state.keys.range((after, Bound::Unbounded)).map(|(_, key)| key);
        Ok(keys.filter(|key| key.is_valid(now)).take(limit as usize).cloned().collect())
    }

    async fn remove_key(&self, hash: &BlobId) -> PortResult<()> {
        let mut state = lock(&self.state);
        if let Some(place) = state.places.remove(hash) {
            state.keys.remove(&place);
        }
        Ok(())
    }

    async fn add_ticket(&self, ticket: &Ticket, now: Timestamp) -> PortResult<()> {
        let mut state = lock(&self.state);
        state.drop_expired(now);
        if state.knows(&ticket.hash) {
            return Ok(());
        }
        if state.tickets.len() >= self.max_tickets {
            let message = "too many tickets were made and not used; try again in a minute";
            return Err(PortError::new(ErrorKind::Throttled, "CredentialRepo::add_ticket", message));
        }
        state.add_ticket(ticket);
        Ok(())
    }

    async fn take_ticket(&self, hash: &BlobId, now: Timestamp) -> PortResult<Option<Ticket>> {
        let mut state = lock(&self.state);
        Ok(state.take_ticket(hash).filter(|ticket| ticket.is_valid(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_core::domain::OwnerId;

    const EXPIRY: Timestamp = Timestamp::from_millis(1_000);

    fn ticket(n: u32) -> Ticket {
        Ticket { hash: BlobId::of(&n.to_be_bytes()), owner: OwnerId::local(), key: None, expires_at: EXPIRY }
    }

    #[tokio::test]
    async fn tickets_that_nobody_uses_make_room_once_expired() {
        let repo = MemoryCredentials::with_room_for(2);
        let now = Timestamp::from_millis(0);
        repo.add_ticket(&ticket(1), now).await.unwrap();
        repo.add_ticket(&ticket(2), now).await.unwrap();
        let error = repo.add_ticket(&ticket(3), now).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Throttled);
        let late = Ticket { expires_at: Timestamp::from_millis(2_000), ..ticket(3) };
        repo.add_ticket(&late, EXPIRY).await.unwrap();
        let state = lock(&repo.state);
        assert_eq!((state.tickets.len(), state.expiries.len()), (1, 1));
    }
}
