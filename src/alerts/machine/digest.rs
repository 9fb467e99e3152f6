//! One message for many groups, where a place takes only so many messages in a while: every alert of every group is in it, and counted.

use super::Machine;
use crate::alerts::group::Now;
use crate::alerts::limits::DIGEST_OVER;
use crate::alerts::notification::{InPlaceOf, Notification, NotifiedAlert, Reason, Status};
use crate::alerts::slot::Content;
use crate::model::Labels;

impl Machine {
    /// The other slots of the same integration whose turn it is as well: where they are too many for one message each.
    pub(super) fn others_for_digest(&self, key: &str, lane: &str, now: Now) -> Vec<String> {
        let (Some(lane), Some(own)) = (self.lanes.get(lane).filter(|lane| lane.pace.0 > 0), self.slots.get(key)) else { return Vec::new() };
        // What changes a message that is there already stays a message of its own.
        if own.memo_of_open().is_some() {
            return Vec::new();
        }
        let alike = lane.due(now).filter(|other| {
            let slot = self.slots.get(*other);
            *other != key
                && slot.is_some_and(|slot| {
                    slot.receiver == own.receiver && slot.integration == own.integration && slot.memo_of_open().is_none()
                })
        });
        let others: Vec<String> = alike.cloned().collect();
        if others.len() < DIGEST_OVER { Vec::new() } else { others }
    }

    /// What is said for all of them: the alerts of all groups, those that fire first.
    pub(super) fn digest(&self, first: &Content, told: &[(String, String)]) -> Notification {
        let contents: Vec<&Notification> = told
            .iter()
            .filter_map(|(key, _)| self.slots.get(key)?.owed.as_ref()?.content.as_deref())
            .map(|content| &*content.notification)
            .collect();
        let mut alerts: Vec<NotifiedAlert> = contents.iter().flat_map(|one| one.alerts.iter().cloned()).collect();
        alerts.sort_by_key(|alert| alert.status == Status::Resolved);
        // An alert may be in several groups: it is one alert.
        let mut seen = std::collections::HashSet::new();
        alerts.retain(|alert| seen.insert((alert.fingerprint, alert.status)));
        let fires = alerts.iter().any(|alert| alert.status == Status::Firing);
        let mut common = first.notification.group_labels.to_builder();
        for one in &contents {
            common.retain(|name, value| one.group_labels.get(name) == Some(value));
        }
        let group_labels: Labels = common.build();
        Notification {
            status: if fires { Status::Firing } else { Status::Resolved },
            reason: Reason::Digest,
            group_key: format!("{} and {} more", first.notification.group_key, contents.len().saturating_sub(1)),
            alerts,
            group_labels,
            may_repeat: contents.iter().any(|one| one.may_repeat),
            memo: None,
            in_place_of: in_place_of(&contents),
            ..(*first.notification).clone()
        }
    }
}

/// All in whose place it is told, each integration once.
fn in_place_of(contents: &[&Notification]) -> Vec<InPlaceOf> {
    let mut all: Vec<InPlaceOf> = Vec::new();
    for one in contents.iter().flat_map(|one| &one.in_place_of) {
        if all.iter().all(|known| (&known.receiver, &known.integration) != (&one.receiver, &one.integration)) {
            all.push(one.clone());
        }
    }
    all
}
