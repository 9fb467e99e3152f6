//! Time intervals: whether a named one holds at a moment, in its own time zone.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::options::{NamedIntervals, TimeInterval};
use crate::model::TimestampMs;

/// Whether any interval of that name holds; an unknown name never does.
pub fn holds(all: &[NamedIntervals], name: &str, at: TimestampMs) -> bool {
    let named = all.iter().filter(|named| named.name == name);
    named.flat_map(|named| &named.intervals).any(|interval| contains(interval, at))
}

/// All fields must hold; an empty field holds always.
pub fn contains(interval: &TimeInterval, at: TimestampMs) -> bool {
    let Some(local) = local_time(interval.location.as_deref(), at) else { return false };
    let minute = local.hour() as u16 * 60 + local.minute() as u16;
    let within = |ranges: &[(i32, i32)], value: i32| ranges.is_empty() || ranges.iter().any(|(from, to)| (*from..=*to).contains(&value));
    let wide = |ranges: &[(u8, u8)]| ranges.iter().map(|(a, b)| (i32::from(*a), i32::from(*b))).collect::<Vec<_>>();
    (interval.times.is_empty() || interval.times.iter().any(|(from, to)| (*from..*to).contains(&minute)))
        && day_of_month_holds(&interval.days_of_month, local)
        && within(&wide(&interval.weekdays), i32::from(local.weekday().to_sunday_zero_offset()))
        && within(&wide(&interval.months), i32::from(local.month()))
        && within(&interval.years, i32::from(local.year()))
}

/// Negative days count from the month's end; both ends are clamped into the month, as upstream does.
fn day_of_month_holds(ranges: &[(i8, i8)], local: DateTime) -> bool {
    let last = local.date().days_in_month();
    let from_start = |day: i8| if day < 0 { last + day + 1 } else { day };
    ranges.is_empty()
        || ranges.iter().any(|(from, to)| {
            let (from, to) = (from_start(*from), from_start(*to));
            // A range that lies wholly past this month's end does not hold.
            from <= last && (from.max(1)..=to.min(last)).contains(&local.day())
        })
}

fn local_time(location: Option<&str>, at: TimestampMs) -> Option<DateTime> {
    let zone = match location {
        None | Some("" | "UTC") => TimeZone::UTC,
        Some("Local") => TimeZone::system(),
        Some(name) => TimeZone::get(name).ok()?,
    };
    let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
    Some(zone.to_datetime(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> TimestampMs {
        TimestampMs(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn the_start_counts_and_the_end_does_not() {
        let interval = TimeInterval { times: vec![(9 * 60, 17 * 60), (23 * 60, 1440)], ..TimeInterval::default() };
        for (time, holds) in [("09:00", true), ("16:59", true), ("17:00", false), ("08:59", false), ("23:59", true)] {
            assert_eq!(contains(&interval, at(&format!("2024-01-02T{time}:30Z"))), holds, "{time}");
        }
    }

    #[test]
    fn fields_must_all_hold_in_the_zone_of_the_interval() {
        let interval = TimeInterval { weekdays: vec![(1, 5)], location: Some("Asia/Tokyo".to_owned()), ..TimeInterval::default() };
        assert!(contains(&interval, at("2024-01-07T16:00:00Z")), "Monday in Tokyo, Sunday in UTC");
        assert!(!contains(&interval, at("2024-01-05T16:00:00Z")), "Saturday in Tokyo, Friday in UTC");
        let nowhere = TimeInterval { location: Some("Not/AZone".to_owned()), ..TimeInterval::default() };
        assert!(!contains(&nowhere, at("2024-01-07T16:00:00Z")));
    }

    #[test]
    fn days_count_from_both_ends_of_the_month_and_are_clamped() {
        let of = |from, to| TimeInterval { days_of_month: vec![(from, to)], ..TimeInterval::default() };
        assert!(contains(&of(-1, -1), at("2024-02-29T12:00:00Z")));
        assert!(!contains(&of(-1, -1), at("2024-02-28T12:00:00Z")));
        assert!(contains(&of(25, 31), at("2024-02-29T12:00:00Z")));
        assert!(!contains(&of(31, 31), at("2024-02-29T12:00:00Z")));
        assert!(contains(&of(-31, -28), at("2024-02-01T12:00:00Z")));
        let summer = TimeInterval { months: vec![(6, 8)], years: vec![(2024, 2025)], ..TimeInterval::default() };
        assert!(contains(&summer, at("2025-08-31T23:00:00Z")));
        assert!(!contains(&summer, at("2026-07-01T00:00:00Z")));
    }
}
