//! When a target is scraped, and which time its samples carry. Pure.

use std::time::Duration;

use crate::model::{DurationMs, TimestampMs};

/// Lateness up to this is taken out of the timestamps: equal distances compress well.
const TOLERANCE_MS: i64 = 2;
/// So many late ticks in a row mean that the wall clock was moved, not that we are slow.
const LATE_TICKS_MAX: u32 = 10;

/// A target's ticks: every interval, at an offset of its own, waited for on the monotonic clock.
#[derive(Clone, Debug)]
pub(super) struct Beat {
    interval: DurationMs,
    /// The wall time that the current tick stands for.
    tick: TimestampMs,
    /// When the current tick is due.
    due: Duration,
    late: u32,
}

impl Beat {
    /// The first tick is the next wall time that leaves `seed % interval` when divided by the interval.
    pub(super) fn new(interval: DurationMs, seed: u64, now: TimestampMs, monotonic: Duration) -> Self {
        let length = interval.0.max(1);
        let offset = (seed % length as u64) as i64;
        let wait = (offset - now.0).rem_euclid(length);
        Self { interval: DurationMs(length), tick: now + DurationMs(wait), due: monotonic + DurationMs(wait).to_std(), late: 0 }
    }

    /// When the current tick is due, on the monotonic clock.
    pub(super) fn due(&self) -> Duration {
        self.due
    }

    /// Goes on to the next tick; ticks that have passed meanwhile are skipped but for the latest, which is due at once.
    pub(super) fn advance(&mut self, monotonic: Duration) {
        let length = self.interval.to_std();
        let passed = monotonic.saturating_sub(self.due).as_millis() / length.as_millis().max(1);
        let steps = i64::try_from(passed).unwrap_or(i64::MAX).max(1);
        self.tick = self.tick + DurationMs(self.interval.0.saturating_mul(steps));
        self.due += Duration::from_millis(self.interval.0.saturating_mul(steps) as u64);
    }

    /// The timestamp of a scrape that begins now, at the current tick. A wall clock that was set is followed.
    pub(super) fn stamp(&mut self, now: TimestampMs) -> TimestampMs {
        let tolerance = TOLERANCE_MS.min(self.interval.0 / 100);
        let late = (now - self.tick).0;
        if late.abs() <= tolerance {
            self.late = 0;
            return self.tick;
        }
        self.late += 1;
        if late < 0 || late >= self.interval.0 || self.late > LATE_TICKS_MAX {
            self.tick = now;
            self.late = 0;
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn ticks_sit_on_the_targets_own_offset() {
        let mut beat = Beat::new(DurationMs(5_000), 12_001, TimestampMs(100_000), S);
        assert_eq!(beat.due(), S + Duration::from_millis(2_001));
        assert_eq!(beat.stamp(TimestampMs(102_003)), TimestampMs(102_001), "within the tolerance");
        beat.advance(3 * S);
        assert_eq!(beat.due(), S + Duration::from_millis(7_001));
        assert_eq!(beat.stamp(TimestampMs(107_004)), TimestampMs(107_004), "beyond it");
    }

    #[test]
    fn missed_ticks_are_skipped_and_the_last_one_is_made_up() {
        let mut beat = Beat::new(DurationMs(1_000), 0, TimestampMs(0), Duration::ZERO);
        beat.advance(Duration::from_millis(3_500));
        assert_eq!(beat.due(), 3 * S);
        beat.advance(Duration::from_millis(3_600));
        assert_eq!(beat.due(), 4 * S);
    }

    #[test]
    fn a_clock_that_was_set_is_followed() {
        let mut beat = Beat::new(DurationMs(1_000), 0, TimestampMs(10_000), Duration::ZERO);
        assert_eq!(beat.stamp(TimestampMs(4_000)), TimestampMs(4_000));
        beat.advance(Duration::from_millis(1));
        assert_eq!(beat.stamp(TimestampMs(5_001)), TimestampMs(5_000), "aligned again after the step back");
        for tick in 1..=12i64 {
            beat.advance(Duration::ZERO);
            let now = TimestampMs(5_000 + tick * 1_000 + 300);
            assert_eq!(beat.stamp(now), if tick == 12 { TimestampMs(17_300) } else { now });
        }
    }

    #[test]
    fn short_intervals_have_a_smaller_tolerance() {
        let mut beat = Beat::new(DurationMs(100), 0, TimestampMs(0), Duration::ZERO);
        assert_eq!(beat.stamp(TimestampMs(1)), TimestampMs(0));
        assert_eq!(beat.stamp(TimestampMs(2)), TimestampMs(2));
    }
}
