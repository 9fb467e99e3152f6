//! When a group is evaluated: at multiples of its interval plus an offset of its own, so that groups spread out. Pure.

use std::path::Path;

use xxhash_rust::xxh64::xxh64;

use crate::model::{DurationMs, TimestampMs};

/// A group's place in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub interval: DurationMs,
    /// From 0 to below the interval.
    pub offset: DurationMs,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Wait(DurationMs),
    /// Evaluate for this time; so many ticks before it passed unused.
    Due {
        at: TimestampMs,
        missed: u64,
    },
}

impl Schedule {
    /// The offset is a hash of file and name, stable over restarts. An interval below a millisecond counts as one.
    pub fn new(file: &Path, name: &str, interval: DurationMs) -> Self {
        let interval = DurationMs(interval.0.max(1));
        let hash = xxh64(format!("{}\u{ff}{name}", file.display()).as_bytes(), 0);
        Self { interval, offset: DurationMs((hash % interval.0.unsigned_abs()) as i64) }
    }

    /// The latest tick that is not after `now`.
    pub fn tick_before(self, now: TimestampMs) -> TimestampMs {
        let since = now.0.saturating_sub(self.offset.0);
        TimestampMs(since.div_euclid(self.interval.0).saturating_mul(self.interval.0).saturating_add(self.offset.0))
    }

    /// After the evaluation for `last` (a tick; at first the one before the start). A clock that was set back
    /// is followed at once, so that evaluation never waits for the old time to come again.
    pub fn next(self, last: TimestampMs, now: TimestampMs) -> Next {
        let tick = self.tick_before(now);
        if tick < last - self.interval {
            return Next::Due { at: tick, missed: 0 };
        }
        if tick <= last {
            return Next::Wait(last + self.interval - now);
        }
        let passed = (tick - last).0 / self.interval.0;
        Next::Due { at: tick, missed: (passed - 1).unsigned_abs() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_multiples_with_an_offset() {
        let schedule = Schedule::new(Path::new("a.yml"), "g", DurationMs(15_000));
        let tick = schedule.tick_before(TimestampMs(1_000_000));
        assert_eq!((tick - TimestampMs(schedule.offset.0)).0 % 15_000, 0);
        assert!(tick.0 <= 1_000_000 && tick.0 > 985_000);
        let other = Schedule::new(Path::new("a.yml"), "h", DurationMs(15_000));
        assert_ne!(schedule.offset, other.offset);
    }

    #[test]
    fn waits_misses_and_follows_a_clock_set_back() {
        let schedule = Schedule { interval: DurationMs(10), offset: DurationMs(3) };
        let last = TimestampMs(103);
        assert_eq!(schedule.next(last, TimestampMs(105)), Next::Wait(DurationMs(8)));
        assert_eq!(schedule.next(last, TimestampMs(113)), Next::Due { at: TimestampMs(113), missed: 0 });
        assert_eq!(schedule.next(last, TimestampMs(140)), Next::Due { at: TimestampMs(133), missed: 2 });
        assert_eq!(schedule.next(last, TimestampMs(95)), Next::Wait(DurationMs(18)));
        assert_eq!(schedule.next(last, TimestampMs(50)), Next::Due { at: TimestampMs(43), missed: 0 });
    }
}
