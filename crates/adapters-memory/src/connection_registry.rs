//! Who is connected and listens to what, in maps. One machine's server uses it too: lookups are by hash, what expired
//! is dropped as soon as anything is read, and the number of connections is bounded.

use crate::lock;
use async_trait::async_trait;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Mutex,
};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{Connection, ConnectionId, JobId, Seq, Subscription, Timestamp, limits},
    ports::ConnectionRegistry,
};

/// A [`ConnectionRegistry`] in memory.
#[derive(Debug)]
pub struct MemoryConnections {
    max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    clients: HashMap<ConnectionId, Client>,
    listeners: HashMap<JobId, HashMap<ConnectionId, Subscription>>,
    /// What is there, by the time it expires: a connection, or its subscription to a job.
    expiries: BTreeSet<(Timestamp, ConnectionId, Option<JobId>)>,
}

/// What is known of one client: its connection, once it has connected, and the jobs it listens to.
#[derive(Debug, Default)]
struct Client {
    connection: Option<Connection>,
    jobs: HashSet<JobId>,
}

impl Client {
    fn is_empty(&self) -> bool {
        self.connection.is_none() && self.jobs.is_empty()
    }
}

impl MemoryConnections {
    /// More than one machine has sockets for.
    const MAX: usize = 65_536;

    /// A registry of at most `max` connections; one more is [`Throttled`](ErrorKind::Throttled).
    pub fn with_room_for(max: usize) -> Self {
        Self { max, state: Mutex::default() }
    }

    /// How many connections are held, for a gauge; some may have expired since something was last read.
    pub fn len(&self) -> usize {
        lock(&self.state).clients.len()
    }

    /// Whether no connection is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn check_room(&self, state: &State, id: &ConnectionId, operation: &'static str) -> PortResult<()> {
        if state.clients.contains_key(id) || state.clients.len() < self.max {
            return Ok(());
        }
        let message = format!("this server already holds {} connections; try again later", self.max);
        Err(PortError::new(ErrorKind::Throttled, operation, message))
    }
}

impl Default for MemoryConnections {
    fn default() -> Self {
        Self::with_room_for(Self::MAX)
    }
}

impl State {
    fn connect(&mut self, connection: &Connection) {
        let client = self.clients.entry(connection.id.clone()).or_default();
        if let Some(before) = client.connection.replace(connection.clone()) {
            self.expiries.remove(&(before.expires_at, before.id, None));
        }
        self.expiries.insert((connection.expires_at, connection.id.clone(), None));
    }

    fn disconnect(&mut self, id: &ConnectionId) {
        let Some(client) = self.clients.remove(id) else { return };
        if let Some(connection) = client.connection {
            self.expiries.remove(&(connection.expires_at, connection.id, None));
        }
        for job_id in client.jobs {
            self.remove_listener(id, &job_id);
        }
    }

    fn subscribe(&mut self, subscription: &Subscription) {
        let Subscription { connection, job_id, expires_at, .. } = subscription;
        self.clients.entry(connection.clone()).or_default().jobs.insert(*job_id);
        self.remove_listener(connection, job_id);
        self.listeners.entry(*job_id).or_default().insert(connection.clone(), subscription.clone());
        self.expiries.insert((*expires_at, connection.clone(), Some(*job_id)));
    }

    fn unsubscribe(&mut self, id: &ConnectionId, job_id: &JobId) {
        self.remove_listener(id, job_id);
        if let Some(client) = self.clients.get_mut(id) {
            client.jobs.remove(job_id);
            self.forget_if_empty(id);
        }
    }

    fn remove_listener(&mut self, id: &ConnectionId, job_id: &JobId) {
        let Some(listeners) = self.listeners.get_mut(job_id) else { return };
        if let Some(subscription) = listeners.remove(id) {
            self.expiries.remove(&(subscription.expires_at, subscription.connection, Some(*job_id)));
        }
        if listeners.is_empty() {
            self.listeners.remove(job_id);
        }
    }

    /// Drops what expired; each entry once, so it costs no more than the entry's insertion did.
    fn drop_expired(&mut self, now: Timestamp) {
        while self.expiries.first().is_some_and(|(expires_at, ..)| *expires_at <= now) {
            let Some((_, id, job_id)) = self.expiries.pop_first() else { return };
            match job_id {
                Some(job_id) => self.unsubscribe(&id, &job_id),
                None => {
                    if let Some(client) = self.clients.get_mut(&id) {
                        client.connection = None;
                        self.forget_if_empty(&id);
                    }
                }
            }
        }
    }

