//! A rule room on a manual clock, with metrics that step at given times and a sink that remembers what was sent.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use promlet::clock::Clock;
use promlet::model::{Alert, DurationMs, Labels, TimestampMs};
use promlet::rules::{GroupOptions, Query, QueryResult, ResultSample, RuleGroups, RuleOptions, RulesOptions, RulesParts};
use promlet::telemetry::Registry;

use super::store::Store;

/// A metric's values: from each second on, the value then; NaN means absent.
pub type Steps = &'static [(i64, f64)];

pub struct Bench {
    pub clock: Clock,
    pub store: Store,
    pub groups: RuleGroups,
    pub registry: Registry,
    sent: Arc<Mutex<Vec<Alert>>>,
}

/// `metric > number` over the source metrics, or over series in the store; anything else is an error.
pub fn query(store: Store, sources: HashMap<String, (Labels, Steps)>) -> Query {
    Arc::new(move |expr, at| {
        let parts: Vec<&str> = expr.split_whitespace().collect();
        let (name, op, bound) = match parts[..] {
            [name] => (name, ">", f64::NEG_INFINITY),
            [name, op, bound] => (name, op, bound.parse().map_err(|_| format!("bad number {bound}"))?),
            _ => return Err(format!("cannot read {expr}")),
        };
        let named = sources.iter().filter(|(key, _)| key.split('/').next() == Some(name));
        let mut samples: Vec<(Labels, f64)> = named
            .filter_map(|(_, (labels, steps))| {
                let value = steps.iter().rev().find(|(from, _)| from * 1000 <= at.0).map(|(_, value)| *value)?;
                (!value.is_nan()).then(|| (labels.clone(), value))
            })
            .collect();
        samples.extend(store.now(name, at));
        samples.sort_by(|a, b| a.0.cmp(&b.0));
        samples.retain(|(_, value)| match op {
            ">" => *value > bound,
            "==" => *value == bound,
            _ => false,
        });
        Ok(QueryResult::Vector(samples.into_iter().map(|(labels, value)| ResultSample::float(labels, value)).collect()))
    })
}

pub fn source(name: &str, labels: &[(&str, &str)], steps: Steps) -> (String, (Labels, Steps)) {
    let mut pairs = labels.to_vec();
    pairs.push(("__name__", name));
    let labels = Labels::from_pairs(pairs);
    (format!("{name}/{labels}"), (labels, steps))
}

pub fn alerting(alert: &str, expr: &str, hold: i64, labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> RuleOptions {
    RuleOptions::Alerting {
        alert: alert.to_owned(),
        expr: expr.to_owned(),
        hold: DurationMs::seconds(hold),
        keep_firing_for: DurationMs::ZERO,
        labels: Labels::from_pairs(labels.iter().copied()),
        annotations: Labels::from_pairs(annotations.iter().copied()),
    }
}

pub fn recording(record: &str, expr: &str, labels: &[(&str, &str)]) -> RuleOptions {
    RuleOptions::Recording { record: record.to_owned(), expr: expr.to_owned(), labels: Labels::from_pairs(labels.iter().copied()) }
}

pub fn group(name: &str, rules: Vec<RuleOptions>) -> GroupOptions {
    GroupOptions {
        file: PathBuf::from("rules.yml"),
        name: name.to_owned(),
        interval: DurationMs::seconds(30),
        limit: 0,
        query_offset: DurationMs::ZERO,
        labels: Labels::empty(),
        rules,
    }
}

pub fn options(groups: Vec<GroupOptions>) -> RulesOptions {
    RulesOptions { groups, external_url: "http://promlet:9090".to_owned(), ..RulesOptions::default() }
}

impl Bench {
    pub fn new(store: Store, query: Query) -> Self {
        let clock = Clock::manual(TimestampMs(0));
        let sent: Arc<Mutex<Vec<Alert>>> = Arc::default();
        let registry = Registry::default();
        let sink = sent.clone();
        let parts = RulesParts {
            clock: clock.clone(),
            registry: registry.clone(),
            query,
            append: Arc::new(store.clone()),
            select: Arc::new(store.clone()),
            alerts: Arc::new(move |alerts| sink.lock().unwrap().extend(alerts)),
        };
        Self { clock, store, groups: RuleGroups::new(parts), registry, sent }
    }

    /// A bench whose state counts as restored: its first, empty configuration is already in force.
    pub fn restored(store: Store, query: Query) -> Self {
        let bench = Self::new(store, query);
        bench.groups.apply(options(Vec::new()));
        bench
    }

    /// Evaluates everything for a second; the alerts sent.
    pub fn evaluate(&self, second: i64) -> Vec<Alert> {
        let now = TimestampMs(second * 1000);
        self.clock.set(now);
        self.groups.evaluate_all(now);
        std::mem::take(&mut self.sent.lock().unwrap())
    }

    /// State of each rule's alerts, as `rule: labels=state`, for those that are active.
    pub fn active(&self) -> Vec<String> {
        let view = self.groups.view();
        let rules = view.iter().flat_map(|group| &group.rules);
        let mut shown = Vec::new();
        for rule in rules {
            for alert in rule.alerting.iter().flat_map(|alerting| &alerting.alerts) {
                shown.push(format!("{} {:?}", alert.labels.without(&["alertname"]), alert.state));
            }
        }
        shown
    }
}
