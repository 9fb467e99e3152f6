//! Alerts coming in, and what the ledger says of their beginning and end.

use super::Machine;
use crate::alerts::fingerprint::Fingerprint;
use crate::alerts::group::{Group, Now, group_id};
use crate::alerts::inbox::{PostedAlert, Tracked, complete, merge};
use crate::alerts::limits::{ALERTS_MAX, RESTORED_LEASE_MAX};
use crate::alerts::routing::group_labels;
use crate::model::{Alert, Labels};
use crate::state::{Change, DecisionRow};

/// Promises that differ by less are the same.
const LEASE_TOLERANCE_MS: i64 = 10_000;

impl Machine {
    /// Alerts of this process's own rules.
    pub fn post(&mut self, alerts: Vec<Alert>, now: Now) {
        for alert in alerts {
            self.take(Tracked::new(alert, now.wall, false), now);
        }
    }

    /// Alerts over the API: the good ones are taken, the errors of the others returned.
    pub fn accept(&mut self, posted: Vec<PostedAlert>, now: Now) -> Vec<String> {
        let timeout = self.routing.options.resolve_timeout;
        let mut errors = Vec::new();
        for alert in posted {
            match complete(alert, now.wall, timeout) {
                Ok(tracked) => {
                    self.figures.received(tracked.alert.is_resolved_at(now.wall));
                    if !self.take(tracked, now) {
                        errors.push(format!("there are {ALERTS_MAX} alerts already, the limit"));
                    }
                }
                Err(error) => {
                    self.figures.invalid.inc();
                    errors.push(error);
                }
            }
        }
        errors
    }

    /// Alerts of the rules (told by their value) from before the start that were not repeated since: those that `awaits` expects word of
    /// are kept for another while, the others have ended meanwhile. The answer is how many are kept.
    pub fn settle(&mut self, awaits: &dyn Fn(&Labels) -> bool, now: Now) -> usize {
        let mut ended: Vec<Fingerprint> = Vec::new();
        let mut kept = 0;
        let unheard = |tracked: &&mut Tracked| tracked.restored && !tracked.alert.is_resolved_at(now.wall) && tracked.alert.value.is_some();
        for tracked in self.alerts.values_mut().filter(unheard) {
            if awaits(&tracked.alert.labels) {
                kept += 1;
                tracked.alert.ends_at = tracked.alert.ends_at.max(now.wall + RESTORED_LEASE_MAX);
            } else {
                tracked.alert.ends_at = now.wall;
                ended.push(tracked.fingerprint);
            }
        }
        ended.into_iter().for_each(|number| self.record_state(number, now));
        kept
    }

    /// False where there is no room for another alert.
    fn take(&mut self, newer: Tracked, now: Now) -> bool {
        let number = newer.fingerprint;
        let known = self.alerts.get(&number);
        if known.is_none() && newer.alert.is_resolved_at(now.wall) {
            // The end of something never heard of is of no interest to anyone.
            return true;
        }
        if known.is_none() && self.alerts.len() >= ALERTS_MAX {
            self.figures.limit_hit.inc();
            return false;
        }
        let (merged, is_change) = match known {
            None => (newer, true),
            Some(known) => {
                let merged = merge(known, newer, now.wall);
                let is_change = known.alert.starts_at != merged.alert.starts_at
                    || known.alert.annotations != merged.alert.annotations
                    || known.alert.is_resolved_at(now.wall) != merged.alert.is_resolved_at(now.wall)
                    || (lease(known) - lease(&merged)).abs() > LEASE_TOLERANCE_MS;
                (merged, is_change)
            }
        };
        if is_change {
            self.changes.push(Change::PutAlert(merged.row()));
        }
        self.alerts.insert(number, merged);
        self.record_state(number, now);
        self.join_groups(number, now);
        true
    }

    /// Puts an alert into its groups.
    fn join_groups(&mut self, number: Fingerprint, now: Now) {
        // One that has ended joins none anew; those that know it see its end at their next look.
        if self.alerts.get(&number).is_some_and(|tracked| !tracked.alert.is_resolved_at(now.wall)) {
            self.join_groups_even_resolved(number, now);
        }
    }

    pub(super) fn join_groups_even_resolved(&mut self, number: Fingerprint, now: Now) {
        let Some(tracked) = self.alerts.get(&number) else { return };
        let (labels, began) = (&tracked.alert.labels, tracked.alert.starts_at);
        let routing = self.routing.clone();
        for at in routing.tree.routes_of(labels) {
            let node = routing.tree.node(at);
            let of_group = group_labels(&node.route, labels);
            let id = group_id(&node.identity, &of_group);
            let group = self.groups.entry(id).or_insert_with(|| {
                let mut group = Group::new(at, of_group);
                group.start_timer(&node.route, began, now);
                self.first_look = self.first_look.min(group.next_look);
                group
            });
            group.members.entry(number).or_default();
        }
    }

    /// Writes into the ledger what ended by itself, whoever looks at it when.
    pub(super) fn record_ends(&mut self, now: Now) {
        let ended = |tracked: &&Tracked| tracked.recorded_firing == tracked.alert.is_resolved_at(now.wall);
        let numbers: Vec<Fingerprint> = self.alerts.values().filter(ended).map(|tracked| tracked.fingerprint).collect();
        numbers.into_iter().for_each(|number| self.record_state(number, now));
    }

    /// Writes into the ledger that an alert began or ended, once.
    pub(super) fn record_state(&mut self, number: Fingerprint, now: Now) {
        let Some(tracked) = self.alerts.get_mut(&number) else { return };
        let firing = !tracked.alert.is_resolved_at(now.wall);
        if firing == tracked.recorded_firing {
            return;
        }
        tracked.recorded_firing = firing;
        tracked.ended_while_down = !firing && tracked.restored;
        let (decision, detail) = match (firing, tracked.ended_while_down) {
            (true, _) => ("firing", format!("since {}", tracked.alert.starts_at.rfc3339()).into()),
            (false, false) => ("resolved", format!("ended at {}", tracked.alert.ends_at.rfc3339()).into()),
            (false, true) => ("resolved", "ended while promlet was not running".into()),
        };
        if !firing {
            // An end that lies before the last word about it is how the ledger knows that this alert is over.
            tracked.updated_at = tracked.updated_at.max(now.wall);
            self.changes.push(Change::PutAlert(tracked.row()));
        }
        let row = DecisionRow {
            at: now.wall,
            fingerprint: number,
            labels: tracked.alert.labels.clone(),
            group_id: self.nothing.clone(),
            receiver: self.nothing.clone(),
            decision: decision.into(),
            detail,
        };
        self.changes.push(Change::AddDecision(row));
    }
}

/// How far ahead the sender set the end, in milliseconds: a change of it must reach the ledger, a mere renewal must not.
fn lease(tracked: &Tracked) -> i64 {
    (tracked.alert.ends_at - tracked.updated_at).0.max(0)
}
