//! The figures of rule groups, under Prometheus's names.

use crate::telemetry::{Counter, Gauge, Latency, Registry};

const PER_GROUP: [&str; 11] = [
    "prometheus_rule_group_rules",
    "prometheus_rule_group_interval_seconds",
    "prometheus_rule_group_iterations_total",
    "prometheus_rule_group_iterations_missed_total",
    "prometheus_rule_group_last_duration_seconds",
    "prometheus_rule_group_last_evaluation_timestamp_seconds",
    "prometheus_rule_group_last_evaluation_samples",
    "prometheus_rule_evaluations_total",
    "prometheus_rule_evaluation_failures_total",
    "prometheus_rule_group_last_restore_duration_seconds",
    "prometheus_rule_group_last_rule_duration_sum_seconds",
];

/// The instruments of one group.
pub struct GroupMetrics {
    pub rules: Gauge,
    pub interval: Gauge,
    pub iterations: Counter,
    pub missed: Counter,
    pub last_duration: Gauge,
    pub last_evaluation: Gauge,
    pub last_samples: Gauge,
    pub evaluations: Counter,
    pub failures: Counter,
    pub last_restore: Gauge,
    pub last_rules: Gauge,
    pub duration: Latency,
    pub rule_duration: Latency,
}

impl GroupMetrics {
    /// `group` is `file;name`.
    pub fn new(registry: &Registry, group: &str) -> Self {
        let labels = [("rule_group", group)];
        Self {
            rules: registry.gauge(PER_GROUP[0], "Rules of the group.", &labels),
            interval: registry.gauge(PER_GROUP[1], "Seconds between two evaluations of the group.", &labels),
            iterations: registry.counter(PER_GROUP[2], "Evaluations of the group that were due, missed ones included.", &labels),
            missed: registry.counter(PER_GROUP[3], "Evaluations left out because the one before took too long.", &labels),
            last_duration: registry.gauge(PER_GROUP[4], "Seconds that the last evaluation of the group took.", &labels),
            last_evaluation: registry.gauge(PER_GROUP[5], "Unix time of the last evaluation of the group.", &labels),
            last_samples: registry.gauge(PER_GROUP[6], "Samples that the last evaluation of the group wrote.", &labels),
            evaluations: registry.counter(PER_GROUP[7], "Evaluations of single rules.", &labels),
            failures: registry.counter(PER_GROUP[8], "Evaluations of single rules that failed.", &labels),
            last_restore: registry.gauge(PER_GROUP[9], "Seconds that looking for alert state of before the start took.", &labels),
            last_rules: registry.gauge(PER_GROUP[10], "Seconds of all rules of the group's last evaluation added up.", &labels),
            duration: registry.latency("prometheus_rule_group_duration_seconds", "How long evaluations of groups take.", &[]),
            rule_duration: registry.latency("prometheus_rule_evaluation_duration_seconds", "How long evaluations of rules take.", &[]),
        }
    }

    /// Takes the figures of a group off the list.
    pub fn forget(registry: &Registry, group: &str) {
        for name in PER_GROUP {
            registry.forget(name, |labels| labels.iter().any(|(label, value)| label == "rule_group" && value == group));
        }
    }
}
