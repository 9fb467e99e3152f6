//! The time before the start in which nobody watched: said in the log, on the pages, in figures and in the ledger.

use crate::alerts::Alerting;
use crate::model::{DurationMs, TimestampMs};
use crate::telemetry::Registry;

/// A shorter one is a restart like any other: the log and the ledger have it, the pages do not.
const SHOWN_FROM: DurationMs = DurationMs(60_000);
/// How long after the start the pages say it: whoever comes in the next morning still reads it.
const SHOWN_FOR: DurationMs = DurationMs(24 * 3_600_000);

/// From the last sample until the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blind {
    pub from: TimestampMs,
    pub to: TimestampMs,
}

impl Blind {
    /// None where nothing was stored before, or where that is not in the past.
    pub fn before(start: TimestampMs, newest_sample: Option<TimestampMs>) -> Option<Self> {
        newest_sample.filter(|last| *last < start).map(|from| Self { from, to: start })
    }

    fn length(self) -> DurationMs {
        self.to - self.from
    }

    pub fn say(self, registry: &Registry) {
        let (from, to, seconds) = (self.from.rfc3339(), self.to.rfc3339(), self.length().as_seconds());
        tracing::warn!(from, to, seconds, "nothing was watched while promlet was not running");
        let help = "Seconds between the newest sample that was stored before the last start and that start.";
        registry.gauge("promlet_blind_before_start_seconds", help, &[]).set(seconds);
    }

    pub fn note(self, alerting: &Alerting) {
        alerting.note_blind(self.from, self.to);
    }

    /// For all pages, for a day.
    pub fn sentence(self, now: TimestampMs) -> Option<String> {
        let is_shown = self.length() >= SHOWN_FROM && now - self.to < SHOWN_FOR;
        let whole = |at: TimestampMs| at.whole_seconds().rfc3339();
        let length = DurationMs(self.length().0 / 1000 * 1000);
        is_shown.then(|| {
            format!(
                "promlet was not running from {} to {} ({length}): nothing was watched. What ended meanwhile is told as ended while promlet \
                 was not running.",
                whole(self.from),
                whole(self.to)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_one_is_shown_for_a_day() {
        let at = |seconds: i64| TimestampMs(seconds * 1000);
        assert_eq!((Blind::before(at(5), None), Blind::before(at(5), Some(at(5)))), (None, None));
        let night = Blind::before(at(40_000), Some(at(10_000))).unwrap();
        let said = night.sentence(at(50_000)).unwrap();
        assert!(said.starts_with("promlet was not running from 1970-01-01T02:46:40Z to 1970-01-01T11:06:40Z (8h20m)"), "{said}");
        assert_eq!(night.sentence(at(40_000 + 86_400)), None);
        assert_eq!(Blind::before(at(59), Some(at(0))).unwrap().sentence(at(60)), None, "a restart");
    }
}
