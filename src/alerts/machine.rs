//! The state machine of alerting: alerts, clock and outcomes in; changes for the ledger and messages to send out. No I/O.
//!
//! The parts: `inbound` takes alerts, `look` looks at a group, `sending` hands out attempts and hears how they ended,
//! `standing_in` has other receivers told in the place of those that fail, `restoring` starts from the ledger or from a new configuration,
//! `showing` makes the views, `explaining` says where an alert stands.

mod digest;
mod explaining;
mod failing;
mod inbound;
mod look;
mod restoring;
mod sending;
mod showing;
mod standing_in;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::fingerprint::Fingerprint;
use super::group::{Group, Now};
use super::ids::Ids;
use super::inbox::Tracked;
use super::limits::{CLOCK_STEP, TIDY_EVERY, lanes, pace};
use super::metrics::Figures;
use super::notification::{Integration, Notification, Notify, Receiver};
use super::options::{AlertsOptions, Fallback};
use super::routing::Tree;
use super::silences::Silences;
use super::slot::{Slot, lane_key};
use crate::model::DurationMs;
use crate::state::Change;

pub use restoring::Stored;
pub use showing::{AlertFilter, GroupFilter};

/// An attempt to make now.
#[derive(Clone)]
pub struct Attempt {
    pub ticket: Ticket,
    pub notification: Arc<Notification>,
    pub notify: Arc<dyn Notify>,
}

/// Which attempt an outcome belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// Slots and the ids of what they are owed: more than one where a digest tells them all.
    pub told: Vec<(String, String)>,
    /// The integration's kind, for figures.
    pub kind: &'static str,
    lane: String,
}

/// The configuration, made ready.
struct Routing {
    options: AlertsOptions,
    tree: Tree,
    receivers: HashMap<String, Vec<Integration>>,
    /// By the receiver that fails.
    fallbacks: HashMap<String, Fallback>,
}

/// One integration's queue over all groups.
#[derive(Default)]
struct Lane {
    /// Attempts under way, and how many there may be.
    open: usize,
    capacity: usize,
    pace: DurationMs,
    /// Steady milliseconds; the receiver asked for rest until then, or its pace does.
    rests_until: i64,
    /// Why the last attempt failed; empty where it arrived.
    failure: String,
    /// Slots with something to send, by the time of their next attempt.
    waiting: BTreeSet<(i64, String)>,
}

pub struct Machine {
    routing: Arc<Routing>,
    alerts: BTreeMap<Fingerprint, Tracked>,
    groups: BTreeMap<String, Group>,
    slots: BTreeMap<String, Slot>,
    lanes: BTreeMap<String, Lane>,
    pub silences: Silences,
    pub ids: Ids,
    changes: Vec<Change>,
    /// Receivers and their integrations in whose place others are told.
    stood_in_for: BTreeSet<(String, String)>,
    figures: Figures,
    last: Option<Now>,
    /// When it was last tidied, in steady milliseconds.
    tidied: Option<i64>,
    /// No group is to be looked at before then, in steady milliseconds: of a thousand groups none need be asked each time.
    first_look: i64,
    /// Some group is asked to look again at once.
    looks_again: bool,
    /// An empty text to share.
    nothing: Arc<str>,
}

impl Machine {
    /// Empty, on a configuration and its receivers.
    pub fn new(options: AlertsOptions, receivers: Vec<Receiver>, ids: Ids, figures: Figures) -> Self {
        Self {
            routing: Arc::new(Routing::new(options, receivers)),
            alerts: BTreeMap::new(),
            groups: BTreeMap::new(),
            slots: BTreeMap::new(),
            lanes: BTreeMap::new(),
            silences: Silences::default(),
            ids,
            changes: Vec::new(),
            stood_in_for: BTreeSet::new(),
            figures,
            last: None,
            tidied: None,
            first_look: i64::MAX,
            looks_again: false,
            nothing: Arc::from(""),
        }
    }

    /// Looks at every group that is due, then hands out the attempts that may be made now.
    pub fn tick(&mut self, now: Now) -> Vec<Attempt> {
        self.note_clock(now);
        self.refresh_retries(now);
        self.begin_standing_in(now);
        self.look_at_due_groups(now);
        let attempts = self.attempts_due(now);
        if self.tidied.is_none_or(|at| now.steady - at >= TIDY_EVERY.0) {
            self.tidied = Some(now.steady);
            self.record_ends(now);
            self.forget_what_is_over(now);
            self.show_figures(now);
        }
        attempts
    }

    /// The steady time at which the next tick has something to do, as far as is known now.
    pub fn next_wake(&self, now: Now) -> Option<i64> {
        let look = if self.looks_again { now.steady } else { self.first_look };
        let looks = Some(look).filter(|at| *at < i64::MAX);
        self.lanes.values().filter_map(Lane::next).chain(looks).chain(self.next_stand_in()).min()
    }

    /// Nothing is there that begins, ends or is forgotten with time alone.
    pub fn is_idle(&self) -> bool {
        self.alerts.is_empty() && self.groups.is_empty() && self.slots.is_empty() && self.silences.is_empty()
    }

