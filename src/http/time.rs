//! Points in time as the APIs print them.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use crate::model::TimestampMs;

/// Go's zero time, which stands for "never".
pub const NEVER: &str = "0001-01-01T00:00:00Z";

pub fn rfc3339_or_never(at: Option<TimestampMs>) -> String {
    at.map_or_else(|| NEVER.to_owned(), TimestampMs::rfc3339)
}

/// The same in the offset from UTC in which somebody wrote it, in seconds.
pub fn rfc3339_millis_at(at: TimestampMs, offset: i32) -> String {
    let zoned = || Some(Timestamp::from_millisecond(at.0).ok()?.to_zoned(TimeZone::fixed(Offset::from_seconds(offset).ok()?)));
    match zoned().filter(|_| offset != 0) {
        Some(zoned) => zoned.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string(),
        None => at.rfc3339_millis(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_both_forms() {
        assert_eq!(TimestampMs(1_435_781_430_781).rfc3339(), "2015-07-01T20:10:30.781Z");
        assert_eq!(TimestampMs(1_435_781_430_000).rfc3339(), "2015-07-01T20:10:30Z");
        assert_eq!(TimestampMs(1_435_781_430_000).rfc3339_millis(), "2015-07-01T20:10:30.000Z");
        assert_eq!(rfc3339_or_never(None), NEVER);
        assert_eq!(rfc3339_millis_at(TimestampMs(1_435_781_430_007), -12_600), "2015-07-01T16:40:30.007-03:30");
        assert_eq!(rfc3339_millis_at(TimestampMs(1_435_781_430_007), 0), "2015-07-01T20:10:30.007Z");
    }
}
