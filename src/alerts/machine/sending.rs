//! Attempts: which may be made now, and what their outcomes change.

use std::sync::Arc;
use std::time::Duration;

use super::{Attempt, Lane, Machine, Ticket};
use crate::alerts::group::Now;
use crate::alerts::notification::{Delivered, Failure, FailureKind, Notification, Outcome, Reason, Status};
use crate::alerts::slot::{Content, Slot};
use crate::model::Labels;
use crate::state::{Change, DecisionRow, DeliveryRow};

impl Machine {
    /// Puts a slot where it belongs in its integration's queue, after any change of what it is owed.
    pub(super) fn queue(&mut self, key: &str) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let lane_name = self.routing.lane_key(slot);
        let lane = self.lanes.entry(lane_name).or_insert_with(|| Lane::new(&slot.integration));
        if let Some(at) = slot.queued_at.take() {
            lane.waiting.remove(&(at, key.to_owned()));
        }
        slot.queued_at = slot.due();
        lane.waiting.extend(slot.queued_at.map(|at| (at, key.to_owned())));
    }

    /// The slots whose turn it is, integration by integration, the longest overdue first.
    fn whose_turn(&self, now: Now) -> Vec<String> {
        let ready = |lane: &Lane| lane.due(now).take(if lane.pace.0 > 0 { 1 } else { lane.free(now) }).cloned().collect::<Vec<_>>();
        self.lanes.values().filter(|lane| lane.free(now) > 0).flat_map(ready).collect()
    }

    /// Before a retry the group is looked at once more, so that what goes out late is still true. What a digest may take along is, too.
    pub(super) fn refresh_retries(&mut self, now: Now) {
        let ready =
            |lane: &Lane| lane.due(now).take(if lane.pace.0 > 0 { usize::MAX } else { lane.free(now) }).cloned().collect::<Vec<_>>();
        let keys: Vec<String> = self.lanes.values().filter(|lane| lane.free(now) > 0).flat_map(ready).collect();
        for key in keys {
            let Some(slot) = self.slots.get(&key) else { continue };
            let content = slot.owed.as_ref().filter(|owed| owed.attempts > 0).and_then(|owed| owed.content.as_ref());
            if content.is_some_and(|content| content.looked.steady < now.steady)
                && let Some(group) = self.groups.get_mut(&slot.group_id)
            {
                group.ask_again.insert(slot.asked_as.clone());
                self.looks_again = true;
            }
        }
    }

    /// Opens the attempts that are due.
    pub(super) fn attempts_due(&mut self, now: Now) -> Vec<Attempt> {
        self.whose_turn(now).into_iter().filter_map(|key| self.open_attempt(&key, now)).collect()
    }

    fn open_attempt(&mut self, key: &str, now: Now) -> Option<Attempt> {
        let slot = self.slots.get_mut(key)?;
        let lane_name = self.routing.lane_key(slot);
        let integration = self.routing.integration_of(slot).cloned();
        let (Some(integration), Some(lane)) = (integration, self.lanes.get_mut(&lane_name)) else {
            slot.owed = None;
            self.queue(key);
            return None;
        };
        let content = slot.owed.as_ref().filter(|owed| !owed.in_flight)?.content.clone()?;
        lane.open += 1;
        if lane.pace.0 > 0 {
            lane.rests_until = lane.rests_until.max(now.steady.saturating_add(lane.pace.0));
        }
        let others = self.others_for_digest(key, &lane_name, now);
        let mut told = Vec::new();
        for key in std::iter::once(key.to_owned()).chain(others) {
            told.extend(self.begin(&key).map(|id| (key, id)));
        }
        let notification = if told.len() == 1 {
            content.notification.clone()
        } else {
            self.figures.digests.inc();
            Arc::new(self.digest(&content, &told))
        };
        let ticket = Ticket { told, kind: integration.kind, lane: lane_name };
        Some(Attempt { ticket, notification, notify: integration.notify })
    }

    /// Marks what a slot is owed as being sent; returns its id.
    fn begin(&mut self, key: &str) -> Option<String> {
        let slot = self.slots.get_mut(key)?;
        let owed = slot.owed.as_mut()?;
        let content = owed.content.clone()?;
        owed.in_flight = true;
        owed.attempts += 1;
        let (id, first_try) = (owed.id.clone(), !owed.tried);
        owed.tried = true;
        if first_try {
            self.changes.push(Change::PutLog(slot.row(key)));
            self.changes.push(Change::PutDelivery(delivery(slot, &content.notification, "retrying", 0, "sending", content.looked)));
        }
        self.queue(key);
        Some(id)
    }

    /// Hears how an attempt ended.
    pub fn report(&mut self, ticket: &Ticket, outcome: Outcome, took: Duration, now: Now) {
        if let Some(lane) = self.lanes.get_mut(&ticket.lane) {
            lane.open = lane.open.saturating_sub(1);
            lane.failure = outcome.as_ref().err().map(|failure| failure.detail.clone()).unwrap_or_default();
        }
        self.figures.attempted(ticket.kind, took);
        let several = (ticket.told.len() > 1).then_some(ticket.told.len());
        for (key, id) in &ticket.told {
            self.report_slot(key, id, ticket, &outcome, several, now);
        }
    }

    fn report_slot(&mut self, key: &str, id: &str, ticket: &Ticket, outcome: &Outcome, several: Option<usize>, now: Now) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let Some(owed) = slot.owed.as_mut().filter(|owed| owed.id == id && owed.in_flight) else { return };
        owed.in_flight = false;
        let asked_meanwhile = std::mem::take(&mut owed.asked_meanwhile);
        let Some(content) = owed.content.clone() else { return };
        let (group_id, asked_as) = (slot.group_id.clone(), slot.asked_as.clone());
        if let Some(group) = self.groups.get_mut(&group_id).filter(|_| asked_meanwhile) {
            group.ask_again.insert(asked_as);
            self.looks_again = true;
        }
        match outcome {
            Ok(delivered) => {
                let detail = several.map(|groups| format!("{} (one message for {groups} groups)", delivered.detail));
                // A message that tells of many groups is none of a single one's to change.
                let memo = delivered.memo.clone().filter(|_| several.is_none());
                let delivered = Delivered { detail: detail.unwrap_or_else(|| delivered.detail.clone()), memo };
                self.note_delivered(key, ticket.kind, &content, &delivered, now);
                self.end_standing_in(key);
            }
            Err(failure) => self.note_failed(key, ticket, &content, failure, now),
        }
        self.queue(key);
        let routing = self.routing.clone();
        self.release_members(&routing, &group_id, now);
    }

    fn note_delivered(&mut self, key: &str, kind: &'static str, content: &Content, delivered: &Delivered, now: Now) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let attempts = slot.owed.as_ref().map_or(1, |owed| owed.attempts);
        slot.owed = None;
        let repeat = self.groups.get(&slot.group_id).map(|group| self.routing.tree.node(group.route).route.repeat_interval);
        let repeat = repeat.unwrap_or(self.routing.options.route.repeat_interval);
        slot.note_told(content.looked, content.firing.clone(), content.resolved.clone(), repeat);
        if delivered.memo.is_some() {
            slot.memo.clone_from(&delivered.memo);
        }
        self.figures.delivered(kind);
        if !content.notification.in_place_of.is_empty() {
            self.figures.stood_in(&slot.receiver, kind);
        }
        let row = delivery(slot, &content.notification, "delivered", attempts, &delivered.detail, now);
        self.changes.extend([Change::PutLog(slot.row(key)), Change::PutDelivery(row)]);
        if content.notification.reason == Reason::Repeat {
            return;
        }
        let (group_id, receiver): (Arc<str>, Arc<str>) = (slot.group_id.as_str().into(), slot.receiver.as_str().into());
        let detail: Arc<str> = format!("{}: {}", slot.integration, reason(&content.notification)).into();
        for alert in &content.notification.alerts {
            let word = if alert.status == Status::Firing { "notified" } else { "notified_resolved" };
            self.changes.push(Change::AddDecision(DecisionRow {
                at: now.wall,
                fingerprint: alert.fingerprint,
                labels: alert.alert.labels.clone(),
                group_id: group_id.clone(),
                receiver: receiver.clone(),
                decision: word.into(),
                detail: detail.clone(),
            }));
        }
    }

    fn note_failed(&mut self, key: &str, ticket: &Ticket, content: &Content, failure: &Failure, now: Now) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let Some(owed) = slot.owed.as_mut() else { return };
        let rest = owed.note_failure(failure.kind, now);
        owed.failure.clone_from(&failure.detail);
        let (attempts, due) = (owed.attempts, owed.due);
        if let Some(rest) = rest
            && let Some(lane) = self.lanes.get_mut(&ticket.lane)
        {
            lane.rests_until = lane.rests_until.max(now.steady.saturating_add(rest.0));
        }
        let outcome = match failure.kind {
            FailureKind::Retry { .. } => "retrying",
            FailureKind::GiveUp => "failed",
        };
        self.figures.failed(ticket.kind, outcome);
        // One line in the log for one attempt, however many groups it was for.
        if ticket.told.first().is_some_and(|(first, _)| first == key) {
            let seconds = (due - now.steady) / 1000;
            tracing::warn!(
                receiver = slot.receiver,
                integration = slot.integration,
                attempt = attempts,
                next_in_seconds = seconds,
                groups = ticket.told.len(),
                error = failure.detail,
                "notification not delivered"
            );
        }
        self.changes.push(Change::PutDelivery(delivery(slot, &content.notification, outcome, attempts, &failure.detail, now)));
    }
}

/// Why it was sent, and in whose place.
fn reason(notification: &Notification) -> String {
    let reason = notification.reason.as_str();
    match notification.in_place_of.as_slice() {
        [] => reason.to_owned(),
        [first, ..] => {
            let place = [first.receiver.as_str(), first.integration.as_str()].join("/");
            format!("{reason}, in place of {}", place.trim_end_matches('/'))
        }
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
        reason: reason(notification),
        alerts,
        outcome: outcome.to_owned(),
        attempts,
        detail: detail.to_owned(),
    }
}
