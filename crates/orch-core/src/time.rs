//! Instants as microseconds since the Unix epoch, UTC: what the database stores and the API shows.
//!
//! Never reads a clock; `now` is always an argument.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant, in microseconds UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

const DAY_US: i64 = 86_400_000_000;

impl Timestamp {
    #[must_use]
    pub const fn from_micros(us: i64) -> Self {
        Self(us)
    }

    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Parses RFC 3339; a text without a zone is taken as UTC.
    ///
    /// # Errors
    /// When the text is not a date and time.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let text = text.trim();
        let instant = text.parse::<jiff::Timestamp>().or_else(|_| {
            text.parse::<jiff::civil::DateTime>()
                .and_then(|civil| civil.to_zoned(jiff::tz::TimeZone::UTC))
                .map(|zoned| zoned.timestamp())
        });
        instant
            .map(|at| Self(at.as_microsecond()))
            .map_err(|_| InvalidTimestamp(text.chars().take(64).collect()))
    }

    /// The instant `after` later, or the last one that can be written.
    #[must_use]
    pub fn plus(self, after: Duration) -> Self {
        let us = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(us))
    }

    /// Time from `earlier` to here; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Midnight UTC of this instant's day.
    #[must_use]
    pub fn start_of_day(self) -> Self {
        Self(self.0.div_euclid(DAY_US).saturating_mul(DAY_US))
    }

    /// Midnight UTC of the next day.
    #[must_use]
    pub fn next_day(self) -> Self {
        Self(self.start_of_day().0.saturating_add(DAY_US))
    }
}

/// A wait in whole seconds, which are not over before it is.
#[must_use]
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(at) => write!(f, "{at:.6}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The text is not a date and time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an RFC 3339 date and time (such as 2026-01-31T12:00:00Z)")]
pub struct InvalidTimestamp(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zoneless_text_is_utc_and_offsets_are_applied() {
        let utc = Timestamp::parse("2026-01-31T12:00:00Z").unwrap();
        assert_eq!(Timestamp::parse("2026-01-31T12:00:00").unwrap(), utc);
        assert_eq!(Timestamp::parse("2026-01-31T14:00:00+02:00").unwrap(), utc);
        assert_eq!(utc.to_string(), "2026-01-31T12:00:00.000000Z");
        assert!(Timestamp::parse("yesterday").is_err());
    }

    #[test]
    fn days_start_at_midnight_also_before_1970() {
        let at = Timestamp::from_micros(-1);
        assert_eq!(at.start_of_day(), Timestamp::from_micros(-DAY_US));
        assert_eq!(at.next_day(), Timestamp::from_micros(0));
    }
}
