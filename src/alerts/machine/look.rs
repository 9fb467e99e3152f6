//! Looking at a group: who is held back and why, and what each integration must be told.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Machine, Routing};
use crate::alerts::dedup::{Question, Set, Verdict, decide};
use crate::alerts::fingerprint::Fingerprint;
use crate::alerts::group::Now;
use crate::alerts::hold::{Context, Hold, judge};
use crate::alerts::inhibit::Inhibition;
use crate::alerts::limits::{ATTEMPT_MAX, ATTEMPT_MIN};
use crate::alerts::notification::{
    IN_PLACE_OF, InPlaceOf, Integration, Measured, Notification, NotifiedAlert, Reason, Status, explain_all,
};
use crate::alerts::routing::{Node, group_key};
use crate::alerts::slot::{Content, Owed, Slot, slot_key};
use crate::model::{DurationMs, Labels};
use crate::state::{Change, DecisionRow, LogRow};

/// The group's alerts at one moment, in Alertmanager's order.
pub(super) struct Seen {
    pub(super) alerts: Vec<NotifiedAlert>,
    /// Held back now, or (for those that ended) at some time before.
    pub(super) held: Vec<Option<Hold>>,
    ever_held: Set,
}

/// What one integration is told of a group.
pub(super) struct Telling<'a> {
    pub(super) key: &'a str,
    pub(super) receiver: &'a str,
    /// Kind and index.
    pub(super) label: &'a str,
    pub(super) firing: Set,
    /// What it knows the end of afterwards.
    pub(super) resolved: Set,
    /// Of these, those whose end is told.
    pub(super) ended: Set,
    /// What is owed to it that it never heard of.
    pub(super) owed: Set,
    pub(super) in_place_of: Vec<InPlaceOf>,
}

impl Seen {
    /// Who silences an alert, or has another one in its place, need not be told late that it was missed.
    pub(super) fn drop_held(&self, slot: &mut Slot) {
        let Some(owed) = &mut slot.owed else { return };
        for (alert, hold) in self.alerts.iter().zip(&self.held) {
            if hold.as_ref().is_some_and(|hold| !hold.defers_resolved()) {
                owed.firing.remove(&alert.fingerprint);
            }
        }
    }
}

impl Machine {
    pub(super) fn look_at_due_groups(&mut self, now: Now) {
        if !self.looks_again && self.first_look > now.steady {
            return;
        }
        let due: Vec<String> = self.groups.iter().filter(|(_, group)| group.is_due(now)).map(|(id, _)| id.clone()).collect();
        let members = |id: &String| self.groups.get(id).into_iter().flat_map(|group| group.members.keys().copied());
        let numbers: Vec<Fingerprint> = due.iter().flat_map(members).collect();
        numbers.into_iter().for_each(|number| self.record_state(number, now));
        let routing = self.routing.clone();
        let firing = self.alerts.values().filter(|tracked| !tracked.alert.is_resolved_at(now.wall));
        let inhibition = Inhibition::new(&routing.options.inhibit_rules, firing.map(|t| (t.fingerprint, &t.alert.labels)));
        for id in due {
            self.look(&routing, &inhibition, &id, now);
        }
        self.looks_again = self.groups.values().any(|group| !group.ask_again.is_empty());
        self.first_look = self.groups.values().map(|group| group.next_look).min().unwrap_or(i64::MAX);
    }

    fn look(&mut self, routing: &Routing, inhibition: &Inhibition<'_>, id: &str, now: Now) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let node = routing.tree.node(group.route);
        let again = std::mem::take(&mut group.ask_again);
        let on_time = group.next_look <= now.steady;
        if on_time {
            group.move_timer(node.route.group_interval, now);
        }
        let seen = self.see(routing, inhibition, id, node, now);
        self.record_holds(id, &node.route.receiver, &seen, now);
        for integration in routing.integrations(&node.route.receiver) {
            if on_time || again.contains(&integration.label()) {
                self.ask(routing, id, node, integration, &seen, now);
            }
        }
        self.ask_fallbacks(routing, (id, node), &seen, (!on_time).then_some(&again), now);
        self.release_members(routing, id, now);
    }

    /// Judges every member.
    fn see(&self, routing: &Routing, inhibition: &Inhibition<'_>, id: &str, node: &Node, now: Now) -> Seen {
        let intervals = &routing.options.time_intervals;
        let context = Context { route: &node.route, intervals, inhibition, silences: &self.silences, now: now.wall };
        let nobody = routing.integrations(&node.route.receiver).is_empty();
        let mut seen = Seen { alerts: Vec::new(), held: Vec::new(), ever_held: Set::new() };
        let Some(group) = self.groups.get(id) else { return seen };
        for (number, member) in &group.members {
            let Some(tracked) = self.alerts.get(number) else { continue };
            let status = if tracked.alert.is_resolved_at(now.wall) { Status::Resolved } else { Status::Firing };
            let (alert, ended_while_down) = (tracked.alert.clone(), tracked.ended_while_down);
            if member.ever_held {
                seen.ever_held.insert(*number);
            }
            seen.alerts.push(NotifiedAlert { alert, fingerprint: *number, status, ended_while_down, measured: Measured::default() });
        }
        seen.alerts.sort_by(|a, b| in_order(&a.alert.labels, &b.alert.labels));
        let hold = |alert: &NotifiedAlert| judge(&context, &alert.alert.labels, alert.fingerprint);
        seen.held = seen.alerts.iter().map(|alert| hold(alert).or(nobody.then_some(Hold::NobodyToTell))).collect();
        seen
    }

