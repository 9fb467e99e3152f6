//! The state machine of one alerting rule: what its expression gave goes in, states, alerts to tell and series come out. Pure.
//!
//! inactive -> pending -> firing -> resolved (inactive, kept for a while), as in Prometheus.

use std::collections::BTreeMap;
use std::fmt;

use super::limits::RESOLVED_RETENTION_MS;
use super::view::AlertState;
use crate::model::{DurationMs, Labels, METRIC_NAME, TimestampMs};

/// The parts of an alerting rule that decide.
#[derive(Clone, Copy, Debug)]
pub struct AlertTimings {
    /// `for`.
    pub hold: DurationMs,
    pub keep_firing_for: DurationMs,
    /// Most active alerts; 0 means no limit.
    pub limit: usize,
}

/// One series of the rule's expression, with labels and annotations expanded.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The alert's identity.
    pub labels: Labels,
    pub annotations: Labels,
    pub value: f64,
}

/// One alert of a rule over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Tracked {
    pub annotations: Labels,
    pub value: f64,
    /// Inactive only after it was resolved.
    pub state: AlertState,
    pub active_at: TimestampMs,
    pub fired_at: Option<TimestampMs>,
    pub resolved_at: Option<TimestampMs>,
    pub last_sent_at: Option<TimestampMs>,
    pub keep_firing_since: Option<TimestampMs>,
}

/// All alerts of a rule, by labels.
pub type Tracks = BTreeMap<Labels, Tracked>;

/// A series that the rule itself writes.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertSeries {
    pub labels: Labels,
    pub value: f64,
}

/// Why an evaluation was refused as a whole; the texts are Prometheus's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlertingError {
    /// Two series give one alert: states stay as they were.
    SameLabels,
    /// Too many active alerts: all of the rule's alerts are forgotten.
    Limit { limit: usize, alerts: usize },
}

impl fmt::Display for AlertingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameLabels => f.write_str("vector contains metrics with the same labelset after applying alert labels"),
            Self::Limit { limit, alerts } => write!(f, "exceeded limit of {limit} with {alerts} alerts"),
        }
    }
}

impl std::error::Error for AlertingError {}

/// Moves a rule's alerts on by one evaluation; the answer is how many are active.
pub fn step(timings: AlertTimings, tracks: &mut Tracks, mut observed: Vec<Observed>, now: TimestampMs) -> Result<usize, AlertingError> {
    observed.sort_by(|a, b| a.labels.cmp(&b.labels));
    if observed.windows(2).any(|two| two[0].labels == two[1].labels) {
        return Err(AlertingError::SameLabels);
    }
    // Both are in order of labels: they are gone through side by side.
    let (mut coming, mut new) = (observed.into_iter().peekable(), Vec::new());
    tracks.retain(|labels, track| {
        while let Some(alert) = coming.next_if(|alert| alert.labels < *labels) {
            new.push(alert);
        }
        match coming.next_if(|alert| alert.labels == *labels) {
            Some(alert) => {
                track.see(alert, now);
                track.go_on(timings, now)
            }
            None => track.miss(timings, now),
        }
    });
    for alert in new.into_iter().chain(coming) {
        let mut track = Tracked::pending(alert.annotations, alert.value, now);
        track.go_on(timings, now);
        tracks.insert(alert.labels, track);
    }
    let active = tracks.values().filter(|track| track.state != AlertState::Inactive).count();
    if timings.limit > 0 && active > timings.limit {
        tracks.clear();
        return Err(AlertingError::Limit { limit: timings.limit, alerts: active });
    }
    Ok(active)
}

impl Tracked {
    fn pending(annotations: Labels, value: f64, now: TimestampMs) -> Self {
        Self {
            annotations,
            value,
            state: AlertState::Pending,
            active_at: now,
            fired_at: None,
            resolved_at: None,
            last_sent_at: None,
            keep_firing_since: None,
        }
    }

    /// What the expression gives of it now; one that had ended begins anew.
    fn see(&mut self, alert: Observed, now: TimestampMs) {
        if self.state == AlertState::Inactive {
            *self = Self::pending(alert.annotations, alert.value, now);
        } else {
            self.annotations = alert.annotations;
            self.value = alert.value;
        }
    }

    /// The expression still gives it.
    fn go_on(&mut self, timings: AlertTimings, now: TimestampMs) -> bool {
        self.keep_firing_since = None;
        self.ripen(timings, now);
        true
    }

    /// The expression gives it no more; false when it can be forgotten.
    fn miss(&mut self, timings: AlertTimings, now: TimestampMs) -> bool {
        match self.state {
            AlertState::Pending | AlertState::Unknown => false,
            AlertState::Inactive => self.resolved_at.is_some_and(|at| (now - at).0 <= RESOLVED_RETENTION_MS),
            AlertState::Firing => {
                if timings.keep_firing_for > DurationMs::ZERO {
                    let since = *self.keep_firing_since.get_or_insert(now);
                    if now - since < timings.keep_firing_for {
                        self.ripen(timings, now);
                        return true;
                    }
                }
                self.state = AlertState::Inactive;
                self.resolved_at = Some(now);
                true
            }
        }
    }

    /// Pending becomes firing after the hold; a hold raised meanwhile sends a firing alert back.
    fn ripen(&mut self, timings: AlertTimings, now: TimestampMs) {
        let is_ripe = now - self.active_at >= timings.hold;
        match self.state {
            AlertState::Pending if is_ripe => {
                self.state = AlertState::Firing;
                self.fired_at = Some(now);
            }
            AlertState::Firing if !is_ripe && self.keep_firing_since.is_none() => {
                self.state = AlertState::Pending;
                self.fired_at = None;
            }
            _ => {}
        }
    }

    /// Told when it was resolved since the last time, or when that is `resend_delay` ago; never while pending.
    pub fn is_due(&self, now: TimestampMs, resend_delay: DurationMs) -> bool {
        match (self.state, self.last_sent_at) {
            (AlertState::Pending | AlertState::Unknown, _) => false,
            (_, None) => true,
            (_, Some(sent)) => self.resolved_at.is_some_and(|resolved| resolved > sent) || now - sent >= resend_delay,
        }
    }
}

/// The rule's own series: `ALERTS` (1) and `ALERTS_FOR_STATE` (since when, in Unix seconds) of every active alert.
pub fn series(tracks: &Tracks) -> Vec<AlertSeries> {
    let mut out = Vec::new();
    for (labels, track) in tracks {
        let word = match track.state {
            AlertState::Pending => "pending",
            AlertState::Firing => "firing",
            AlertState::Inactive | AlertState::Unknown => continue,
        };
        let mut builder = labels.to_builder();
        builder.set(METRIC_NAME, "ALERTS_FOR_STATE");
        let since = AlertSeries { labels: builder.build(), value: track.active_at.0.div_euclid(1000) as f64 };
        builder.set(METRIC_NAME, "ALERTS").set("alertstate", word);
        out.push(AlertSeries { labels: builder.build(), value: 1.0 });
        out.push(since);
    }
    out
}

/// The rule's state as a whole: that of its most advanced alert.
pub fn overall(tracks: &Tracks) -> AlertState {
    tracks.values().map(|track| track.state).max().unwrap_or(AlertState::Inactive).max(AlertState::Inactive)
}

#[cfg(test)]
mod tests;
