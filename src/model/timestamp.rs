//! Points in time: milliseconds since the Unix epoch, and inclusive ranges of them.

use std::fmt;
use std::ops::{Add, Sub};

use jiff::Timestamp;

use super::DurationMs;

/// Milliseconds since 1970-01-01T00:00:00Z, as Prometheus counts them; may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimestampMs(pub i64);

impl TimestampMs {
    pub const MIN: Self = Self(i64::MIN);
    pub const MAX: Self = Self(i64::MAX);

    /// Unix seconds with a fraction, as the HTTP API and PromQL's `time()` state them.
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// Rounded to the millisecond; saturates at the ends of the type.
    pub fn from_seconds(seconds: f64) -> Self {
        Self((seconds * 1000.0).round() as i64)
    }

    /// RFC 3339 in UTC, decimals only where there are any: Prometheus's form. Beyond the calendar (the year 9999) Unix seconds.
    pub fn rfc3339(self) -> String {
        Timestamp::from_millisecond(self.0).map_or_else(|_| self.to_string(), |at| at.to_string())
    }

    /// The same with three decimals always: Alertmanager's form.
    pub fn rfc3339_millis(self) -> String {
        Timestamp::from_millisecond(self.0).map_or_else(|_| self.to_string(), |at| format!("{at:.3}"))
    }

    /// Without what is less than a second.
    pub fn whole_seconds(self) -> Self {
        Self(self.0.div_euclid(1000) * 1000)
    }

    pub fn saturating_add(self, by: DurationMs) -> Self {
        Self(self.0.saturating_add(by.0))
    }

    pub fn saturating_sub(self, by: DurationMs) -> Self {
        Self(self.0.saturating_sub(by.0))
    }
}

impl Add<DurationMs> for TimestampMs {
    type Output = Self;
    fn add(self, by: DurationMs) -> Self {
        self.saturating_add(by)
    }
}

impl Sub<DurationMs> for TimestampMs {
    type Output = Self;
    fn sub(self, by: DurationMs) -> Self {
        self.saturating_sub(by)
    }
}

impl Sub for TimestampMs {
    type Output = DurationMs;
    fn sub(self, other: Self) -> DurationMs {
        DurationMs(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for TimestampMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0.div_euclid(1000), self.0.rem_euclid(1000))
    }
}

/// A closed range of time: both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeRange {
    pub min: TimestampMs,
    pub max: TimestampMs,
}

impl TimeRange {
    pub const ALL: Self = Self { min: TimestampMs::MIN, max: TimestampMs::MAX };

    pub fn new(min: TimestampMs, max: TimestampMs) -> Self {
        Self { min, max }
    }

    pub fn contains(self, at: TimestampMs) -> bool {
        self.min <= at && at <= self.max
    }

    pub fn overlaps(self, other: Self) -> bool {
        self.min <= other.max && other.min <= self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_rfc_3339() {
        let at = TimestampMs(1_435_781_430_781);
        assert_eq!((at.rfc3339(), at.rfc3339_millis()), ("2015-07-01T20:10:30.781Z".to_owned(), "2015-07-01T20:10:30.781Z".to_owned()));
        let at = at.whole_seconds();
        assert_eq!((at.rfc3339(), at.rfc3339_millis()), ("2015-07-01T20:10:30Z".to_owned(), "2015-07-01T20:10:30.000Z".to_owned()));
        assert_eq!(TimestampMs(-1).whole_seconds(), TimestampMs(-1000));
        assert_eq!(TimestampMs(i64::MAX).rfc3339(), "9223372036854775.807");
    }
}