    /// What happened since the last call, to be committed together.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// The whole of what must survive, for a file that missed some changes.
    pub fn everything(&self) -> Vec<Change> {
        let alerts = self.alerts.values().map(|tracked| Change::PutAlert(tracked.row()));
        alerts.chain(self.slots.iter().map(|(key, slot)| Change::PutLog(slot.row(key)))).collect()
    }

    pub fn options(&self) -> &AlertsOptions {
        &self.routing.options
    }

    /// A wall clock that jumped must not end alerts: what senders promised was meant from their own now.
    fn note_clock(&mut self, now: Now) {
        let last = self.last.replace(now);
        let Some(last) = last else { return };
        let step = DurationMs((now.wall - last.wall).0 - (now.steady - last.steady));
        if step.0.abs() < CLOCK_STEP.0 {
            return;
        }
        tracing::warn!(seconds = step.as_seconds(), "the wall clock was set; open alerts are moved along with it");
        self.figures.clock_steps.inc();
        for tracked in self.alerts.values_mut().filter(|tracked| !tracked.alert.is_resolved_at(last.wall)) {
            tracked.alert.ends_at = tracked.alert.ends_at + step;
        }
    }

    fn show_figures(&mut self, now: Now) {
        let held = |group: &Group| group.members.iter().filter(|(_, m)| m.hold.is_some()).map(|(number, _)| *number).collect::<Vec<_>>();
        let fails = |one: &(String, String)| self.slots.values().any(|slot| slot.is_stood_in_for(&one.0, &one.1));
        self.stood_in_for = std::mem::take(&mut self.stood_in_for).into_iter().filter(fails).collect();
        self.figures.standing_in.set(self.stood_in_for.len() as f64);
        let suppressed: BTreeSet<Fingerprint> = self.groups.values().flat_map(held).collect();
        self.figures.show_state(self.alerts.values(), &self.silences, self.groups.len(), suppressed.len(), now);
    }

    /// Drops resolved alerts that no group needs, slots whose log has expired, and old silences.
    fn forget_what_is_over(&mut self, now: Now) {
        self.groups.retain(|_, group| !group.members.is_empty());
        let groups = &self.groups;
        let over = |tracked: &Tracked| tracked.alert.is_resolved_at(now.wall) && !tracked.recorded_firing;
        let mut gone: BTreeSet<Fingerprint> = self.alerts.values().filter(|t| over(t)).map(|t| t.fingerprint).collect();
        if !gone.is_empty() {
            groups.values().flat_map(|group| group.members.keys()).for_each(|number| {
                gone.remove(number);
            });
        }
        for number in gone {
            self.alerts.remove(&number);
            self.changes.push(Change::DropAlert(number));
        }
        let (changes, routing) = (&mut self.changes, &self.routing);
        self.slots.retain(|key, slot| {
            if routing.integration_of(slot).is_none() && slot.owed.as_ref().is_some_and(|owed| !owed.in_flight) {
                slot.owed = None;
            }
            let keep = slot.owed.is_some() || groups.contains_key(&slot.group_id) || slot.expires_at > now.wall;
            if !keep {
                changes.push(Change::DropLog(key.clone()));
            }
            keep
        });
        changes.extend(self.silences.sweep(now.wall).into_iter().map(Change::DropSilence));
    }
}

impl Routing {
    fn new(options: AlertsOptions, receivers: Vec<Receiver>) -> Self {
        let tree = Tree::new(&options.route);
        let receivers = receivers.into_iter().map(|receiver| (receiver.name, receiver.integrations)).collect();
        let fallbacks = options.fallbacks.iter().map(|fallback| (fallback.of.clone(), fallback.clone())).collect();
        Self { options, tree, receivers, fallbacks }
    }

    fn integrations(&self, receiver: &str) -> &[Integration] {
        self.receivers.get(receiver).map_or(&[], Vec::as_slice)
    }

    fn lane_key(&self, slot: &Slot) -> String {
        let destination = self.integration(&slot.receiver, &slot.integration).map_or("", |integration| integration.destination.as_str());
        lane_key(&slot.receiver, &slot.integration, destination)
    }

    fn integration(&self, receiver: &str, label: &str) -> Option<&Integration> {
        self.integrations(receiver).iter().find(|integration| integration.label() == label)
    }
}

impl Lane {
    fn new(integration: &str) -> Self {
        let kind = integration.split('[').next().unwrap_or("");
        Self { capacity: lanes(kind), pace: pace(kind), ..Self::default() }
    }

    /// How many attempts may be opened now.
    fn free(&self, now: Now) -> usize {
        if self.rests_until <= now.steady { self.capacity.saturating_sub(self.open) } else { 0 }
    }

    /// The slots whose time has come, the longest overdue first.
    fn due(&self, now: Now) -> impl Iterator<Item = &String> {
        self.waiting.iter().take_while(move |(due, _)| *due <= now.steady).map(|(_, key)| key)
    }

    /// When the next attempt may be made, as far as is known now.
    fn next(&self) -> Option<i64> {
        let (due, _) = self.waiting.first().filter(|_| self.open < self.capacity)?;
        Some((*due).max(self.rests_until))
    }
}
