//! Receivers in place of others that do not take what they are owed: when they begin, and what they are asked.

use std::collections::BTreeSet;

use super::look::{Seen, Telling};
use super::{Machine, Routing};
use crate::alerts::dedup::{Set, Verdict};
use crate::alerts::fallback::{self, Cause, asked_as, course, is_stand_in};
use crate::alerts::fingerprint::Fingerprint;
use crate::alerts::group::Now;
use crate::alerts::hold::Hold;
use crate::alerts::notification::{InPlaceOf, Integration, Status, explain_all};
use crate::alerts::options::Fallback;
use crate::alerts::routing::Node;
use crate::alerts::slot::{Slot, slot_key};
use crate::state::{Change, DecisionRow};

impl Routing {
    /// The fallback of a receiver, the fallback's own fallback, and so on.
    pub(super) fn fallbacks(&self, receiver: &str) -> impl Iterator<Item = &Fallback> {
        let mut next = self.fallbacks.get(receiver);
        // A circle is refused with the file; the count is for those who make options by hand.
        std::iter::from_fn(move || {
            let fallback = next?;
            next = self.fallbacks.get(&fallback.receiver);
            Some(fallback)
        })
        .take(self.fallbacks.len())
    }

    /// The integrations of a fallback, each with the first word of its slots' keys.
    pub(super) fn of_fallback(&self, fallback: &Fallback) -> impl Iterator<Item = (String, &Integration)> {
        let name = fallback.receiver.clone();
        self.integrations(&fallback.receiver).iter().map(move |one| (asked_as(&name, &one.label()), one))
    }

    /// Every slot that a group of this receiver may have.
    pub(super) fn slot_keys(&self, receiver: &str, group_id: &str) -> Vec<String> {
        let own = self.integrations(receiver).iter().map(Integration::label);
        let others = self.fallbacks(receiver).flat_map(|fallback| self.of_fallback(fallback).map(|(word, _)| word));
        own.chain(others).map(|word| slot_key(group_id, &word)).collect()
    }

    /// The integration that a slot belongs to; none where the configuration does not lead there any more.
    pub(super) fn integration_of(&self, slot: &Slot) -> Option<&Integration> {
        let leads_there = !is_stand_in(&slot.asked_as) || {
            let receiver = self.receivers.keys().find(|name| slot.group_id.strip_prefix(*name).is_some_and(|rest| rest.starts_with('|')));
            receiver.is_some_and(|name| self.fallbacks(name).any(|fallback| fallback.receiver == slot.receiver))
        };
        self.integration(&slot.receiver, &slot.integration).filter(|_| leads_there)
    }
}

impl Machine {
    /// The failure that the place of a slot met last; empty where its last message arrived.
    fn lane_failure(&self, slot: &Slot) -> &str {
        self.lanes.get(&self.routing.lane_key(slot)).map_or("", |lane| lane.failure.as_str())
    }

    /// When a fallback is to be told of what this slot is owed; none where there is no reason, or where it is told already.
    fn stands_in_at(&self, slot: &Slot) -> Option<i64> {
        let fallback = self.routing.fallbacks.get(&slot.receiver)?;
        let owed = slot.owed.as_ref().filter(|owed| !owed.stood_in_for && (owed.content.is_some() || owed.in_flight))?;
        let has_failed = !owed.failure.is_empty() || !self.lane_failure(slot).is_empty();
        has_failed.then(|| owed.stands_in_from(fallback.after))
    }

    /// The next such time.
    pub(super) fn next_stand_in(&self) -> Option<i64> {
        if self.routing.fallbacks.is_empty() {
            return None;
        }
        self.slots.values().filter_map(|slot| self.stands_in_at(slot)).min()
    }

    /// Has the fallbacks asked about the groups for which their time has come.
    pub(super) fn begin_standing_in(&mut self, now: Now) {
        if self.routing.fallbacks.is_empty() {
            return;
        }
        let is_due = |slot: &&Slot| self.stands_in_at(slot).is_some_and(|at| at <= now.steady);
        let due: Vec<String> = self.slots.values().filter(is_due).map(|slot| slot_key(&slot.group_id, &slot.asked_as)).collect();
        let routing = self.routing.clone();
        for key in due {
            let Some(slot) = self.slots.get_mut(&key) else { continue };
            let (Some(fallback), Some(owed)) = (routing.fallbacks.get(&slot.receiver), slot.owed.as_mut()) else { continue };
            owed.stood_in_for = true;
            if self.stood_in_for.insert((slot.receiver.clone(), slot.integration.clone())) {
                tracing::warn!(
                    receiver = slot.receiver,
                    integration = slot.integration,
                    fallback = fallback.receiver,
                    error = owed.failure,
                    "a receiver does not take its messages: its fallback is told instead"
                );
            }
            if let Some(group) = self.groups.get_mut(&slot.group_id) {
                group.ask_again.extend(routing.of_fallback(fallback).map(|(word, _)| word));
                self.looks_again = true;
            }
        }
    }