    fn forget_if_empty(&mut self, id: &ConnectionId) {
        if self.clients.get(id).is_some_and(Client::is_empty) {
            self.clients.remove(id);
        }
    }
}

#[async_trait]
impl ConnectionRegistry for MemoryConnections {
    async fn connect(&self, connection: &Connection) -> PortResult<()> {
        let mut state = lock(&self.state);
        self.check_room(&state, &connection.id, "ConnectionRegistry::connect")?;
        state.connect(connection);
        Ok(())
    }

    async fn find(&self, id: &ConnectionId, now: Timestamp) -> PortResult<Option<Connection>> {
        let mut state = lock(&self.state);
        state.drop_expired(now);
        Ok(state.clients.get(id).and_then(|client| client.connection.clone()))
    }

    async fn disconnect(&self, id: &ConnectionId) -> PortResult<()> {
        lock(&self.state).disconnect(id);
        Ok(())
    }

    async fn subscribe(&self, subscription: &Subscription) -> PortResult<()> {
        let mut state = lock(&self.state);
        self.check_room(&state, &subscription.connection, "ConnectionRegistry::subscribe")?;
        let client = state.clients.get(&subscription.connection);
        let others = client
            .map_or(0, |client| client.jobs.len() - usize::from(client.jobs.contains(&subscription.job_id)));
        if others >= limits::SUBSCRIPTIONS_MAX {
            let message = format!(
                "a connection listens to at most {} jobs; unsubscribe from one first",
                limits::SUBSCRIPTIONS_MAX
            );
            return Err(PortError::new(ErrorKind::Invalid, "ConnectionRegistry::subscribe", message));
        }
        state.subscribe(subscription);
        Ok(())
    }

    async fn unsubscribe(&self, id: &ConnectionId, job_id: &JobId) -> PortResult<()> {
        lock(&self.state).unsubscribe(id, job_id);
        Ok(())
    }

    async fn listeners(&self, job_id: &JobId, now: Timestamp) -> PortResult<Vec<Subscription>> {
        let mut state = lock(&self.state);
        state.drop_expired(now);
        Ok(state.listeners.get(job_id).map(|found| found.values().cloned().collect()).unwrap_or_default())
    }

    async fn advance(&self, id: &ConnectionId, job_id: &JobId, seq: Seq) -> PortResult<()> {
        let mut state = lock(&self.state);
        let subscription = state.listeners.get_mut(job_id).and_then(|found| found.get_mut(id));
        if let Some(subscription) = subscription {
            subscription.after = subscription.after.max(seq);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_core::domain::{Entropy, OwnerId};

    const EXPIRY: Timestamp = Timestamp::from_millis(1_000);

    fn connection(n: u32) -> Connection {
        let id = format!("connection-{n}").parse().unwrap();
        Connection { id, owner: OwnerId::local(), expires_at: EXPIRY }
    }

    fn subscription(n: u32) -> Subscription {
        let Connection { id, owner, expires_at } = connection(n);
        let job_id = JobId::new(Timestamp::from_millis(n.into()), &Entropy([7; 32]));
        Subscription { connection: id, job_id, owner, after: Seq(0), inline: false, expires_at }
    }

    async fn come(registry: &MemoryConnections, n: u32) {
        registry.connect(&connection(n)).await.unwrap();
        registry.subscribe(&subscription(n)).await.unwrap();
    }

    fn is_bare(registry: &MemoryConnections) -> bool {
        let state = lock(&registry.state);
        state.clients.is_empty() && state.listeners.is_empty() && state.expiries.is_empty()
    }

    #[tokio::test]
    async fn ten_thousand_that_come_and_go_leave_nothing() {
        let registry = MemoryConnections::default();
        for n in 0..10_000 {
            come(&registry, n).await;
            registry.disconnect(&connection(n).id).await.unwrap();
        }
        assert!(is_bare(&registry));
    }

    #[tokio::test]
    async fn ten_thousand_that_never_say_goodbye_leave_nothing_once_expired() {
        let registry = MemoryConnections::default();
        for n in 0..10_000 {
            come(&registry, n).await;
        }
        assert_eq!(registry.len(), 10_000);
        registry.find(&connection(0).id, EXPIRY).await.unwrap();
        assert!(is_bare(&registry));
    }

    #[tokio::test]
    async fn one_connection_too_many_is_throttled_until_another_leaves() {
        let registry = MemoryConnections::with_room_for(2);
        come(&registry, 1).await;
        come(&registry, 2).await;
        let error = registry.connect(&connection(3)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Throttled);
        registry.disconnect(&connection(1).id).await.unwrap();
        come(&registry, 3).await;
    }
}
