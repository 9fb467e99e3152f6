//! Starting from the ledger, and going on under a new configuration.

use std::collections::BTreeMap;

use super::{Machine, Routing};
use crate::alerts::group::Now;
use crate::alerts::inbox::Tracked;
use crate::alerts::limits::RESTORED_LEASE_MAX;
use crate::alerts::notification::Receiver;
use crate::alerts::options::AlertsOptions;
use crate::alerts::slot::Slot;
use crate::model::{Alert, DurationMs, TimestampMs};
use crate::state::{AlertRow, DecisionRow, LogRow, SilenceRow, State};

/// What the ledger holds at the start.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    pub silences: Vec<SilenceRow>,
    pub alerts: Vec<AlertRow>,
    pub log: Vec<LogRow>,
    pub decisions: Vec<DecisionRow>,
}

impl Stored {
    pub fn read(state: &State) -> Result<Self, String> {
        let explain = |error| format!("state.db cannot be read: {error}");
        Ok(Self {
            silences: state.silences().map_err(explain)?,
            alerts: state.alerts().map_err(explain)?,
            log: state.notification_log().map_err(explain)?,
            decisions: state.latest_decisions().map_err(explain)?,
        })
    }
}

impl Machine {
    /// Takes over what was known before the stop. Alerts that were firing stay so for as long as their sender had promised to
    /// repeat them within; who repeats none until then has let them end while nobody listened.
    pub fn restore(&mut self, stored: Stored, now: Now) {
        stored.silences.into_iter().for_each(|row| self.silences.put(row));
        for row in stored.log {
            self.slots.insert(row.slot.clone(), Slot::from_row(row, now));
        }
        for row in stored.alerts {
            let tracked = tracked(row, now.wall);
            self.alerts.insert(tracked.fingerprint, tracked);
        }
        self.regroup(now);
        for row in stored.decisions {
            let member = self.groups.get_mut(&*row.group_id).and_then(|group| group.members.get_mut(&row.fingerprint));
            let is_about_holds = !row.decision.starts_with("notified") && row.decision != "stands_in";
            if let Some(member) = member.filter(|_| is_about_holds) {
                member.ever_held = row.decision != "released";
                member.recorded = Some((row.decision, row.detail));
            }
        }
    }

    /// A new configuration: alerts are routed anew; a group that is still there keeps its cadence, an integration its knowledge.
    pub fn reload(&mut self, options: AlertsOptions, receivers: Vec<Receiver>, now: Now) {
        self.routing = std::sync::Arc::new(Routing::new(options, receivers));
        self.regroup(now);
        for slot in self.slots.values_mut() {
            let gone = self.routing.integration_of(slot).is_none();
            match &mut slot.owed {
                // An attempt under way ends by itself and is heard of; what waits goes with its integration.
                Some(owed) if gone && !owed.in_flight => slot.owed = None,
                Some(owed) => owed.due = owed.due.min(now.steady),
                None => {}
            }
        }
        // The same integration may lead elsewhere now.
        for lane in self.lanes.values_mut() {
            lane.rests_until = now.steady;
            lane.waiting.clear();
        }
        self.slots.values_mut().for_each(|slot| slot.queued_at = None);
        let keys: Vec<String> = self.slots.keys().cloned().collect();
        keys.iter().for_each(|key| self.queue(key));
    }

    /// Puts every alert into the groups that the routes of now give it.
    fn regroup(&mut self, now: Now) {
        // The next tick finds out when the first of them is to be looked at.
        self.first_look = i64::MIN;
        let before = std::mem::take(&mut self.groups);
        let numbers: Vec<_> = self.alerts.keys().copied().collect();
        for number in numbers {
            self.join_groups_even_resolved(number, now);
        }
        let by_id: BTreeMap<_, _> = before;
        for (id, group) in &mut self.groups {
            let Some(old) = by_id.get(id) else { continue };
            group.next_look = old.next_look.min(now.steady.saturating_add(self.routing.tree.node(group.route).route.group_interval.0));
            group.ask_again.clone_from(&old.ask_again);
            for (number, member) in &mut group.members {
                if let Some(old) = old.members.get(number) {
                    member.clone_from(old);
                }
            }
        }
    }
}

fn tracked(row: AlertRow, now: TimestampMs) -> Tracked {
    let AlertRow { fingerprint, labels, annotations, starts_at, ends_at, updated_at, timed_out, generator_url, value } = row;
    let was_firing = ends_at > updated_at;
    let lease = (ends_at - updated_at).min(RESTORED_LEASE_MAX).max(DurationMs::ZERO);
    let ends_at = if was_firing { ends_at.max(now + lease) } else { ends_at };
    let alert = Alert { labels, annotations, starts_at, ends_at, generator_url, value };
    Tracked { fingerprint, updated_at, restored: was_firing, recorded_firing: was_firing, ..Tracked::new(alert, now, timed_out) }
}
