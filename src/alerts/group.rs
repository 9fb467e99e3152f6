//! A group of alerts on one route, and when it is looked at next. Timers run on the steady clock.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fingerprint::Fingerprint;
use super::hold::Hold;
use super::options::Route;
use crate::model::{DurationMs, Labels, TimestampMs};

/// A moment on both clocks: the wall's for what people and senders say, the steady one (milliseconds) for timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    pub wall: TimestampMs,
    pub steady: i64,
}

impl Now {
    /// How long ago a wall time is, on the steady clock; the future counts as now.
    pub fn steady_of(self, at: TimestampMs) -> i64 {
        self.steady.saturating_sub((self.wall - at).0.max(0))
    }
}

#[derive(Clone, Debug, Default)]
pub struct Member {
    /// Why it was held back at the last look; none when it was not.
    pub hold: Option<Hold>,
    /// It was held back at some look since it joined.
    pub ever_held: bool,
    /// What the ledger last said of it in this group: word and detail.
    pub recorded: Option<(Cow<'static, str>, Arc<str>)>,
}

#[derive(Clone, Debug)]
pub struct Group {
    /// The route's place in the tree.
    pub route: usize,
    pub labels: Labels,
    pub members: BTreeMap<Fingerprint, Member>,
    /// Steady milliseconds.
    pub next_look: i64,
    /// Integrations to ask again at once, without moving the cadence: a send that stood in the way has ended.
    pub ask_again: BTreeSet<String>,
}

impl Group {
    pub fn new(route: usize, labels: Labels) -> Self {
        Self { route, labels, members: BTreeMap::new(), next_look: i64::MAX, ask_again: BTreeSet::new() }
    }

    /// The first alert starts the timer: `group_wait`, or at once where the alert began longer ago than that.
    pub fn start_timer(&mut self, route: &Route, alert_began: TimestampMs, now: Now) {
        let overdue = alert_began + route.group_wait < now.wall;
        let wait = if overdue { DurationMs::ZERO } else { route.group_wait };
        self.next_look = now.steady.saturating_add(wait.0);
    }

    /// A fixed cadence from the tick that was due; after a standstill it starts anew.
    pub fn move_timer(&mut self, interval: DurationMs, now: Now) {
        let next = self.next_look.saturating_add(interval.0);
        self.next_look = if next <= now.steady { now.steady.saturating_add(interval.0) } else { next };
    }

    pub fn is_due(&self, now: Now) -> bool {
        !self.ask_again.is_empty() || self.next_look <= now.steady
    }
}

/// Names a group over restarts and edits of matchers: the route's identity and the group's labels.
pub fn group_id(route_identity: &str, labels: &Labels) -> String {
    format!("{route_identity}{}", crate::state::labels_json::to_json(labels))
}
