//! The open connections of a server: how many there are, of whom, and which is closed in favour of a new one.
//!
//! A new connection is taken as long as some older one can go. Idle connections without a valid key go first, the
//! longest idle one before the others.

use crate::peer::Address;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long a client without a valid key may be busy with requests before its connection can be closed for another's.
const BUSY_UNAUTHENTICATED: Duration = Duration::from_secs(10);
/// How long a new connection waits for the place of one that is being closed.
const HANDOVER: Duration = Duration::from_millis(250);

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares {
    /// In all.
    pub(crate) all: usize,
    /// From one address.
    pub(crate) per_address: usize,
    /// Of clients that have not presented a valid key.
    pub(crate) unauthenticated: usize,
}

/// The table of open connections; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Connections(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    shares: Shares,
    table: Mutex<Table>,
    /// A connection was closed.
    freed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    open: BTreeMap<u64, Open>,
    by_address: HashMap<Address, usize>,
    unauthenticated: usize,
    /// Those that can be closed, each by when it came to be so.
    idle_unauthenticated: BTreeSet<(Instant, u64)>,
    idle_authenticated: BTreeSet<(Instant, u64)>,
    busy_unauthenticated: BTreeSet<(Instant, u64)>,
}

#[derive(Debug)]
struct Open {
    address: Address,
    close: CancellationToken,
    /// Whether its client has presented a valid key.
    authenticated: bool,
    idle: bool,
    /// When it became idle or busy.
    since: Instant,
}

/// The place of one open connection; dropped, it is free again.
#[derive(Debug)]
pub(crate) struct Slot {
    shared: Arc<Shared>,
    number: u64,
    address: Address,
    close: CancellationToken,
}

/// What can be done for a new connection.
enum Room {
    Free(Slot),
    /// The connection that is being closed must be gone first.
    Closing,
    None,
}

impl Connections {
    pub(crate) fn new(shares: Shares) -> Self {
        Self(Arc::new(Shared { shares, table: Mutex::default(), freed: Notify::new() }))
    }

    /// A place for a connection from `address`; `None` where all are taken by connections that are not to be closed.
    pub(crate) async fn admit(&self, address: IpAddr) -> Option<Slot> {
        let address = address.into();
        let admitted = async {
            loop {
                // Asked for before the look, so that a place that becomes free meanwhile is not missed.
                let freed = self.0.freed.notified();
                match self.room(address) {
                    Room::Free(slot) => return Some(slot),
                    Room::Closing => freed.await,
                    Room::None => return None,
                }
            }
        };
        timeout(HANDOVER, admitted).await.ok().flatten()
    }

    /// Closes the connection that can go first; for a system that has no more sockets to give.
    pub(crate) fn close_one(&self) {
        let mut table = self.0.lock();
        let victim = table.longest_idle();
        table.close(victim);
    }

    fn room(&self, address: Address) -> Room {
        let Shares { all, per_address, unauthenticated } = self.0.shares;
        let mut table = self.0.lock();
        let victim = if table.by_address.get(&address).is_some_and(|count| *count >= per_address) {
            table.longest_idle_of(address)
        } else if table.unauthenticated >= unauthenticated {
            table.first_unauthenticated()
        } else if table.open.len() >= all {
            let candidate = if unauthenticated < all { table.first_unauthenticated() } else { None };
            candidate.or_else(|| table.longest_idle())
        } else {
            return Room::Free(table.insert(&self.0, address));
        };
        if table.close(victim) { Room::Closing } else { Room::None }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn insert(&mut self, shared: &Arc<Shared>, address: Address) -> Slot {
        let (number, close, since) = (self.next, CancellationToken::new(), Instant::now());
        self.next += 1;
        let open = Open { address, close: close.clone(), authenticated: false, idle: true, since };
        self.open.insert(number, open);
        *self.by_address.entry(address).or_default() += 1;
        self.unauthenticated += 1;
        self.idle_unauthenticated.insert((since, number));
        Slot { shared: Arc::clone(shared), number, address, close }
    }

    fn longest_idle(&self) -> Option<u64> {
        self.idle_unauthenticated
            .first()
            .or_else(|| self.idle_authenticated.first())
            .map(|(_, number)| *number)
    }

    fn longest_idle_of(&self, address: Address) -> Option<u64> {
        let is_of = |number: &u64| self.open.get(number).is_some_and(|open| open.address == address);
        self.idle_unauthenticated
            .iter()
            .chain(&self.idle_authenticated)
            .map(|(_, number)| *number)
            .find(is_of)
    }

    /// The connection without a key that can go first: an idle one, or one that was given its time.
    fn first_unauthenticated(&self) -> Option<u64> {
        let busy =
            self.busy_unauthenticated.first().filter(|(since, _)| since.elapsed() >= BUSY_UNAUTHENTICATED);
        self.idle_unauthenticated.first().or(busy).map(|(_, number)| *number)
    }

    /// Says goodbye to a connection. It stays counted until its socket is closed.
    fn close(&mut self, number: Option<u64>) -> bool {
        let Some((number, open)) = number.and_then(|number| Some((number, self.open.get(&number)?))) else {
            return false;
        };
        open.close.cancel();
        let key = (open.since, number);
        self.idle_unauthenticated.remove(&key);
        self.idle_authenticated.remove(&key);
        self.busy_unauthenticated.remove(&key);
        true
    }

    /// Changes what is known of a connection, and where it stands among those that can go.
    fn change(&mut self, number: u64, change: impl FnOnce(&mut Open)) {
        let Some(open) = self.open.get_mut(&number) else { return };
        let (key, was_authenticated) = ((open.since, number), open.authenticated);
        change(open);
        let (authenticated, idle, now_key) = (open.authenticated, open.idle, (open.since, number));
        self.unauthenticated -= usize::from(authenticated && !was_authenticated);
        // One that was told to close is not told again.
        if open.close.is_cancelled() {
            return;
        }
        for places in
            [&mut self.idle_unauthenticated, &mut self.idle_authenticated, &mut self.busy_unauthenticated]
        {
            places.remove(&key);
        }
        match (authenticated, idle) {
            (false, true) => self.idle_unauthenticated.insert(now_key),
            (true, true) => self.idle_authenticated.insert(now_key),
            (false, false) => self.busy_unauthenticated.insert(now_key),
            (true, false) => false,
        };
    }

    fn remove(&mut self, number: u64) {
        let Some(open) = self.open.remove(&number) else { return };
        let key = (open.since, number);
        for places in
            [&mut self.idle_unauthenticated, &mut self.idle_authenticated, &mut self.busy_unauthenticated]
        {
            places.remove(&key);
        }
        self.unauthenticated -= usize::from(!open.authenticated);
        if let Some(count) = self.by_address.get_mut(&open.address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&open.address);
            }
        }
    }
}

