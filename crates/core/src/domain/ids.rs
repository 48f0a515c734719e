//! Identifiers. A value of one of these types is always well formed; whether the thing exists is another matter.

use super::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// 32 fresh random bytes, drawn by the entry for one call. Core never draws its own.
#[derive(Clone)]
pub struct Entropy(pub [u8; 32]);

impl Entropy {
    /// Bytes 0 to 9: the random part of an id.
    fn id_bytes(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes.copy_from_slice(&self.0[..10]);
        bytes
    }

    /// Bytes 10 to 13, as a number: seeds.
    pub fn seed(&self) -> u32 {
        u32::from_le_bytes([self.0[10], self.0[11], self.0[12], self.0[13]])
    }

    /// Bytes 14 to 17, as a fraction in `0.0..1.0`: jitter.
    pub fn fraction(&self) -> f64 {
        let value = u32::from_le_bytes([self.0[14], self.0[15], self.0[16], self.0[17]]);
        f64::from(value) / (f64::from(u32::MAX) + 1.0)
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(..)")
    }
}

/// A text that is not an id of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct BadId(pub &'static str);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// A UUIDv7: 48 bits of time in milliseconds, so ids sort by creation, and 74 random bits, so they
        /// can't be guessed. Its text is the hyphenated lower-case form, and no other form is accepted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id from the time and the entry's random bytes.
            pub fn new(now: Timestamp, entropy: &Entropy) -> Self {
                let millis = u64::try_from(now.as_millis()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &entropy.id_bytes()).into_uuid())
            }

            /// The 16 bytes, in sorting order.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The id of these 16 bytes, as [`as_bytes`](Self::as_bytes) gave them.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let id = Uuid::try_parse(text).map_err(|_| BadId($what))?;
                // One spelling per id: a second spelling would be a second cache key and a second log line.
                if id.hyphenated().to_string() == text { Ok(Self(id)) } else { Err(BadId($what)) }
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

uuid_id!(
    /// Names a job.
    JobId,
    "job id"
);
uuid_id!(
    /// Names a saved image.
    ImageId,
    "image id"
);
uuid_id!(
    /// Names a collection of saved images.
    CollectionId,
    "collection id"
);

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The longest, in bytes.
            pub const MAX_BYTES: usize = $max;

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                let allowed: fn(u8) -> bool = $allowed;
                let fits = (1..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(allowed);
                if fits { Ok(Self(text)) } else { Err(BadId($what)) }
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// Whose a job, an image or a connection is: 1 to 128 of `A-Z a-z 0-9 . _ : @ | -`.
    OwnerId,
    "owner id",
    128,
    |byte| byte.is_ascii_alphanumeric() || b"._:@|-".contains(&byte)
);
text_id!(
    /// What the maker of an API key calls it: 1 to 64 of `A-Z a-z 0-9 . _ @ -`.
    KeyName,
    "key name: 1 to 64 of A-Z a-z 0-9 . _ @ -",
    64,
    |byte| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte)
);
text_id!(
    /// A client's open connection: 1 to 128 visible ASCII characters, chosen by the entry or by API Gateway.
    ConnectionId,
    "connection id",
    128,
    |byte| byte.is_ascii_graphic()
);
text_id!(
    /// A client's name for one request, so that repeating it does nothing twice: 1 to 255 visible ASCII characters.
    IdempotencyKey,
    "idempotency key: 1 to 255 visible ASCII characters",
    255,
    |byte| byte.is_ascii_graphic()
);
text_id!(
    /// A model's name, as in `/models`: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    ModelName,
    "model name",
    64,
    |byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
);

impl OwnerId {
    /// The one owner of a server that has no keys.
    pub fn local() -> Self {
        Self("local".to_owned())
    }
}

impl ModelName {
    /// What stands for the default where there is no model.
    pub(crate) fn none() -> Self {
        Self("none".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_and_sort_by_time() {
        let early = JobId::new(Timestamp::from_millis(1_000), &Entropy([255; 32]));
        let late = JobId::new(Timestamp::from_millis(2_000), &Entropy([0; 32]));
        assert!(early < late);
        assert_eq!(early.to_string().parse(), Ok(early));
    }

    #[test]
    fn an_id_has_one_spelling() {
        let id = JobId::new(Timestamp::from_millis(1_000), &Entropy([171; 32])).to_string();
        assert!(id.to_uppercase().parse::<JobId>().is_err());
        assert!(id.replace('-', "").parse::<JobId>().is_err());
        assert!("../../etc/passwd".parse::<JobId>().is_err());
    }

    #[test]
    fn an_owner_has_no_path_characters() {
        assert!("a/b".parse::<OwnerId>().is_err());
        assert!("".parse::<OwnerId>().is_err());
        assert!("auth0|alice@example.com".parse::<OwnerId>().is_ok());
    }
}
