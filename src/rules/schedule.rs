//! When a group is evaluated: at multiples of its interval plus an offset of its own, so that groups spread out. Pure.

use std::path::Path;

use xxhash_rust::xxh64::xxh64;

use crate::model::{DurationMs, TimestampMs};

const NANOS_PER_MS: u64 = 1_000_000;

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
    /// The offset is a hash of file and name, the one that Prometheus takes: the same rules are evaluated at the same times by both. An
    /// interval below a millisecond counts as one.
    pub fn new(file: &Path, name: &str, interval: DurationMs) -> Self {
        let interval = DurationMs(interval.0.max(1));
        let nanos = hash(&["file", &file.to_string_lossy(), "name", name]) % (interval.0.unsigned_abs().saturating_mul(NANOS_PER_MS));
        Self { interval, offset: DurationMs((nanos / NANOS_PER_MS) as i64) }
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

/// Prometheus's hash of a label set (`stringlabels`, 3.5): XXH64 over each text behind its length, which takes a byte, or from 255 on
/// 0xff and three bytes, the lowest first.
fn hash(texts: &[&str]) -> u64 {
    let mut bytes = Vec::new();
    for text in texts {
        match u8::try_from(text.len()) {
            Ok(length @ ..=254) => bytes.push(length),
            _ => bytes.extend([0xff].iter().chain(&text.len().to_le_bytes()[..3])),
        }
        bytes.extend(text.as_bytes());
    }
    xxh64(&bytes, 0)
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

    // As Prometheus 3.5.3 evaluated groups of these names.
    #[test]
    fn offsets_are_those_of_prometheus() {
        let offset = |name: &str, seconds| Schedule::new(Path::new("/tmp/ph/r.yml"), name, DurationMs::seconds(seconds)).offset.0;
        assert_eq!((offset("one", 1), offset("three of them", 3), offset("seven", 7)), (257, 2543, 4873));
        assert_eq!((offset(&"a".repeat(140), 5), offset(&"b".repeat(300), 5)), (1643, 3681));
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

    /// Prometheus's loop: a ticker that drops what is not taken at once, but for one; what is missed is counted when a tick is taken.
    fn prometheus(lengths: &[i64], interval: i64) -> Vec<(i64, i64, u64)> {
        let (mut evaluated, mut now, mut next_tick, mut pending, mut seen) = (0, 0, interval, false, Vec::new());
        for length in lengths {
            now += length;
            while next_tick <= now {
                (pending, next_tick) = (true, next_tick + interval);
            }
            if !pending {
                now = next_tick;
                next_tick += interval;
            }
            pending = false;
            let missed = ((now - evaluated) / interval - 1).max(0);
            evaluated += (missed + 1) * interval;
            seen.push((now, evaluated, missed.unsigned_abs()));
        }
        seen
    }

    #[test]
    fn slow_evaluations_are_followed_as_prometheus_follows_them() {
        let mut random = 7u64;
        let mut length = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // From far below the interval of ten to several of them, ends on a tick included.
            [1, 3, 9, 10, 11, 19, 20, 25, 30, 47][(random >> 33) as usize % 10]
        };
        let lengths: Vec<i64> = (0..2_000).map(|_| length()).collect();
        let schedule = Schedule { interval: DurationMs(10), offset: DurationMs(0) };
        let (mut last, mut now, mut seen) = (TimestampMs(0), TimestampMs(0), Vec::new());
        for length in &lengths {
            now = now + DurationMs(*length);
            let (at, missed) = loop {
                match schedule.next(last, now) {
                    Next::Wait(wait) => now = now + wait,
                    Next::Due { at, missed } => break (at, missed),
                }
            };
            last = at;
            seen.push((now.0, at.0, missed));
        }
        assert_eq!(seen, prometheus(&lengths, 10));
        assert!(seen.iter().any(|(_, _, missed)| *missed > 2));
    }
}
