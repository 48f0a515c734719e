//! Who is at the other end of a connection. The serving loop puts a [`Peer`] into the extensions of each request.
#![cfg_attr(not(feature = "server"), allow(dead_code, reason = "only the serving loop makes a peer"))]

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

#[cfg(feature = "server")]
use {crate::connections::Slot, std::sync::Arc};

/// The unit in which clients are counted: an IPv4 address, or the /64 network of an IPv6 address, of which one client
/// usually has all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address(IpAddr);

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The client of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    address: Address,
    #[cfg(feature = "server")]
    slot: Option<Arc<Slot>>,
}

impl Peer {
    /// The client that holds this slot.
    #[cfg(feature = "server")]
    pub(crate) fn of(slot: Arc<Slot>) -> Self {
        Self { address: slot.address(), slot: Some(slot) }
    }

    /// A client at `address` without a connection of its own.
    #[cfg(test)]
    pub(crate) fn at(address: Address) -> Self {
        Self {
            address,
            #[cfg(feature = "server")]
            slot: None,
        }
    }

    /// Where the client is.
    pub(crate) const fn address(&self) -> Address {
        self.address
    }

    /// The client has presented a valid key or ticket on this connection.
    pub(crate) fn authenticated(&self) {
        #[cfg(feature = "server")]
        if let Some(slot) = &self.slot {
            slot.authenticated();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn ipv6_clients_are_counted_by_their_network_and_mapped_ones_by_their_ipv4_address() {
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff::2"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_eq!(address("::ffff:192.0.2.7"), address("192.0.2.7"));
        assert_ne!(address("192.0.2.7"), address("192.0.2.8"));
    }
}
