//! Time as the core sees it: whole milliseconds, handed in by the entry.

use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// A moment in UTC, in whole milliseconds since 1970. Its text and its JSON are RFC 3339, as in
/// `2026-01-31T12:00:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment this many milliseconds after 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The moment of a text in RFC 3339, or the start of a day in UTC, as in `2026-01-31`.
    pub fn parse(text: &str) -> Option<Self> {
        /// Of a day as in `2026-01-31`: a date with a time and no zone is none.
        const DAY_CHARS: usize = 10;
        let day = || {
            let day = text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == DAY_CHARS)?;
            day.to_zoned(jiff::tz::TimeZone::UTC).ok()
        };
        let moment = text.parse().ok().or_else(|| Some(day()?.timestamp()));
        moment.map(|moment: jiff::Timestamp| Self(moment.as_millisecond()))
    }

    /// This moment and `duration` more; the far end of time if that is past it.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This moment less `duration`.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long it is from `earlier` to this; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Self(moment.as_millisecond()))
    }
}

/// Tells the time to a use case that lasts, such as [`run_job`](crate::use_cases::run_job). Entries hand in the
/// machine's clock, tests a manual one.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_or_a_day_is_read() {
        let noon = Timestamp::from_millis(1_769_860_800_000);
        assert_eq!(Timestamp::parse("2026-01-31T12:00:00Z"), Some(noon));
        assert_eq!(Timestamp::parse("2026-01-31T13:00:00+01:00"), Some(noon));
        assert_eq!(Timestamp::parse("2026-01-31"), Some(noon.before(Duration::from_secs(12 * 3_600))));
        for text in ["", "today", "2026-02-30", "2026-01-31T12:00:00", "1769860800"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn text_is_rfc_3339_in_utc_with_milliseconds() {
        let moment = Timestamp::from_millis(1_769_860_800_007);
        assert_eq!(moment.to_string(), "2026-01-31T12:00:00.007Z");
        let json = serde_json::to_string(&moment).unwrap();
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), moment);
    }

    #[test]
    fn since_an_instant_in_the_future_is_zero() {
        assert_eq!(Timestamp::from_millis(1).since(Timestamp::from_millis(2)), Duration::ZERO);
    }
}
