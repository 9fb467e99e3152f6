//! Attempts: which may be made now, and what their outcomes change.

use std::sync::Arc;
use std::time::Duration;

use super::{Attempt, Lane, Machine, Ticket, lane_key};
use crate::alerts::group::Now;
use crate::alerts::limits::lanes;
use crate::alerts::notification::{Failure, FailureKind, Notification, Outcome, Reason, Status};
use crate::alerts::slot::{Content, Slot};
use crate::model::Labels;
use crate::state::{Change, DecisionRow, DeliveryRow};

impl Machine {
    /// When this slot's next attempt may be made; none where nothing waits or its integration has no lane free.
    pub(super) fn next_attempt_of(&self, slot: &Slot) -> Option<i64> {
        let owed = slot.owed.as_ref().filter(|owed| !owed.in_flight && owed.content.is_some())?;
        let kind = self.routing.integration(&slot.receiver, &slot.integration)?.kind;
        let lane = self.lanes.get(&lane_key(&slot.receiver, &slot.integration));
        let rests_until = lane.map_or(i64::MIN, |lane| lane.rests_until);
        let free = lane.is_none_or(|lane| lane.open < lanes(kind));
        free.then(|| owed.due.max(rests_until))
    }

    /// Opens the attempts that are due, the longest overdue first.
    pub(super) fn attempts_due(&mut self, now: Now) -> Vec<Attempt> {
        let due = |slot: &Slot| self.next_attempt_of(slot).filter(|at| *at <= now.steady);
        let mut keys: Vec<(i64, String)> = self.slots.iter().filter_map(|(key, slot)| Some((due(slot)?, key.clone()))).collect();
        keys.sort();
        keys.into_iter().filter_map(|(_, key)| self.open_attempt(key)).collect()
    }

    /// Before a retry the group is looked at once more, so that what goes out late is still true.
    pub(super) fn refresh_retries(&mut self, now: Now) {
        let is_stale = |slot: &&Slot| {
            let content = slot.owed.as_ref().filter(|owed| owed.attempts > 0).and_then(|owed| owed.content.as_ref());
            content.is_some_and(|content| content.looked.steady < now.steady)
        };
        for slot in self.slots.values().filter(is_stale) {
            if self.next_attempt_of(slot).is_some_and(|at| at <= now.steady)
                && let Some(group) = self.groups.get_mut(&slot.group_id)
            {
                group.ask_again.insert(slot.integration.clone());
            }
        }
    }

    fn open_attempt(&mut self, key: String) -> Option<Attempt> {
        let slot = self.slots.get_mut(&key)?;
        let integration = self.routing.integration(&slot.receiver, &slot.integration)?;
        let lane_name = lane_key(&slot.receiver, &slot.integration);
        let lane: &mut Lane = self.lanes.entry(lane_name.clone()).or_default();
        let owed = slot.owed.as_mut()?;
        let content = owed.content.clone()?;
        if lane.open >= lanes(integration.kind) {
            return None;
        }
        lane.open += 1;
        owed.in_flight = true;
        owed.attempts += 1;
        let first_try = !owed.tried;
        owed.tried = true;
        let ticket = Ticket { slot: key.clone(), id: owed.id.clone(), kind: integration.kind, lane: lane_name };
        let attempt = Attempt { ticket, notification: Arc::new(content.notification.clone()), notify: integration.notify.clone() };
        if first_try {
            self.changes.push(Change::PutLog(slot.row(&key)));
            self.changes.push(Change::PutDelivery(delivery(slot, &content.notification, "retrying", 0, "sending", content.looked)));
        }
        Some(attempt)
    }

