//! Where alerts stand on their routes, at the moment of asking.

use super::Machine;
use crate::alerts::explain::{Place, next_look, with_fallback, with_integration};
use crate::alerts::group::{Now, group_id};
use crate::alerts::hold::{Context, Hold, judge};
use crate::alerts::inbox::Tracked;
use crate::alerts::inhibit::Inhibition;
use crate::alerts::limits::EXPLAINED_MAX;
use crate::alerts::notification::Integration;
use crate::alerts::routing::{Node, all_match, group_labels};
use crate::alerts::slot::slot_key;
use crate::alerts::view::{AlertStanding, IntegrationStanding, RouteStanding};
use crate::model::Matcher;

impl Machine {
    /// The alerts that match, ended ones that someone may still have to hear of included; at most `EXPLAINED_MAX`.
    pub fn standings(&self, matchers: &[Matcher], now: Now) -> Vec<AlertStanding> {
        let inhibition = self.inhibition(now);
        let wanted = self.alerts.values().filter(|tracked| all_match(matchers, &tracked.alert.labels)).take(EXPLAINED_MAX);
        wanted.map(|tracked| self.standing(tracked, &inhibition, now)).collect()
    }

    fn standing(&self, tracked: &Tracked, inhibition: &Inhibition<'_>, now: Now) -> AlertStanding {
        let nodes = self.routing.tree.routes_of(&tracked.alert.labels).into_iter().map(|at| self.routing.tree.node(at));
        AlertStanding {
            routes: nodes.map(|node| self.on_route(tracked, node, inhibition, now)).collect(),
            ended: tracked.alert.is_resolved_at(now.wall),
            alert: self.view(tracked, inhibition, None, now),
        }
    }

    /// The receiver's own integrations, then those of its fallbacks.
    fn with_all(&self, place: &Place<'_>, integrations: &[Integration], id: &str) -> Vec<IntegrationStanding> {
        let slot = |word: &str| self.slots.get(&slot_key(id, word));
        let own = integrations.iter().map(|one| with_integration(place, one, slot(&one.label())));
        let fallbacks = self.routing.fallbacks(&place.node.route.receiver);
        let others = fallbacks.flat_map(|fallback| {
            self.routing.of_fallback(fallback).map(move |(word, one)| with_fallback(place, fallback, one, slot(&word)))
        });
        own.chain(others).collect()
    }

    fn on_route(&self, tracked: &Tracked, node: &Node, inhibition: &Inhibition<'_>, now: Now) -> RouteStanding {
        let route = &node.route;
        let labels = group_labels(route, &tracked.alert.labels);
        let id = group_id(&node.identity, &labels);
        let integrations = self.routing.integrations(&route.receiver);
        let intervals = &self.routing.options.time_intervals;
        let context = Context { route, intervals, inhibition, silences: &self.silences, now: now.wall };
        let held = judge(&context, &tracked.alert.labels, tracked.fingerprint);
        let hold = held.or(integrations.is_empty().then_some(Hold::NobodyToTell));
        let group = self.groups.get(&id).filter(|group| group.members.contains_key(&tracked.fingerprint));
        let ended = tracked.alert.is_resolved_at(now.wall);
        let place = group.map(|group| Place { number: tracked.fingerprint, ended, node, group, hold: hold.as_ref(), now });
        RouteStanding {
            receiver: route.receiver.clone(),
            route: node.key.clone(),
            group_labels: labels,
            group_wait: route.group_wait,
            group_interval: route.group_interval,
            repeat_interval: route.repeat_interval,
            next_look: place.as_ref().map(next_look),
            integrations: place.iter().flat_map(|place| self.with_all(place, integrations, &id)).collect(),
            held_by: hold.as_ref().map(|hold| (hold.word().to_owned(), hold.explain())),
        }
    }
}
