//! Wrong keys and tickets are counted by the address that sends them. The first are answered at once, further ones
//! late, and more with 429. A right key is never refused for the wrong ones of others at the same address.

use crate::{
    peer::{Address, Peer},
    problem::{Code, Problem},
};
use axum::http::{HeaderValue, header};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tintype_core::domain::limits::{
    WRONG_KEYS_ADDRESSES, WRONG_KEYS_DELAY, WRONG_KEYS_DELAYED, WRONG_KEYS_FREE, WRONG_KEYS_WINDOW,
};
use tokio::time::{Instant, sleep};

/// The wrong keys of each address; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct WrongKeys(Arc<Mutex<HashMap<Address, Tries>>>);

#[derive(Clone, Copy, Debug)]
struct Tries {
    /// When the first of them came.
    since: Instant,
    count: u32,
}

/// How a wrong key is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Refuse,
    RefuseLate,
    /// The address may try again after this.
    Throttle(Duration),
}

impl WrongKeys {
    /// The answer to a wrong key or ticket, which would be `refusal` if it were the only one. It comes late where the
    /// client's address has sent many; the wait holds no thread, and the client's connection all the while.
    pub(crate) async fn answer(&self, peer: Option<&Peer>, refusal: Problem) -> Problem {
        // Without an address there is something in front that lets in or not.
        let Some(peer) = peer else { return refusal };
        let verdict = self.note(peer.address(), Instant::now());
        if verdict != Verdict::Refuse {
            sleep(WRONG_KEYS_DELAY).await;
        }
        match verdict {
            Verdict::Refuse | Verdict::RefuseLate => refusal,
            Verdict::Throttle(after) => throttled(after),
        }
    }

    fn note(&self, address: Address, now: Instant) -> Verdict {
        let mut addresses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if addresses.len() >= WRONG_KEYS_ADDRESSES && !addresses.contains_key(&address) {
            make_room(&mut addresses, now);
        }
        let tries = addresses.entry(address).or_insert(Tries { since: now, count: 0 });
        if now.duration_since(tries.since) >= WRONG_KEYS_WINDOW {
            *tries = Tries { since: now, count: 0 };
        }
        tries.count = tries.count.saturating_add(1);
        match tries.count {
            count if count <= WRONG_KEYS_FREE => Verdict::Refuse,
            count if count <= WRONG_KEYS_FREE + WRONG_KEYS_DELAYED => Verdict::RefuseLate,
            _ => Verdict::Throttle((tries.since + WRONG_KEYS_WINDOW).duration_since(now)),
        }
    }
}

/// Forgets the addresses whose time is over, or else the one that is remembered longest.
fn make_room(addresses: &mut HashMap<Address, Tries>, now: Instant) {
    addresses.retain(|_, tries| now.duration_since(tries.since) < WRONG_KEYS_WINDOW);
    if addresses.len() < WRONG_KEYS_ADDRESSES {
        return;
    }
    if let Some(oldest) = addresses.iter().min_by_key(|(_, tries)| tries.since).map(|(address, _)| *address) {
        addresses.remove(&oldest);
    }
}

fn throttled(after: Duration) -> Problem {
    let seconds = after.as_secs() + 1;
    let detail = format!(
        "this address has sent too many wrong keys; try again in {seconds} s. A request with a known key is answered"
    );
    Problem::new(Code::Throttled, detail).with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    fn address(number: u32) -> Address {
        IpAddr::from(Ipv4Addr::from_bits(number)).into()
    }

    async fn answer(keys: &WrongKeys, address: Address) -> (Code, Duration) {
        let started = Instant::now();
        let refusal = Problem::new(Code::Unauthorized, "wrong");
        let problem = keys.answer(Some(&Peer::at(address)), refusal).await;
        (problem.code(), started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn wrong_keys_are_refused_at_once_then_late_then_throttled_until_the_window_ends() {
        let keys = WrongKeys::default();
        for _ in 0..WRONG_KEYS_FREE {
            assert_eq!(answer(&keys, address(1)).await, (Code::Unauthorized, Duration::ZERO));
        }
        for _ in 0..WRONG_KEYS_DELAYED {
            assert_eq!(answer(&keys, address(1)).await, (Code::Unauthorized, WRONG_KEYS_DELAY));
        }
        assert_eq!(answer(&keys, address(1)).await, (Code::Throttled, WRONG_KEYS_DELAY));
        assert_eq!(answer(&keys, address(2)).await, (Code::Unauthorized, Duration::ZERO));
        sleep(WRONG_KEYS_WINDOW).await;
        assert_eq!(answer(&keys, address(1)).await, (Code::Unauthorized, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_of_addresses_is_bounded_and_forgets_the_oldest() {
        let keys = WrongKeys::default();
        for _ in 0..=WRONG_KEYS_FREE {
            keys.note(address(0), Instant::now());
        }
        tokio::time::advance(Duration::from_millis(1)).await;
        for number in 1..=WRONG_KEYS_ADDRESSES as u32 {
            keys.note(address(number), Instant::now());
        }
        assert_eq!(keys.0.lock().unwrap().len(), WRONG_KEYS_ADDRESSES);
        assert_eq!(keys.note(address(0), Instant::now()), Verdict::Refuse);
    }

    #[tokio::test(start_paused = true)]
    async fn one_ipv6_client_does_not_begin_anew_with_each_address_of_its_network() {
        let keys = WrongKeys::default();
        for last in 0..WRONG_KEYS_FREE {
            let address = IpAddr::from(Ipv6Addr::from_bits((0x2001_0db8 << 96) + u128::from(last)));
            assert_eq!(keys.note(address.into(), Instant::now()), Verdict::Refuse);
        }
        let another = IpAddr::from(Ipv6Addr::from_bits((0x2001_0db8 << 96) + (1 << 60)));
        assert_eq!(keys.note(another.into(), Instant::now()), Verdict::RefuseLate);
    }
}
