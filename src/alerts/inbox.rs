//! Alerts coming in: those that clients post, made whole as Alertmanager's API does, and the merging of posts that overlap.

use super::fingerprint::{self, Fingerprint};
use crate::model::{Alert, DurationMs, Labels, TimestampMs};
use crate::state::AlertRow;

/// An alert as a client posts it; what is left out is filled in.
#[derive(Clone, Debug)]
pub struct PostedAlert {
    pub labels: Labels,
    pub annotations: Labels,
    pub starts_at: Option<TimestampMs>,
    pub ends_at: Option<TimestampMs>,
    pub generator_url: String,
    pub offsets: Offsets,
}

/// Seconds east of UTC in which a client wrote an alert's times: it reads them so again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offsets {
    pub starts: i32,
    pub ends: i32,
}

/// An alert as it is held.
#[derive(Clone, Debug, PartialEq)]
pub struct Tracked {
    pub alert: Alert,
    pub fingerprint: Fingerprint,
    pub updated_at: TimestampMs,
    pub offsets: Offsets,
    /// `resolve_timeout` set the end, not the sender.
    pub timed_out: bool,
    /// Known from before the last start and not heard of since.
    pub restored: bool,
    /// It ended while promlet was not running, as far as anyone can tell.
    pub ended_while_down: bool,
    /// What the ledger last said: firing or not.
    pub recorded_firing: bool,
}

impl Tracked {
    pub fn new(alert: Alert, now: TimestampMs, timed_out: bool) -> Self {
        let fingerprint = fingerprint::of(&alert.labels);
        let offsets = Offsets::default();
        Self { alert, fingerprint, updated_at: now, offsets, timed_out, restored: false, ended_while_down: false, recorded_firing: false }
    }

    pub fn row(&self) -> AlertRow {
        AlertRow {
            fingerprint: self.fingerprint,
            labels: self.alert.labels.clone(),
            annotations: self.alert.annotations.clone(),
            starts_at: self.alert.starts_at,
            ends_at: self.alert.ends_at,
            updated_at: self.updated_at,
            timed_out: self.timed_out,
            generator_url: self.alert.generator_url.clone(),
            value: self.alert.value,
        }
    }
}

/// Fills in what a post leaves out. A missing start is now, or the end where that is earlier; a missing end is now and
/// `resolve_timeout`.
pub fn complete(posted: PostedAlert, now: TimestampMs, resolve_timeout: DurationMs) -> Result<Tracked, String> {
    let PostedAlert { labels, annotations, starts_at, ends_at, generator_url, mut offsets } = posted;
    if starts_at.is_none() && ends_at.is_some_and(|end| end <= now) {
        offsets.starts = offsets.ends;
    }
    let starts_at = starts_at.unwrap_or_else(|| ends_at.map_or(now, |end| end.min(now)));
    let timed_out = ends_at.is_none();
    let ends_at = ends_at.unwrap_or(now + resolve_timeout);
    if ends_at < starts_at {
        return Err("start time must be before end time".to_owned());
    }
    if labels.is_empty() {
        return Err("at least one label pair required".to_owned());
    }
    for (what, set) in [("label set", &labels), ("annotations", &annotations)] {
        if set.get("").is_some() {
            return Err(format!("invalid {what}: invalid name \"\""));
        }
    }
    let alert = Alert { labels, annotations, starts_at, ends_at, generator_url, value: None };
    Ok(Tracked { offsets, ..Tracked::new(alert, now, timed_out) })
}

