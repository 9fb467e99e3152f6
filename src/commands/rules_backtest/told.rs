//! Who would have been told what: the state machine of alerting on virtual time, with receivers that only note what they are given.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::alerts::group::Now;
use crate::alerts::ids::Ids;
use crate::alerts::machine::{Attempt, Machine};
use crate::alerts::metrics::Figures;
use crate::alerts::notification::{Delivered, Failure, Notification, Outcome};
use crate::alerts::{AlertsOptions, Notify};
use crate::model::{Alert, Labels, TimestampMs};
use crate::notify::{self, NotifyOptions};
use crate::telemetry::Registry;

/// Notifications that are kept one by one; further ones are counted.
pub const SENT_MAX: usize = 10_000;
/// Groups of one integration that are told apart.
const GROUPS_MAX: usize = 100_000;

/// Nothing leaves the process.
struct Noted;

impl Notify for Noted {
    fn notify<'a>(&'a self, _: &'a Notification) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(async { Err(Failure::give_up("a backtest sends nothing")) })
    }
}

/// One message that would have been sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub at: TimestampMs,
    pub receiver: String,
    pub integration: String,
    pub status: &'static str,
    pub reason: &'static str,
    pub group: Labels,
    pub firing: usize,
    pub resolved: usize,
}

/// Messages to one integration.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    pub messages: u64,
    pub by_reason: BTreeMap<&'static str, u64>,
    pub groups: BTreeSet<Labels>,
    pub first: Option<TimestampMs>,
    pub last: Option<TimestampMs>,
    /// Most messages within one hour, and when that hour began.
    pub busiest: (u64, TimestampMs),
    hour: (i64, u64),
}

pub struct Told {
    machine: Machine,
    at: i64,
    /// What is sent before this is not counted.
    from: TimestampMs,
    pub heard: BTreeMap<(String, String), Heard>,
    pub sent: Vec<Sent>,
    pub alerts_posted: u64,
}

impl Told {
    pub fn new(options: AlertsOptions, receivers: &NotifyOptions, start: TimestampMs, from: TimestampMs) -> Self {
        let notify: Arc<dyn Notify> = Arc::new(Noted);
        let outline = notify::outline(receivers, &notify);
        // Integrations that hear nothing are told, too.
        let mut heard = BTreeMap::new();
        for receiver in &outline {
            for one in &receiver.integrations {
                heard.insert((receiver.name.clone(), one.label()), Heard::default());
            }
        }
        let machine = Machine::new(options, outline, Ids::seeded(1), Figures::new(&Registry::default()));
        Self { machine, at: start.0, from, heard, sent: Vec::new(), alerts_posted: 0 }
    }

    /// Lives through a stretch of time with what the rules say in it, in order of time.
    pub fn live(&mut self, posts: Vec<(TimestampMs, Vec<Alert>)>, until: TimestampMs) {
        let mut posts = posts.into_iter().peekable();
        loop {
            let wake = self.machine.next_wake(self.now()).map(|at| at.max(self.at + 1));
            let next = [posts.peek().map(|(at, _)| at.0.max(self.at)), wake].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until.0) else { break };
            self.at = next;
            let now = self.now();
            while let Some((_, alerts)) = posts.next_if(|(at, _)| at.0 <= next) {
                self.alerts_posted += alerts.len() as u64;
                self.machine.post(alerts, now);
            }
            for attempt in self.machine.tick(now) {
                self.note(attempt, now);
            }
            // The ledger of a backtest is nobody's.
            drop(self.machine.take_changes());
        }
        self.at = self.at.max(until.0);
    }

    fn now(&self) -> Now {
        Now { wall: TimestampMs(self.at), steady: self.at }
    }

    fn note(&mut self, attempt: Attempt, now: Now) {
        let Attempt { ticket, notification, .. } = attempt;
        self.machine.report(&ticket, Ok(Delivered::new("noted")), Duration::ZERO, now);
        if now.wall < self.from {
            return;
        }
        let heard = self.heard.entry((notification.receiver.clone(), notification.integration.clone())).or_default();
        heard.note(&notification, now.wall);
        if self.sent.len() < SENT_MAX {
            self.sent.push(Sent {
                at: now.wall,
                receiver: notification.receiver.clone(),
                integration: notification.integration.clone(),
                status: notification.status.as_str(),
                reason: notification.reason.as_str(),
                group: notification.group_labels.clone(),
                firing: notification.firing().count(),
                resolved: notification.resolved().count(),
            });
        }
    }
}

impl Heard {
    fn note(&mut self, notification: &Notification, at: TimestampMs) {
        const HOUR: i64 = 3_600_000;
        self.messages += 1;
        *self.by_reason.entry(notification.reason.as_str()).or_default() += 1;
        if self.groups.len() < GROUPS_MAX {
            self.groups.insert(notification.group_labels.clone());
        }
        self.first.get_or_insert(at);
        self.last = Some(at);
        let hour = at.0.div_euclid(HOUR);
        self.hour = if self.hour.0 == hour { (hour, self.hour.1 + 1) } else { (hour, 1) };
        if self.hour.1 > self.busiest.0 {
            self.busiest = (self.hour.1, TimestampMs(hour * HOUR));
        }
    }
}
