//! What changed when: the newest commit of each stretch of time, so that an old answer can be known to still hold.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::limits::{VERSION_BUCKET_MS, VERSION_BUCKETS};
use crate::model::TimeRange;

/// Minutes of an hour.
const MINUTES: i64 = 60;

#[derive(Default)]
struct State {
    minutes: BTreeMap<i64, u64>,
    /// What is older than the minutes that are kept, by the hour: a range that ended days ago must not seem changed each minute.
    hours: BTreeMap<i64, u64>,
    /// The newest commit in any hour that is not kept.
    others: u64,
    /// The newest change that touched everything (retention, deletion).
    all: u64,
}

#[derive(Default)]
pub struct Versions(Mutex<State>);

impl Versions {
    /// A commit of this sequence wrote at this time.
    pub fn touch(&self, at: i64, sequence: u64) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = at.div_euclid(VERSION_BUCKET_MS);
        state.minutes.insert(minute, sequence);
        if state.minutes.len() <= VERSION_BUCKETS {
            return;
        }
        let Some((minute, gone)) = state.minutes.pop_first() else { return };
        let hour = state.hours.entry(minute.div_euclid(MINUTES)).or_default();
        *hour = gone.max(*hour);
        if state.hours.len() > VERSION_BUCKETS
            && let Some((_, gone)) = state.hours.pop_first()
        {
            state.others = state.others.max(gone);
        }
    }

    /// Something went that could be anywhere.
    pub fn touch_all(&self, sequence: u64) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.all = state.all.max(sequence) + 1;
    }

    pub fn of(&self, range: TimeRange) -> u64 {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, last) = (range.min.0.div_euclid(VERSION_BUCKET_MS), range.max.0.div_euclid(VERSION_BUCKET_MS));
        let newest = |kept: &BTreeMap<i64, u64>, first: i64, last: i64| {
            if first > last { 0 } else { kept.range(first..=last).map(|(_, s)| *s).max().unwrap_or(0) }
        };
        let (first_hour, last_hour) = (first.div_euclid(MINUTES), last.div_euclid(MINUTES));
        let kept = newest(&state.minutes, first, last).max(newest(&state.hours, first_hour, last_hour));
        let oldest_kept = state.hours.keys().next().copied().unwrap_or(i64::MIN);
        let others = if first_hour < oldest_kept { state.others } else { 0 };
        // Both grow only, so their sum tells any two states apart.
        kept.max(others).wrapping_add(state.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TimestampMs;

    const MINUTE: i64 = VERSION_BUCKET_MS;

    fn range(first: i64, last: i64) -> TimeRange {
        TimeRange::new(TimestampMs(first * MINUTE), TimestampMs(last * MINUTE))
    }

    #[test]
    fn old_ranges_keep_their_version_while_new_minutes_come() {
        let versions = Versions::default();
        let week = 7 * 24 * 60;
        for minute in 0..week {
            versions.touch(minute * MINUTE, minute as u64 + 1);
        }
        let (day, all) = (versions.of(range(60, 1440 - 61)), versions.of(range(0, week - 10)));
        for minute in week..week + 300 {
            versions.touch(minute * MINUTE, minute as u64 + 1);
            assert_eq!((versions.of(range(60, 1440 - 61)), versions.of(range(0, week - 10))), (day, all), "minute {minute}");
        }
        // A late sample changes the ranges that it is in.
        versions.touch(100 * MINUTE, 1_000_000);
        assert_ne!(versions.of(range(60, 1440 - 61)), day);
        assert_eq!(versions.of(range(1440, 2880)), versions.of(range(1440, 2880)));
        versions.touch((week - 100) * MINUTE, 1_000_001);
        assert_ne!(versions.of(range(0, week - 10)), all);
    }
}