/// A newer post about an alert that is known: where the two overlap in time they are one incident, with the earliest start.
pub fn merge(known: &Tracked, newer: Tracked, now: TimestampMs) -> Tracked {
    let (old, new) = (&known.alert, &newer.alert);
    let inside = |at: TimestampMs| at > old.starts_at && at < old.ends_at;
    let same_incident = inside(new.ends_at) || inside(new.starts_at) || new.starts_at == old.starts_at;
    let mut merged = newer;
    merged.recorded_firing = known.recorded_firing;
    if !same_incident {
        return merged;
    }
    let (old_end, new_end) = (known.alert.ends_at, merged.alert.ends_at);
    if known.alert.starts_at < merged.alert.starts_at {
        merged.alert.starts_at = known.alert.starts_at;
        merged.offsets.starts = known.offsets.starts;
    }
    let both_resolved = known.alert.is_resolved_at(now) && new_end <= now;
    // An end that the sender named holds against an earlier one, unless the newer post says that it is over.
    let named_later = new_end > now && !known.timed_out && !known.restored;
    if old_end > new_end && (both_resolved || named_later) {
        merged.alert.ends_at = old_end;
        merged.offsets.ends = known.offsets.ends;
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(starts_at: Option<i64>, ends_at: Option<i64>) -> PostedAlert {
        PostedAlert {
            labels: Labels::from_pairs([("alertname", "A")]),
            annotations: Labels::empty(),
            starts_at: starts_at.map(TimestampMs),
            ends_at: ends_at.map(TimestampMs),
            generator_url: String::new(),
            offsets: Offsets::default(),
        }
    }

    fn at(now: i64, starts_at: Option<i64>, ends_at: Option<i64>) -> Tracked {
        complete(posted(starts_at, ends_at), TimestampMs(now), DurationMs(300)).unwrap()
    }

    #[test]
    fn what_is_left_out_is_filled_in() {
        let span = |tracked: Tracked| (tracked.alert.starts_at.0, tracked.alert.ends_at.0, tracked.timed_out);
        assert_eq!(span(at(1000, None, None)), (1000, 1300, true));
        assert_eq!(span(at(1000, None, Some(900))), (900, 900, false));
        assert_eq!(span(at(1000, Some(10), Some(2000))), (10, 2000, false));
        assert!(complete(posted(Some(5), Some(4)), TimestampMs(9), DurationMs(1)).is_err());
        let unlabelled = PostedAlert { labels: Labels::empty(), ..posted(None, None) };
        assert!(complete(unlabelled, TimestampMs(9), DurationMs(1)).is_err());
    }

    #[test]
    fn each_time_keeps_the_offset_in_which_it_was_written() {
        let at = |starts_at, ends_at, starts, ends| {
            let posted = PostedAlert { offsets: Offsets { starts, ends }, ..posted(starts_at, ends_at) };
            complete(posted, TimestampMs(1000), DurationMs(300)).unwrap()
        };
        let offsets = |known: &Tracked, newer| {
            let merged = merge(known, newer, TimestampMs(1500)).offsets;
            (merged.starts, merged.ends)
        };
        let known = at(Some(1000), Some(2000), 3600, 7200);
        assert_eq!(offsets(&known, at(Some(1500), Some(2500), 60, 120)), (3600, 120));
        assert_eq!(offsets(&known, at(Some(900), Some(1800), 60, 120)), (60, 7200));
        assert_eq!(at(None, Some(900), 0, 3600).offsets, Offsets { starts: 3600, ends: 3600 }, "the start is the end");
    }

    #[test]
    fn overlapping_posts_are_one_incident() {
        let merged = |known: &Tracked, newer: Tracked, now| {
            let merged = merge(known, newer, TimestampMs(now));
            (merged.alert.starts_at.0, merged.alert.ends_at.0)
        };
        let known = at(1000, Some(1000), Some(2000));
        assert_eq!(merged(&known, at(1500, Some(1500), Some(2500)), 1500), (1000, 2500), "the earliest start stays");
        assert_eq!(merged(&known, at(1500, Some(1000), Some(1500)), 1500), (1000, 1500), "an end is believed at once");
        assert_eq!(merged(&known, at(1500, Some(1000), Some(1800)), 1500), (1000, 2000), "a named later end holds");
        assert_eq!(merged(&at(1000, None, None), at(1100, None, None), 1100), (1000, 1400));
        let ended = at(1000, Some(900), Some(950));
        assert_eq!(merged(&ended, at(1100, Some(1100), Some(2000)), 1100), (1100, 2000), "a new incident");
    }
}
