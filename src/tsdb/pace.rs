//! When the log is synced: what was written is durable after the sync interval at the latest, and what fills a page of the disk after
//! a third of it. A page that goes to disk before it is full goes there again.

use std::time::Duration;

/// However short the interval.
const REST_MIN_MS: i64 = 10;

/// What of the log is not synced yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsynced {
    pub bytes: u64,
    /// They reach the end of a page.
    pub fills_page: bool,
}

/// Times are monotonic milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    looked_at: i64,
    synced_at: i64,
    /// Before what is not synced was written.
    unsynced_from: Option<i64>,
}

impl Pace {
    /// Whether to sync now; if so, it counts as done.
    pub fn is_due(&mut self, now: i64, interval: i64, has_late: bool, unsynced: Unsynced) -> bool {
        if unsynced.bytes == 0 && !has_late {
            self.unsynced_from = None;
        } else if self.unsynced_from.is_none() {
            self.unsynced_from = Some(self.looked_at);
        }
        self.looked_at = now;
        let fills = has_late || unsynced.fills_page;
        let is_due = self.unsynced_from.is_some_and(|from| now - from >= interval) || fills && now - self.synced_at >= interval / 3;
        if is_due {
            (self.synced_at, self.unsynced_from) = (now, None);
        }
        is_due
    }

    /// How long until the next look: what comes meanwhile is not to wait longer than the interval either.
    pub fn rest(&self, now: i64, interval: i64) -> Duration {
        if interval == 0 {
            return Duration::MAX;
        }
        let until = self.unsynced_from.map_or(now + interval, |from| from + interval);
        Duration::from_millis((until - now).max(REST_MIN_MS).unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes come at these times; the longest that one waited for its sync, and how many syncs there were.
    fn run(interval: i64, writes: &[(i64, u64)], until: i64) -> (i64, u32) {
        let (mut pace, mut now, mut position, mut synced, mut waiting) = (Pace::default(), 0, 0, 0, Vec::new());
        let (mut longest, mut syncs, mut next) = (0, 0, writes.iter().peekable());
        while now < until {
            while let Some((at, bytes)) = next.next_if(|(at, _)| *at <= now) {
                position += bytes;
                waiting.push(*at);
            }
            let unsynced = Unsynced { bytes: position - synced, fills_page: position / 4096 > synced / 4096 };
            if pace.is_due(now, interval, false, unsynced) {
                longest = waiting.drain(..).map(|at| now - at).max().unwrap_or(0).max(longest);
                (synced, syncs) = (position, syncs + 1);
            }
            now += i64::try_from(pace.rest(now, interval).min(Duration::from_secs(5)).as_millis()).unwrap();
        }
        assert!(waiting.iter().all(|at| until - at <= interval), "{waiting:?}");
        (longest, syncs)
    }

    #[test]
    fn nothing_waits_longer_than_the_interval_and_pages_are_mostly_full() {
        let every = |step: i64, bytes: u64| (1..600_000 / step).map(|n| (n * step + n % 7, bytes)).collect::<Vec<_>>();
        // A tiny box: 140 bytes every 1.5 s.
        let (longest, syncs) = run(15_000, &every(1_500, 140), 600_000);
        assert!(longest <= 15_000 && (38..=52).contains(&syncs), "{longest} ms, {syncs} syncs");
        // A large one: every third of the interval.
        let (longest, syncs) = run(15_000, &every(50, 1_400), 600_000);
        assert!(longest <= 5_600 && (100..=121).contains(&syncs), "{longest} ms, {syncs} syncs");
        for interval in [1_000, 2_000, 5_000, 60_000] {
            let (longest, _) = run(interval, &every(1_500, 140), 600_000);
            assert!(longest <= interval, "{longest} of {interval} ms");
        }
        assert_eq!(run(15_000, &[], 600_000), (0, 0));
    }
}