    /// Notes who is held back and why, in the group and, where that changed, in the ledger.
    fn record_holds(&mut self, id: &str, receiver: &str, seen: &Seen, now: Now) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let (group_id, receiver): (Arc<str>, Arc<str>) = (id.into(), receiver.into());
        for (alert, hold) in seen.alerts.iter().zip(&seen.held) {
            let Some(member) = group.members.get_mut(&alert.fingerprint) else { continue };
            if let Some(hold) = hold {
                self.figures.suppressed(hold.word());
            }
            member.hold.clone_from(hold);
            if alert.status == Status::Resolved {
                continue;
            }
            member.ever_held |= hold.is_some();
            let was_held = member.recorded.as_ref().is_some_and(|(word, _)| word != "released");
            let word = match hold {
                Some(hold) => (hold.word().into(), hold.explain().into()),
                None if was_held => ("released".into(), "no longer held back".into()),
                None => continue,
            };
            if member.recorded.as_ref() == Some(&word) {
                continue;
            }
            member.recorded = Some(word.clone());
            self.changes.push(Change::AddDecision(DecisionRow {
                at: now.wall,
                fingerprint: alert.fingerprint,
                labels: alert.alert.labels.clone(),
                group_id: group_id.clone(),
                receiver: receiver.clone(),
                decision: word.0,
                detail: word.1,
            }));
        }
    }

    /// Decides what one integration must be told, and puts it down as owed.
    fn ask(&mut self, routing: &Routing, id: &str, node: &Node, integration: &Integration, seen: &Seen, now: Now) {
        let label = integration.label();
        let key = slot_key(id, &label);
        let receiver = node.route.receiver.as_str();
        let slot = self.slots.entry(key.clone()).or_insert_with(|| Slot::new(id, receiver, &label, &label));
        if let Some(owed) = slot.owed.as_mut().filter(|owed| owed.in_flight) {
            // Asked again as soon as that attempt has ended.
            owed.asked_meanwhile = true;
            return;
        }
        let before = slot.row(&key);
        seen.drop_held(slot);
        let owed_firing = slot.owed_firing();
        let (firing, resolved) = sayable(slot, &owed_firing, seen);
        if !integration.send_resolved {
            slot.announced.retain(|number| !resolved.contains(number));
        }
        let verdict = decide(&Question {
            told: slot.told.as_ref().map(|told| (&told.firing, &told.resolved)),
            announced: &slot.announced,
            owed: &owed_firing,
            firing: &firing,
            resolved: &resolved,
            send_resolved: integration.send_resolved,
            repeat_due: slot.repeat_is_due(now, node.route.repeat_interval),
        });
        let unheard = |number: &&Fingerprint| integration.send_resolved || owed_firing.contains(*number);
        let ended = resolved.iter().filter(unheard).copied().collect();
        let (key, label, in_place_of) = (key.as_str(), label.as_str(), Vec::new());
        let telling = Telling { key, receiver, label, firing, resolved, ended, owed: owed_firing, in_place_of };
        self.put_down(routing, node, verdict, telling, seen, (&before, now));
    }

    /// Puts down as owed what was decided to be told; `before` is the slot's row as it was.
    pub(super) fn put_down(
        &mut self,
        routing: &Routing,
        node: &Node,
        verdict: Verdict,
        telling: Telling<'_>,
        seen: &Seen,
        (before, now): (&LogRow, Now),
    ) {
        let Telling { key, receiver, label, firing, resolved, ended, owed, in_place_of } = telling;
        let Some(slot) = self.slots.get_mut(key) else { return };
        match verdict {
            // Everyone who could be told is held back for a while: what is owed stays owed.
            Verdict::Nothing if firing.is_empty() && ended.is_empty() && !owed.is_empty() => {
                if let Some(owed) = &mut slot.owed {
                    owed.content = None;
                }
            }
            Verdict::Nothing => slot.owed = None,
            Verdict::NoteOnly => {
                slot.owed = None;
                slot.note_told(now, firing, resolved, node.route.repeat_interval);
            }
            Verdict::Send(reason) => {
                let wanted = |alert: &&NotifiedAlert| match alert.status {
                    Status::Firing => firing.contains(&alert.fingerprint),
                    Status::Resolved => ended.contains(&alert.fingerprint),
                };
                let alerts: Vec<NotifiedAlert> = seen.alerts.iter().filter(wanted).cloned().collect();
                let (ids, memo) = (&mut self.ids, slot.memo_of_open());
                let is_stand_in = !in_place_of.is_empty();
                let due = slot.owed.get_or_insert_with(|| Owed::new(ids.next_uuid(), now));
                due.firing.extend(&firing);
                if is_stand_in {
                    due.firing.extend(&owed);
                }
                let composed = compose(&routing.options.external_url, node, (receiver, label), due, reason, alerts, now);
                let notification = Arc::new(said_in_place_of(Notification { memo, in_place_of, ..composed }));
                due.content = Some(Arc::new(Content { notification, firing, resolved, looked: now }));
            }
        }
        let after = slot.row(key);
        if let (Some(owed), None) = (&before.owed, &after.owed)
            && owed.tried
        {
            let (id, detail) = (owed.id.clone(), "given up: there is nothing left to say".to_owned());
            self.changes.push(Change::CloseDelivery { id, at: now.wall, detail });
        }
        if after != *before {
            self.changes.push(Change::PutLog(after));
        }
        self.queue(key);
    }

    /// Lets go of alerts that have ended and that no integration needs to hear of any more.
    pub(super) fn release_members(&mut self, routing: &Routing, id: &str, now: Now) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let keys = routing.slot_keys(&routing.tree.node(group.route).route.receiver, id);
        let (alerts, slots) = (&self.alerts, &self.slots);
        group.members.retain(|number, _| {
            let over = alerts.get(number).is_none_or(|tracked| tracked.alert.is_resolved_at(now.wall));
            let done = |key: &String| slots.get(key).is_none_or(|slot| slot.is_done_with(*number));
            !(over && keys.iter().all(done))
        });
    }
}

