//! The views: alerts with their state, groups, receivers. What holds an alert back is judged at the moment of asking.

use super::Machine;
use super::look::{as_sets, in_order};
use crate::alerts::fingerprint::{Fingerprint, show};
use crate::alerts::group::Now;
use crate::alerts::inbox::Tracked;
use crate::alerts::inhibit::Inhibition;
use crate::alerts::intervals;
use crate::alerts::options::Route;
use crate::alerts::routing::all_match;
use crate::alerts::view::{AlertGroupView, AlertView, Suppression};
use crate::model::Matcher;
use crate::model::regex::AnchoredRegex;

/// Which alerts to show; Alertmanager's parameters and their defaults.
#[derive(Clone, Debug)]
pub struct AlertFilter {
    pub active: bool,
    pub silenced: bool,
    pub inhibited: bool,
    pub unprocessed: bool,
    pub matchers: Vec<Matcher>,
    pub receiver: Option<AnchoredRegex>,
}

impl Default for AlertFilter {
    fn default() -> Self {
        Self { active: true, silenced: true, inhibited: true, unprocessed: true, matchers: Vec::new(), receiver: None }
    }
}

#[derive(Clone, Debug)]
pub struct GroupFilter {
    pub alerts: AlertFilter,
    /// Also alerts that a time interval mutes.
    pub muted: bool,
}

impl Default for GroupFilter {
    fn default() -> Self {
        Self { alerts: AlertFilter::default(), muted: true }
    }
}

impl Machine {
    /// Unresolved alerts in order of fingerprint.
    pub fn alerts(&self, filter: &AlertFilter, now: Now) -> Vec<AlertView> {
        let inhibition = self.inhibition(now);
        let firing = self.alerts.values().filter(|tracked| !tracked.alert.is_resolved_at(now.wall));
        let wanted = firing.filter(|tracked| all_match(&filter.matchers, &tracked.alert.labels));
        let views = wanted.map(|tracked| self.view(tracked, &inhibition, None, now));
        views.filter(|view| passes(filter, view)).collect()
    }

    /// Open groups with their unresolved alerts, in order of labels, then receiver.
    pub fn groups(&self, filter: &GroupFilter, now: Now) -> Vec<AlertGroupView> {
        let inhibition = self.inhibition(now);
        let mut views = Vec::new();
        for group in self.groups.values() {
            let route = &self.routing.tree.node(group.route).route;
            if filter.alerts.receiver.as_ref().is_some_and(|regex| !regex.is_match(&route.receiver)) {
                continue;
            }
            let members = group.members.keys().filter_map(|number| self.alerts.get(number));
            let firing = members.filter(|tracked| !tracked.alert.is_resolved_at(now.wall));
            let wanted = firing.filter(|tracked| all_match(&filter.alerts.matchers, &tracked.alert.labels));
            let alerts = wanted.map(|tracked| self.view(tracked, &inhibition, Some(route), now));
            let mut alerts: Vec<_> =
                alerts.filter(|view| passes(&filter.alerts, view) && (filter.muted || view.muted_by.is_empty())).collect();
            alerts.sort_by(|a, b| in_order(&a.alert.labels, &b.alert.labels));
            if !alerts.is_empty() {
                let (labels, route_labels, receiver) = (group.labels.clone(), route.labels.clone(), route.receiver.clone());
                views.push(AlertGroupView { labels, route_labels, receiver, alerts });
            }
        }
        views.sort_by(|a, b| as_sets(&a.labels, &b.labels).then_with(|| a.receiver.cmp(&b.receiver)));
        views
    }

    pub fn has_alert(&self, number: Fingerprint) -> bool {
        self.alerts.contains_key(&number)
    }

    pub(super) fn inhibition(&self, now: Now) -> Inhibition<'_> {
        let firing = self.alerts.values().filter(move |tracked| !tracked.alert.is_resolved_at(now.wall));
        Inhibition::new(&self.routing.options.inhibit_rules, firing.map(|t| (t.fingerprint, &t.alert.labels)))
    }

    pub(super) fn view(&self, tracked: &Tracked, inhibition: &Inhibition<'_>, route: Option<&Route>, now: Now) -> AlertView {
        let labels = &tracked.alert.labels;
        let tree = &self.routing.tree;
        let receivers = tree.routes_of(labels).into_iter().map(|at| tree.node(at).route.receiver.clone());
        // Without a configuration there is no receiver to name.
        let receivers = receivers.filter(|name| !name.is_empty()).collect();
        let silenced_by = self.silences.of(labels, now.wall);
        let inhibited_by: Vec<String> = inhibition.of(labels, tracked.fingerprint).map(show).into_iter().collect();
        let muted_by = route.map(|route| self.muted_by(route, now)).unwrap_or_default();
        let held = !(silenced_by.is_empty() && inhibited_by.is_empty() && muted_by.is_empty());
        AlertView {
            alert: tracked.alert.clone(),
            updated_at: tracked.updated_at,
            offsets: tracked.offsets,
            fingerprint: show(tracked.fingerprint),
            receivers,
            state: if held { Suppression::Suppressed } else { Suppression::Active },
            silenced_by,
            inhibited_by,
            muted_by,
        }
    }

    /// The intervals that keep a route quiet now.
    fn muted_by(&self, route: &Route, now: Now) -> Vec<String> {
        let holds = |name: &&String| intervals::holds(&self.routing.options.time_intervals, name, now.wall);
        let active = &route.active_time_intervals;
        let outside = !active.is_empty() && !active.iter().any(|name| holds(&name));
        let muting = route.mute_time_intervals.iter().filter(holds);
        if outside { active.iter().chain(muting).cloned().collect() } else { muting.cloned().collect() }
    }
}

fn passes(filter: &AlertFilter, view: &AlertView) -> bool {
    let receiver_wanted = |regex: &AnchoredRegex| view.receivers.iter().any(|name| regex.is_match(name));
    // As in Alertmanager what a time interval mutes counts as active here.
    let is_active = view.state != Suppression::Unprocessed && view.silenced_by.is_empty() && view.inhibited_by.is_empty();
    (filter.active || !is_active)
        && (filter.unprocessed || view.state != Suppression::Unprocessed)
        && (filter.silenced || view.silenced_by.is_empty())
        && (filter.inhibited || view.inhibited_by.is_empty())
        && filter.receiver.as_ref().is_none_or(receiver_wanted)
}
