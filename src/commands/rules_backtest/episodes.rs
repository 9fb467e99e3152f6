//! What a rule's alerts did over the window: when each became pending, fired and was resolved, and how far its value went. Pure.

use std::collections::{BTreeMap, HashMap};

use crate::model::{DurationMs, Labels, TimestampMs};
use crate::promql::token::Operator;
use crate::rules::view::{ActiveAlert, AlertState};

/// Episodes that are kept one by one for each rule; further ones are counted.
pub const EPISODES_MAX: usize = 10_000;

/// One alert from its first firing to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    pub labels: Labels,
    pub pending_since: TimestampMs,
    pub fired_at: TimestampMs,
    /// None while it still fires at the window's end.
    pub resolved_at: Option<TimestampMs>,
    /// The value furthest on the wrong side of the threshold; without a threshold the largest.
    pub peak: f64,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    pending_since: TimestampMs,
    fired_at: Option<TimestampMs>,
    peak: f64,
}

/// All alerts of one rule.
#[derive(Clone, Debug, Default)]
pub struct Episodes {
    /// The least value counts.
    wants_least: bool,
    /// What happens before this is not counted.
    from: TimestampMs,
    open: HashMap<Labels, Open>,
    /// Those that have ended in the window, and those that are left at its end.
    pub all: Vec<Episode>,
    /// Episodes that fired in the window, the kept ones included.
    pub fired: u64,
    /// Pending alerts that ended without firing.
    pub only_pending: u64,
    /// Evaluations in the window, and those at which something fired.
    pub evaluations: u64,
    pub firing_evaluations: u64,
    pub longest: DurationMs,
    /// How long each label set fired in the window, and how often.
    pub by_labels: BTreeMap<Labels, (u64, DurationMs)>,
}

impl Episodes {
    pub fn new(op: Option<Operator>, from: TimestampMs) -> Self {
        let wants_least = matches!(op, Some(Operator::Less | Operator::LessEqual));
        Self { wants_least, from, ..Self::default() }
    }

    /// The rule's active alerts after one evaluation.
    pub fn see(&mut self, at: TimestampMs, active: &[ActiveAlert]) {
        if at >= self.from {
            self.evaluations += 1;
            self.firing_evaluations += u64::from(active.iter().any(|alert| alert.state == AlertState::Firing));
        }
        if active.is_empty() && self.open.is_empty() {
            return;
        }
        let mut before = std::mem::take(&mut self.open);
        for alert in active {
            let is_firing = alert.state == AlertState::Firing;
            let known = before.remove(&alert.labels);
            // A hold that was raised, or the same labels anew within one evaluation, would begin another episode.
            let mut open = match known {
                Some(known) if known.pending_since == alert.active_at => known,
                other => {
                    if let Some(ended) = other {
                        self.end(alert.labels.clone(), ended, at);
                    }
                    Open { pending_since: alert.active_at, fired_at: None, peak: f64::NAN }
                }
            };
            open.peak = self.further(open.peak, alert.value);
            if is_firing {
                open.fired_at.get_or_insert(at);
            }
            self.open.insert(alert.labels.clone(), open);
        }
        for (labels, ended) in before {
            self.end(labels, ended, at);
        }
    }

    fn further(&self, peak: f64, value: f64) -> f64 {
        match (peak.is_nan(), self.wants_least) {
            (true, _) => value,
            (false, true) => peak.min(value),
            (false, false) => peak.max(value),
        }
    }

    fn end(&mut self, labels: Labels, open: Open, at: TimestampMs) {
        match open.fired_at {
            None if at >= self.from => self.only_pending += 1,
            Some(fired_at) if at >= self.from => self.count(labels, open, fired_at, (Some(at), at)),
            _ => {}
        }
    }

    fn count(&mut self, labels: Labels, open: Open, fired_at: TimestampMs, (resolved_at, until): (Option<TimestampMs>, TimestampMs)) {
        let inside = until - fired_at.max(self.from);
        self.fired += 1;
        self.longest = self.longest.max(until - fired_at);
        let total = self.by_labels.entry(labels.clone()).or_default();
        total.0 += 1;
        total.1 = DurationMs(total.1.0 + inside.0);
        if self.all.len() < EPISODES_MAX {
            self.all.push(Episode { labels, pending_since: open.pending_since, fired_at, resolved_at, peak: open.peak });
        }
    }

    /// The window's end: what fires still is told as such, what is pending is left.
    pub fn finish(&mut self, end: TimestampMs) {
        for (labels, open) in std::mem::take(&mut self.open) {
            if let Some(fired_at) = open.fired_at {
                self.count(labels, open, fired_at, (None, end));
            }
        }
        self.all.sort_by(|a, b| (a.fired_at, &a.labels).cmp(&(b.fired_at, &b.labels)));
    }

    /// Of the window's evaluations, from 0 to 1.
    pub fn share(&self) -> f64 {
        if self.evaluations == 0 { 0.0 } else { self.firing_evaluations as f64 / self.evaluations as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(name: &str, state: AlertState, since: i64, value: f64) -> ActiveAlert {
        ActiveAlert {
            labels: Labels::from_pairs([("x", name)]),
            annotations: Labels::empty(),
            state,
            active_at: TimestampMs(since),
            keep_firing_since: None,
            value,
        }
    }

    #[test]
    fn episodes_begin_peak_and_end() {
        let mut seen = Episodes::new(Some(Operator::Greater), TimestampMs(100));
        let (pending, firing) = (AlertState::Pending, AlertState::Firing);
        seen.see(TimestampMs(90), &[alert("early", pending, 90, 1.0), alert("long", firing, 50, 2.0)]);
        seen.see(TimestampMs(95), &[alert("long", firing, 50, 9.0)]);
        seen.see(TimestampMs(100), &[alert("a", pending, 100, 5.0), alert("b", pending, 100, 5.0), alert("long", firing, 50, 3.0)]);
        seen.see(TimestampMs(110), &[alert("a", firing, 100, 7.0)]);
        seen.see(TimestampMs(120), &[alert("a", firing, 100, 6.0)]);
        seen.see(TimestampMs(130), &[]);
        seen.see(TimestampMs(140), &[alert("a", firing, 140, 1.0)]);
        seen.finish(TimestampMs(150));
        let told: Vec<_> =
            seen.all.iter().map(|one| (one.pending_since.0, one.fired_at.0, one.resolved_at.map(|at| at.0), one.peak)).collect();
        assert_eq!(told, [(50, 90, Some(110), 9.0), (100, 110, Some(130), 7.0), (140, 140, None, 1.0)]);
        assert_eq!(
            (seen.fired, seen.only_pending, seen.evaluations, seen.firing_evaluations),
            (3, 1, 5, 4),
            "early ended before the window"
        );
        let of_a = seen.by_labels[&Labels::from_pairs([("x", "a")])];
        assert_eq!((of_a, seen.longest), ((2, DurationMs(30)), DurationMs(20)));
        let of_long = seen.by_labels[&Labels::from_pairs([("x", "long")])];
        assert_eq!(of_long, (1, DurationMs(10)), "inside of the window");
    }

    #[test]
    fn the_least_counts_below_a_threshold() {
        let mut seen = Episodes::new(Some(Operator::Less), TimestampMs(0));
        for value in [3.0, f64::NAN, 1.0, 2.0] {
            seen.see(TimestampMs(1), &[alert("a", AlertState::Firing, 0, value)]);
        }
        seen.finish(TimestampMs(2));
        assert_eq!(seen.all[0].peak, 1.0);
    }
}