/// Who could be named to this integration now: firing and not held back; ended, and known to it or never held back.
fn sayable(slot: &Slot, owed: &Set, seen: &Seen) -> (Set, Set) {
    let (mut firing, mut resolved) = (Set::new(), Set::new());
    for (alert, hold) in seen.alerts.iter().zip(&seen.held) {
        let number = alert.fingerprint;
        let known = slot.announced.contains(&number) || (owed.contains(&number) && hold.is_none());
        let deferred = hold.as_ref().is_some_and(Hold::defers_resolved);
        match alert.status {
            Status::Firing if hold.is_none() => drop(firing.insert(number)),
            Status::Firing => {}
            Status::Resolved if known && !deferred => drop(resolved.insert(number)),
            Status::Resolved if hold.is_none() && !seen.ever_held.contains(&number) => drop(resolved.insert(number)),
            Status::Resolved => {}
        }
    }
    (firing, resolved)
}

/// Templates and machines see it as an annotation of each alert.
fn said_in_place_of(mut notification: Notification) -> Notification {
    if !notification.in_place_of.is_empty() {
        let why = explain_all(&notification.in_place_of);
        for alert in &mut notification.alerts {
            let mut annotations = alert.alert.annotations.to_builder();
            annotations.set(IN_PLACE_OF, &why);
            alert.alert.annotations = annotations.build();
        }
    }
    notification
}

fn compose(
    external_url: &str,
    node: &Node,
    (receiver, integration): (&str, &str),
    owed: &Owed,
    reason: Reason,
    alerts: Vec<NotifiedAlert>,
    now: Now,
) -> Notification {
    let any_firing = alerts.iter().any(|alert| alert.status == Status::Firing);
    let group_labels = alerts.first().map(|alert| crate::alerts::routing::group_labels(&node.route, &alert.alert.labels));
    let group_labels = group_labels.unwrap_or_else(Labels::empty);
    let window = node.route.group_interval.max(ATTEMPT_MIN);
    Notification {
        id: owed.id.clone(),
        receiver: receiver.to_owned(),
        integration: integration.to_owned(),
        status: if any_firing { Status::Firing } else { Status::Resolved },
        reason,
        group_key: group_key(node, &group_labels),
        alerts,
        group_labels,
        route_labels: node.route.labels.clone(),
        external_url: external_url.to_owned(),
        at: now.wall,
        may_repeat: owed.tried && owed.attempts == 0,
        memo: None,
        in_place_of: Vec::new(),
        deadline: DurationMs(window.0.min(ATTEMPT_MAX.0)),
    }
}

/// Alertmanager's order: by job, by instance, who lacks one of them last; then as sets.
pub(super) fn in_order(a: &Labels, b: &Labels) -> Ordering {
    for name in ["job", "instance"] {
        let order = match (a.get(name), b.get(name)) {
            (Some(a), Some(b)) => a.cmp(b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    as_sets(a, b)
}

/// Smaller sets first; of two as large, the first of all names in the order of the alphabet in which they differ decides: who lacks it
/// comes first, else the smaller value.
pub(super) fn as_sets(a: &Labels, b: &Labels) -> Ordering {
    let differ = a.iter().zip(b.iter()).find(|(a, b)| a != b);
    let by_pair = || differ.map_or(Ordering::Equal, |(a, b)| b.0.cmp(a.0).then_with(|| a.1.cmp(b.1)));
    a.len().cmp(&b.len()).then_with(by_pair)
}
