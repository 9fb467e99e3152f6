//! One integration's view of one group: what it was told, what it is owed, when the next attempt may be.

use std::sync::Arc;

use xxhash_rust::xxh64::xxh64;

use super::dedup::Set;
use super::group::Now;
use super::limits::{REFUSED_FIRST, REFUSED_MAX, RETENTION, RETRY_AFTER_MAX, RETRY_FIRST, RETRY_GROWTH, RETRY_MAX};
use super::notification::{FailureKind, Notification};
use crate::model::{DurationMs, TimestampMs};
use crate::state::LogRow;
use crate::state::rows::OwedRow;

#[derive(Clone, Debug)]
pub struct Told {
    pub at: TimestampMs,
    /// The same moment on the steady clock.
    pub steady: i64,
    pub firing: Set,
    pub resolved: Set,
}

/// A message that was decided and is not yet delivered.
#[derive(Clone, Debug)]
pub struct Owed {
    pub id: String,
    /// Everything that any attempt wanted to tell as firing.
    pub firing: Set,
    pub since: TimestampMs,
    /// None after a restart, until the group's next look.
    pub content: Option<Arc<Content>>,
    pub in_flight: bool,
    /// The group was looked at while the attempt was under way.
    pub asked_meanwhile: bool,
    pub tried: bool,
    pub attempts: u32,
    /// Failures in a row that were worth a retry, and refusals in a row.
    pub retries: u32,
    pub refusals: u32,
    /// What the last failure was; empty where there was none since the start.
    pub failure: String,
    /// The last failure was a refusal.
    pub refused: bool,
    /// Another receiver is told in the place of this one.
    pub stood_in_for: bool,
    /// `since` on the steady clock.
    pub since_steady: i64,
    /// Steady milliseconds.
    pub due: i64,
}

#[derive(Clone, Debug)]
pub struct Content {
    pub notification: Arc<Notification>,
    pub firing: Set,
    pub resolved: Set,
    /// When the group was looked at.
    pub looked: Now,
}

#[derive(Clone, Debug)]
pub struct Slot {
    pub group_id: String,
    pub receiver: String,
    pub integration: String,
    /// The first word of its key: the integration, or whom it stands in for.
    pub asked_as: String,
    pub told: Option<Told>,
    pub announced: Set,
    pub owed: Option<Owed>,
    pub memo: Option<String>,
    pub expires_at: TimestampMs,
    /// Where it stands in its integration's queue.
    pub queued_at: Option<i64>,
}

/// Names the queue of a place over all groups: one of its own for an integration that shares none.
pub fn lane_key(receiver: &str, integration: &str, destination: &str) -> String {
    if destination.is_empty() { format!("{integration} {receiver}") } else { format!("{integration} to {destination}") }
}

/// `asked_as` is the integration, or [`super::fallback::asked_as`].
pub fn slot_key(group_id: &str, asked_as: &str) -> String {
    format!("{asked_as} {group_id}")
}

impl Slot {
    pub fn new(group_id: &str, receiver: &str, integration: &str, asked_as: &str) -> Self {
        Self {
            group_id: group_id.to_owned(),
            receiver: receiver.to_owned(),
            integration: integration.to_owned(),
            asked_as: asked_as.to_owned(),
            told: None,
            announced: Set::new(),
            owed: None,
            memo: None,
            expires_at: TimestampMs::MIN,
            queued_at: None,
        }
    }

    pub fn from_row(row: LogRow, now: Now) -> Self {
        let (asked_as, group_id) = row.slot.split_once(' ').unwrap_or((&row.slot, ""));
        let (asked_as, group_id) = (asked_as.to_owned(), group_id.to_owned());
        let steady = row.told_at.map(|at| now.steady_of(at));
        let told = row.told_at.zip(steady).map(|(at, steady)| Told { at, steady, firing: row.firing, resolved: row.resolved });
        let owed = row.owed.map(|owed| Owed {
            id: owed.id,
            firing: owed.firing,
            since: owed.since,
            content: None,
            in_flight: false,
            asked_meanwhile: false,
            tried: owed.tried,
            attempts: 0,
            retries: 0,
            refusals: 0,
            failure: String::new(),
            refused: false,
            stood_in_for: false,
            since_steady: now.steady_of(owed.since),
            due: now.steady,
        });
        let (receiver, integration) = (row.receiver, row.integration);
        let (announced, memo) = (row.announced, row.memo);
        Self { group_id, receiver, integration, asked_as, told, announced, owed, memo, expires_at: row.expires_at, queued_at: None }
    }

    pub fn row(&self, key: &str) -> LogRow {
        let told = self.told.as_ref();
        LogRow {
            slot: key.to_owned(),
            receiver: self.receiver.clone(),
            integration: self.integration.clone(),
            told_at: told.map(|told| told.at),
            expires_at: self.expires_at,
            firing: told.map(|told| told.firing.clone()).unwrap_or_default(),
            resolved: told.map(|told| told.resolved.clone()).unwrap_or_default(),
            announced: self.announced.clone(),
            owed: self.owed.as_ref().map(|owed| OwedRow {
                id: owed.id.clone(),
                firing: owed.firing.clone(),
                since: owed.since,
                tried: owed.tried,
            }),
            memo: self.memo.clone(),
        }
    }

