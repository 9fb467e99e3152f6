//! Alertmanager's figures, under its names, so that existing dashboards and rules find them.

use std::time::Duration;

use super::group::Now;
use super::inbox::Tracked;
use super::notification::{Integration, Receiver};
use super::silences::Silences;
use crate::telemetry::{Counter, Gauge, Registry};

/// The instruments of routing; cheap to clone.
#[derive(Clone)]
pub struct Figures {
    registry: Registry,
    pub invalid: Counter,
    pub limit_hit: Counter,
    pub digests: Counter,
    pub clock_steps: Counter,
    pub late_commits: Counter,
    pub standing_in: Gauge,
}

/// Alertmanager's own, in seconds.
const LATENCY_BUCKETS: [f64; 5] = [1.0, 5.0, 10.0, 15.0, 20.0];
const RECEIVED: &str = "alertmanager_alerts_received_total";
const FAILED: &str = "alertmanager_notifications_failed_total";
const ATTEMPTS: &str = "alertmanager_notification_requests_total";
const ATTEMPTS_FAILED: &str = "alertmanager_notification_requests_failed_total";
const SUPPRESSED: &str = "alertmanager_notifications_suppressed_total";

impl Figures {
    pub fn new(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            invalid: registry.counter("alertmanager_alerts_invalid_total", "Posted alerts that were refused.", &[("version", "v2")]),
            limit_hit: registry.counter("promlet_alerts_limit_total", "Alerts refused because too many are held already.", &[]),
            digests: registry.counter(
                "promlet_alerts_digests_total",
                "Messages that told of many groups at once, where a place takes few messages.",
                &[],
            ),
            clock_steps: registry.counter("promlet_alerts_clock_steps_total", "Times that the wall clock was seen to be set.", &[]),
            late_commits: registry.counter(
                "promlet_alerts_late_commits_total",
                "Messages sent although state.db had not yet taken the note about them.",
                &[],
            ),
            standing_in: registry.gauge(
                "promlet_alerts_standing_in",
                "Integrations that fail, and in whose place a fallback receiver is told.",
                &[],
            ),
        }
    }

    /// Shows what a configuration has, and the series of its kinds of integrations before their first message.
    pub(super) fn announce(&self, receivers: &[Receiver], inhibit_rules: usize) {
        let integrations: Vec<&Integration> = receivers.iter().flat_map(|receiver| &receiver.integrations).collect();
        integrations.iter().for_each(|one| self.announce_kind(one.kind));
        self.registry.gauge("alertmanager_receivers", "Receivers configured.", &[]).set(receivers.len() as f64);
        self.registry.gauge("alertmanager_integrations", "Integrations configured.", &[]).set(integrations.len() as f64);
        self.registry.gauge("alertmanager_inhibition_rules", "Inhibition rules configured.", &[]).set(inhibit_rules as f64);
    }

    fn announce_kind(&self, kind: &str) {
        self.notifications(kind);
        for reason in ["clientError", "serverError"] {
            self.registry.counter(FAILED, "Notifications that failed.", &[("integration", kind), ("reason", reason)]);
        }
        self.attempts(kind);
        self.attempts_failed(kind);
    }

    pub(super) fn received(&self, resolved: bool) {
        let status = if resolved { "resolved" } else { "firing" };
        self.registry.counter(RECEIVED, "Alerts received over the API.", &[("status", status), ("version", "v2")]).inc();
    }

    pub(super) fn attempted(&self, kind: &str, took: Duration) {
        self.attempts(kind).inc();
        let help = "How long the attempts took.";
        let name = "alertmanager_notification_latency_seconds";
        self.registry.histogram(name, help, &[("integration", kind)], &LATENCY_BUCKETS).record(took);
    }

    pub(super) fn delivered(&self, kind: &str) {
        self.notifications(kind).inc();
    }

    /// A message went to another receiver than the one that should have got it.
    pub(super) fn stood_in(&self, receiver: &str, kind: &str) {
        let help = "Messages that a fallback receiver was told in the place of another.";
        self.registry.counter("promlet_alerts_fallback_notifications_total", help, &[("receiver", receiver), ("integration", kind)]).inc();
    }

    pub(super) fn failed(&self, kind: &str, outcome: &str) {
        self.attempts_failed(kind).inc();
        let reason = if outcome == "failed" { "clientError" } else { "serverError" };
        self.registry.counter(FAILED, "Notifications that failed.", &[("integration", kind), ("reason", reason)]).inc();
    }

    pub(super) fn suppressed(&self, reason: &str) {
        let help = "Alerts held back when a group was looked at.";
        self.registry.counter(SUPPRESSED, help, &[("reason", reason)]).inc();
    }

    fn notifications(&self, kind: &str) -> Counter {
        self.registry.counter("alertmanager_notifications_total", "Notifications delivered.", &[("integration", kind)])
    }

    fn attempts(&self, kind: &str) -> Counter {
        self.registry.counter(ATTEMPTS, "Attempts to deliver a notification.", &[("integration", kind)])
    }

    fn attempts_failed(&self, kind: &str) -> Counter {
        self.registry.counter(ATTEMPTS_FAILED, "Attempts that failed.", &[("integration", kind)])
    }

    pub(super) fn show_state<'a>(
        &self,
        alerts: impl Iterator<Item = &'a Tracked>,
        silences: &Silences,
        groups: usize,
        suppressed: usize,
        now: Now,
    ) {
        let firing = alerts.filter(|tracked| !tracked.alert.is_resolved_at(now.wall)).count();
        let states = [("active", firing.saturating_sub(suppressed)), ("suppressed", suppressed), ("unprocessed", 0)];
        for (state, count) in states {
            let help = "Alerts by state.";
            self.registry.gauge("alertmanager_alerts", help, &[("state", state)]).set(count as f64);
        }
        for (state, count) in ["pending", "active", "expired"].into_iter().zip(silences.count(now.wall)) {
            self.registry.gauge("alertmanager_silences", "Silences by state.", &[("state", state)]).set(count as f64);
        }
        let help = "Groups of alerts that are open.";
        self.registry.gauge("alertmanager_dispatcher_aggregation_groups", help, &[]).set(groups as f64);
    }
}