    /// A receiver has taken a message: what waits for its fallback is looked through again.
    pub(super) fn end_standing_in(&mut self, key: &str) {
        let routing = self.routing.clone();
        let Some(slot) = self.slots.get(key) else { return };
        let Some(fallback) = routing.fallbacks.get(&slot.receiver) else { return };
        if self.stood_in_for.remove(&(slot.receiver.clone(), slot.integration.clone())) {
            let (receiver, integration) = (&slot.receiver, &slot.integration);
            tracing::info!(receiver, integration, fallback = fallback.receiver, "a receiver takes its messages again");
        }
        let owes = |word: &String| self.slots.get(&slot_key(&slot.group_id, word)).is_some_and(|slot| slot.owed.is_some());
        let words: Vec<String> = routing.of_fallback(fallback).map(|(word, _)| word).filter(owes).collect();
        if let Some(group) = self.groups.get_mut(&slot.group_id) {
            group.ask_again.extend(words);
            self.looks_again = true;
        }
    }

    /// Asks the fallbacks of a group's receiver, each with what it knows of those in whose place it is.
    pub(super) fn ask_fallbacks(
        &mut self,
        routing: &Routing,
        (id, node): (&str, &Node),
        seen: &Seen,
        again: Option<&BTreeSet<String>>,
        now: Now,
    ) {
        for fallback in routing.fallbacks(&node.route.receiver) {
            let is_first = fallback.of == node.route.receiver;
            let own = |one: &Integration| if is_first { one.label() } else { asked_as(&fallback.of, &one.label()) };
            let keys = routing.integrations(&fallback.of).iter().map(|one| (slot_key(id, &own(one)), one.label()));
            let mut cause = Cause::default();
            for (key, label) in keys {
                let Some(slot) = self.slots.get(&key) else { continue };
                cause.add(&fallback.of, &label, slot, course(slot.owed.as_ref(), self.lane_failure(slot), fallback.after, now));
            }
            for (word, integration) in routing.of_fallback(fallback) {
                if again.is_none_or(|again| again.contains(&word)) {
                    self.ask_fallback(routing, (id, node), (fallback, &word, integration), &cause, seen, now);
                }
            }
        }
    }

    fn ask_fallback(
        &mut self,
        routing: &Routing,
        (id, node): (&str, &Node),
        (fallback, word, integration): (&Fallback, &str, &Integration),
        cause: &Cause,
        seen: &Seen,
        now: Now,
    ) {
        let (key, label) = (slot_key(id, word), integration.label());
        // Whoever failed before the start is tried once more first; where nothing fails, nobody is told who knows of nothing.
        if cause.failing.is_empty() && (cause.is_open || !self.slots.contains_key(&key)) {
            return;
        }
        let slot = self.slots.entry(key.clone()).or_insert_with(|| Slot::new(id, &fallback.receiver, &label, word));
        if let Some(owed) = slot.owed.as_mut().filter(|owed| owed.in_flight) {
            owed.asked_meanwhile = true;
            return;
        }
        let before = slot.row(&key);
        seen.drop_held(slot);
        let repeat_due = slot.repeat_is_due(now, node.route.repeat_interval);
        let told = fallback::tell(slot, cause, &sayable(slot, seen), integration.send_resolved, repeat_due);
        if !integration.send_resolved {
            slot.announced.retain(|number| !told.resolved.contains(number));
        }
        if let Some(owed) = &mut slot.owed {
            owed.firing.clone_from(&told.owed);
        }
        let in_place_of = match cause.failing.as_slice() {
            [] => vec![InPlaceOf { receiver: fallback.of.clone(), integration: String::new(), since: now.wall, failure: String::new() }],
            failing => failing.to_vec(),
        };
        if told.verdict != Verdict::Nothing && !cause.failing.is_empty() {
            let known = |number: &Fingerprint| {
                let owed = before.owed.as_ref().is_some_and(|owed| owed.firing.contains(number));
                owed || before.announced.contains(number) || before.firing.contains(number)
            };
            let news: Set = told.firing.union(&told.ended).filter(|number| !known(number)).copied().collect();
            self.record_stand_in((id, fallback), seen, &news, &in_place_of, now);
        }
        let telling = Telling {
            key: &key,
            receiver: &fallback.receiver,
            label: &label,
            firing: told.firing,
            resolved: told.resolved,
            ended: told.ended,
            owed: told.owed,
            in_place_of,
        };
        self.put_down(routing, node, told.verdict, telling, seen, (&before, now));
    }

    /// Writes into the ledger that another receiver is told of these alerts, and why.
    fn record_stand_in(&mut self, (id, fallback): (&str, &Fallback), seen: &Seen, news: &Set, why: &[InPlaceOf], now: Now) {
        for alert in seen.alerts.iter().filter(|alert| news.contains(&alert.fingerprint)) {
            self.changes.push(Change::AddDecision(DecisionRow {
                at: now.wall,
                fingerprint: alert.fingerprint,
                labels: alert.alert.labels.clone(),
                group_id: id.into(),
                receiver: fallback.of.as_str().into(),
                decision: "stands_in".into(),
                detail: format!("{} is told instead: {}", fallback.receiver, explain_all(why)).into(),
            }));
        }
    }
}

/// What of a group may be named to one that stands in.
fn sayable(slot: &Slot, seen: &Seen) -> fallback::Group {
    let mut group = fallback::Group::default();
    for (alert, hold) in seen.alerts.iter().zip(&seen.held) {
        let number = alert.fingerprint;
        match alert.status {
            Status::Firing if hold.is_none() => drop(group.firing.insert(number)),
            Status::Resolved if !hold.as_ref().is_some_and(Hold::defers_resolved) => {
                group.ended.insert(number);
                let knows = slot.told.as_ref().is_some_and(|told| told.resolved.contains(&number) && alert.alert.ends_at <= told.at);
                if knows {
                    group.passed.insert(number);
                }
            }
            _ => {}
        }
    }
    group
}