    /// The memo, while something that was told still fires: a group that begins anew is told anew.
    pub fn memo_of_open(&self) -> Option<String> {
        self.memo.clone().filter(|_| self.told.as_ref().is_some_and(|told| !told.firing.is_empty()))
    }

    /// When the next attempt may be made; none where nothing waits to be sent.
    pub fn due(&self) -> Option<i64> {
        self.owed.as_ref().filter(|owed| !owed.in_flight && owed.content.is_some()).map(|owed| owed.due)
    }

    pub fn owed_firing(&self) -> Set {
        self.owed.as_ref().map(|owed| owed.firing.clone()).unwrap_or_default()
    }

    /// Whether it is this integration's, and another receiver is told instead.
    pub fn is_stood_in_for(&self, receiver: &str, integration: &str) -> bool {
        self.receiver == receiver && self.integration == integration && self.owed.as_ref().is_some_and(|owed| owed.stood_in_for)
    }

    /// Nobody needs to hear of this alert's end any more.
    pub fn is_done_with(&self, fingerprint: u64) -> bool {
        let owes = self.owed.as_ref().is_some_and(|owed| {
            owed.firing.contains(&fingerprint) || owed.content.as_ref().is_some_and(|content| content.resolved.contains(&fingerprint))
        });
        !owes && !self.announced.contains(&fingerprint)
    }

    pub fn repeat_is_due(&self, now: Now, repeat_interval: DurationMs) -> bool {
        self.told.as_ref().is_some_and(|told| now.steady.saturating_sub(told.steady) >= repeat_interval.0)
    }

    /// The message as it was sent is what the integration now knows.
    pub fn note_told(&mut self, at: Now, firing: Set, resolved: Set, repeat_interval: DurationMs) {
        self.announced.extend(&firing);
        self.announced.retain(|number| !resolved.contains(number));
        let lease = DurationMs(repeat_interval.0.saturating_mul(2)).min(RETENTION);
        self.expires_at = at.wall + lease;
        self.told = Some(Told { at: at.wall, steady: at.steady, firing, resolved });
    }
}

impl Owed {
    pub fn new(id: String, now: Now) -> Self {
        Self {
            id,
            firing: Set::new(),
            since: now.wall,
            content: None,
            in_flight: false,
            asked_meanwhile: false,
            tried: false,
            attempts: 0,
            retries: 0,
            refusals: 0,
            failure: String::new(),
            refused: false,
            stood_in_for: false,
            since_steady: now.steady,
            due: now.steady,
        }
    }

    /// From when on, on the steady clock, another receiver stands in; a refusal is not waited out.
    pub fn stands_in_from(&self, after: DurationMs) -> i64 {
        if self.refused { self.since_steady } else { self.since_steady.saturating_add(after.0) }
    }

    /// Sets when the next attempt may be; returns how long the whole integration should rest, where the receiver said so.
    pub fn note_failure(&mut self, kind: FailureKind, now: Now) -> Option<DurationMs> {
        self.refused = kind == FailureKind::GiveUp;
        match kind {
            FailureKind::Retry { after: Some(after) } => {
                self.retries += 1;
                let rest = after.min(RETRY_AFTER_MAX).max(RETRY_FIRST);
                self.due = now.steady.saturating_add(rest.0);
                Some(rest)
            }
            FailureKind::Retry { after: None } => {
                self.due = now.steady.saturating_add(backoff(self.retries, &self.id).0);
                self.retries += 1;
                None
            }
            FailureKind::GiveUp => {
                let doubled = REFUSED_FIRST.0.saturating_mul(1 << self.refusals.min(10));
                self.refusals += 1;
                self.due = now.steady.saturating_add(doubled.min(REFUSED_MAX.0));
                None
            }
        }
    }
}

/// 0.5 s, growing by half each time up to 60 s, spread by up to a tenth so that groups do not retry in step.
pub fn backoff(retries: u32, id: &str) -> DurationMs {
    let grown = RETRY_FIRST.0 as f64 * RETRY_GROWTH.powi(retries.min(64) as i32);
    let bounded = grown.min(RETRY_MAX.0 as f64);
    let spread = (xxh64(id.as_bytes(), u64::from(retries)) % 1000) as f64 / 1000.0 * 0.2 - 0.1;
    DurationMs((bounded * (1.0 + spread)) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_stay_there() {
        let pauses: Vec<i64> = (0..20).map(|n| backoff(n, "id").0).collect();
        assert!((450..=550).contains(&pauses[0]), "{pauses:?}");
        assert!(pauses.iter().all(|pause| *pause <= 66_000) && pauses[19] >= 54_000, "{pauses:?}");
    }

    #[test]
    fn a_refusal_waits_longer_each_time_and_retry_after_is_kept() {
        let now = Now { wall: TimestampMs(0), steady: 0 };
        let mut owed = Owed::new("id".to_owned(), now);
        let mut waits = Vec::new();
        for _ in 0..5 {
            owed.note_failure(FailureKind::GiveUp, now);
            waits.push(owed.due / 1000);
        }
        assert_eq!(waits, [60, 120, 240, 480, 600]);
        let rest = owed.note_failure(FailureKind::Retry { after: Some(DurationMs::seconds(7)) }, now);
        assert_eq!((rest, owed.due), (Some(DurationMs::seconds(7)), 7000));
    }
}