impl Slot {
    pub(crate) const fn address(&self) -> Address {
        self.address
    }

    /// Becomes true when the connection is to be closed for another.
    pub(crate) async fn closed(&self) {
        self.close.cancelled().await;
    }

    /// A request has come.
    pub(crate) fn busy(&self) {
        self.change(|open| (open.idle, open.since) = (false, Instant::now()));
    }

    /// The answer was handed to the system.
    pub(crate) fn idle(&self) {
        self.change(|open| (open.idle, open.since) = (true, Instant::now()));
    }

    /// The client has presented a valid key.
    pub(crate) fn authenticated(&self) {
        self.change(|open| open.authenticated = true);
    }

    fn change(&self, change: impl FnOnce(&mut Open)) {
        self.shared.lock().change(self.number, change);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.lock().remove(self.number);
        self.shared.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use tokio::time::advance;

    fn from(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    fn connections(all: usize, per_address: usize, unauthenticated: usize) -> Connections {
        Connections::new(Shares { all, per_address, unauthenticated })
    }

    async fn admit(connections: &Connections, last: u8) -> Slot {
        advance(Duration::from_millis(1)).await;
        connections.admit(from(last)).await.expect("a place")
    }

    /// A connection that is given up as soon as it is told so; whether that was.
    fn obedient(slot: Slot) -> tokio::task::JoinHandle<()> {
        tokio::spawn(async move { slot.closed().await })
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_connection_makes_room_for_a_new_one() {
        let connections = connections(2, 2, 2);
        let (first, second) = (admit(&connections, 1).await, admit(&connections, 1).await);
        // The first was idle for longer, but has answered a request since.
        first.busy();
        advance(Duration::from_millis(1)).await;
        first.idle();
        let second = obedient(second);
        let _third = admit(&connections, 2).await;
        assert!(second.await.is_ok());
        assert!(!first.close.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn no_connection_with_a_request_makes_room() {
        let connections = connections(1, 1, 1);
        let only = admit(&connections, 1).await;
        only.busy();
        advance(BUSY_UNAUTHENTICATED * 2).await;
        assert!(connections.admit(from(2)).await.is_none());
        drop(only);
        assert!(connections.admit(from(2)).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_not_gone_in_time_makes_no_room() {
        let connections = connections(1, 1, 1);
        let stuck = admit(&connections, 1).await;
        assert!(connections.admit(from(2)).await.is_none());
        assert!(stuck.close.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_takes_its_share_and_only_its_own_connections_make_room_for_it() {
        let connections = connections(4, 2, 4);
        let other = admit(&connections, 2).await;
        let (first, second) = (admit(&connections, 1).await, admit(&connections, 1).await);
        second.busy();
        let first = obedient(first);
        let third = admit(&connections, 1).await;
        assert!(first.await.is_ok());
        third.busy();
        assert!(connections.admit(from(1)).await.is_none());
        assert!(!other.close.is_cancelled());
        assert!(connections.admit(from(3)).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn clients_without_a_key_leave_room_for_those_with_one() {
        let connections = connections(4, 4, 2);
        let mut known = Vec::new();
        for _ in 0..2 {
            let slot = admit(&connections, 1).await;
            slot.authenticated();
            slot.busy();
            known.push(slot);
        }
        let (first, second) = (admit(&connections, 2).await, admit(&connections, 2).await);
        second.busy();
        let first = obedient(first);
        let third = admit(&connections, 2).await;
        assert!(first.await.is_ok());
        third.busy();
        // Both are busy, and neither for long.
        assert!(connections.admit(from(2)).await.is_none());
        advance(BUSY_UNAUTHENTICATED).await;
        let second = obedient(second);
        let fourth = admit(&connections, 1).await;
        assert!(second.await.is_ok());
        fourth.authenticated();
        assert!(known.iter().all(|slot| !slot.close.is_cancelled()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_comes_while_the_connection_is_closed_is_counted_once() {
        let connections = connections(8, 8, 8);
        let slot = admit(&connections, 1).await;
        connections.close_one();
        slot.authenticated();
        slot.authenticated();
        drop(slot);
        assert_eq!(connections.0.lock().unauthenticated, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_counted_goes_with_the_connections() {
        let connections = connections(8, 8, 8);
        let slots: Vec<_> = [admit(&connections, 1).await, admit(&connections, 2).await].into();
        slots[0].busy();
        slots[1].authenticated();
        drop(slots);
        let table = connections.0.lock();
        assert!(table.open.is_empty() && table.by_address.is_empty() && table.unauthenticated == 0);
        assert!(
            table.idle_unauthenticated.is_empty()
                && table.idle_authenticated.is_empty()
                && table.busy_unauthenticated.is_empty()
        );
    }
}