    /// Hears how an attempt ended.
    pub fn report(&mut self, ticket: &Ticket, outcome: Outcome, took: Duration, now: Now) {
        if let Some(lane) = self.lanes.get_mut(&ticket.lane) {
            lane.open = lane.open.saturating_sub(1);
        }
        self.figures.attempted(ticket.kind, took);
        let Some(slot) = self.slots.get_mut(&ticket.slot) else { return };
        let Some(owed) = slot.owed.as_mut().filter(|owed| owed.id == ticket.id && owed.in_flight) else { return };
        owed.in_flight = false;
        let asked_meanwhile = std::mem::take(&mut owed.asked_meanwhile);
        let Some(content) = owed.content.clone() else { return };
        let (group_id, integration) = (slot.group_id.clone(), slot.integration.clone());
        if let Some(group) = self.groups.get_mut(&group_id).filter(|_| asked_meanwhile) {
            group.ask_again.insert(integration);
        }
        match outcome {
            Ok(delivered) => self.note_delivered(ticket, &content, &delivered.detail, now),
            Err(failure) => self.note_failed(ticket, &content, &failure, now),
        }
        let routing = self.routing.clone();
        self.release_members(&routing, &group_id, now);
    }

    fn note_delivered(&mut self, ticket: &Ticket, content: &Content, detail: &str, now: Now) {
        let Some(slot) = self.slots.get_mut(&ticket.slot) else { return };
        let attempts = slot.owed.as_ref().map_or(1, |owed| owed.attempts);
        slot.owed = None;
        let repeat = self.groups.get(&slot.group_id).map(|group| self.routing.tree.node(group.route).route.repeat_interval);
        let repeat = repeat.unwrap_or(self.routing.options.route.repeat_interval);
        slot.note_told(content.looked, content.firing.clone(), content.resolved.clone(), repeat);
        self.figures.delivered(ticket.kind);
        let row = delivery(slot, &content.notification, "delivered", attempts, detail, now);
        self.changes.extend([Change::PutLog(slot.row(&ticket.slot)), Change::PutDelivery(row)]);
        if content.notification.reason == Reason::Repeat {
            return;
        }
        let (group_id, receiver, integration) = (slot.group_id.clone(), slot.receiver.clone(), slot.integration.clone());
        for alert in &content.notification.alerts {
            let word = if alert.status == Status::Firing { "notified" } else { "notified_resolved" };
            self.changes.push(Change::AddDecision(DecisionRow {
                at: now.wall,
                fingerprint: alert.fingerprint,
                labels: alert.alert.labels.clone(),
                group_id: group_id.clone(),
                receiver: receiver.clone(),
                decision: word.to_owned(),
                detail: format!("{integration}: {}", content.notification.reason.as_str()),
            }));
        }
    }

    fn note_failed(&mut self, ticket: &Ticket, content: &Content, failure: &Failure, now: Now) {
        let Some(slot) = self.slots.get_mut(&ticket.slot) else { return };
        let Some(owed) = slot.owed.as_mut() else { return };
        let rest = owed.note_failure(failure.kind, now);
        let (attempts, due) = (owed.attempts, owed.due);
        if let Some(rest) = rest
            && let Some(lane) = self.lanes.get_mut(&ticket.lane)
        {
            lane.rests_until = now.steady.saturating_add(rest.0);
        }
        let outcome = match failure.kind {
            FailureKind::Retry { .. } => "retrying",
            FailureKind::GiveUp => "failed",
        };
        self.figures.failed(ticket.kind, outcome);
        let seconds = (due - now.steady) / 1000;
        tracing::warn!(
            receiver = slot.receiver,
            integration = slot.integration,
            attempt = attempts,
            next_in_seconds = seconds,
            error = failure.detail,
            "notification not delivered"
        );
        self.changes.push(Change::PutDelivery(delivery(slot, &content.notification, outcome, attempts, &failure.detail, now)));
    }
}

fn delivery(slot: &Slot, notification: &Notification, outcome: &str, attempts: u32, detail: &str, now: Now) -> DeliveryRow {
    let alerts: Vec<Labels> = notification.alerts.iter().map(|alert| alert.alert.labels.clone()).collect();
    DeliveryRow {
        id: notification.id.clone(),
        at: now.wall,
        receiver: slot.receiver.clone(),
        integration: slot.integration.clone(),
        group_labels: notification.group_labels.clone(),
        status: notification.status.as_str().to_owned(),
        reason: notification.reason.as_str().to_owned(),
        alerts,
        outcome: outcome.to_owned(),
        attempts,
        detail: detail.to_owned(),
    }
}
