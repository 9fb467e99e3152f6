//! The shipped rule files on made-up metrics, evaluation by evaluation, against Prometheus 3.5.3: its answers to the same expressions
//! over the same samples, with each rule's hold counted from them.
//!
//! `tests/rules/shipped.json` holds the metrics as pieces of straight lines (second, value, slope per scrape; `null` is absent)
//! and, for each file, the alerts' states as they change.

use std::path::Path;
use std::sync::Arc;

use promlet::clock::Clock;
use promlet::config::{Checkers, load_rules};
use promlet::model::{Labels, TimestampMs};
use promlet::promql::{self, Engine, EngineOptions, QueryOptions};
use promlet::rules::{Query, QueryResult, ResultSample, RuleGroups, RulesParts};
use promlet::storage::memory::MemoryStore;
use promlet::storage::{Append, GroupKey, GroupSource, Row};
use promlet::telemetry::Registry;
use serde_json::Value as Json;

use super::bench::options;

fn scenario() -> Json {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/shipped.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The value of a series at a scrape, if it is there.
fn value_at(series: &Json, second: i64, scrape: i64) -> Option<f64> {
    let steps = series["steps"].as_array().unwrap();
    let step = steps.iter().rev().find(|step| step[0].as_i64().unwrap() <= second).unwrap();
    let since = (second / scrape) - (step[0].as_i64().unwrap() + scrape - 1) / scrape;
    match &step[1] {
        Json::Null => None,
        Json::String(_) => Some(f64::NAN),
        value => Some(value.as_f64().unwrap() + step[2].as_f64().unwrap() * since as f64),
    }
}

fn feed(store: &MemoryStore, scenario: &Json, second: i64) {
    let scrape = scenario["scrape_s"].as_i64().unwrap();
    let key = GroupKey { source: GroupSource::Scrape, name: "t".to_owned(), labels: Labels::empty() };
    let mut writer = store.writer(&key).unwrap();
    let mut row = Row::new(TimestampMs(second * 1000));
    for series in scenario["series"].as_array().unwrap() {
        let Some(value) = value_at(series, second, scrape) else { continue };
        let mut labels =
            Labels::from_pairs(series["labels"].as_object().unwrap().iter().map(|(n, v)| (n.as_str(), v.as_str().unwrap()))).to_builder();
        let labels = labels.set("__name__", series["name"].as_str().unwrap()).build();
        row.push(writer.column(&labels).unwrap(), value);
    }
    writer.commit(&row).unwrap();
}

fn engine(store: MemoryStore, clock: Clock) -> Query {
    let engine = Engine::new(EngineOptions::default(), clock, &Registry::default());
    Arc::new(move |text, at| {
        let answer = engine.instant(&store, text, at, &QueryOptions::default()).map_err(|error| error.to_string())?;
        match answer.value {
            promql::Value::Scalar { value, .. } => Ok(QueryResult::Scalar(value)),
            promql::Value::Vector(samples) => Ok(QueryResult::Vector(
                samples.into_iter().map(|sample| ResultSample { labels: sample.labels, value: sample.value }).collect(),
            )),
            other => Err(format!("a {} is no vector", other.result_type())),
        }
    })
}

/// `Name state count` of all active alerts, in order.
fn states(groups: &RuleGroups) -> Vec<String> {
    let mut counts = std::collections::BTreeMap::new();
    for rule in groups.view().iter().flat_map(|group| &group.rules) {
        assert_eq!(rule.last_error, "", "{}", rule.name);
        for alert in rule.alerting.iter().flat_map(|alerting| &alerting.alerts) {
            *counts
                .entry(format!("{} {:?}", rule.name, alert.state).replace("Pending", "pending").replace("Firing", "firing"))
                .or_insert(0) += 1;
        }
    }
    counts.into_iter().map(|(name, count)| format!("{name} {count}")).collect()
}

/// Second and states, at each change.
fn run(file: &str, scenario: &Json) -> Vec<(i64, Vec<String>)> {
    let (store, clock) = (MemoryStore::default(), Clock::manual(TimestampMs(0)));
    let parts = RulesParts {
        clock: clock.clone(),
        registry: Registry::default(),
        query: engine(store.clone(), clock.clone()),
        append: Arc::new(store.clone()),
        select: Arc::new(store.clone()),
        alerts: Arc::new(|_| {}),
    };
    let groups = RuleGroups::new(parts);
    groups.apply(options(Vec::new()));
    let loaded = load_rules(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file), &Checkers::none()).unwrap();
    groups.apply(options(loaded.groups));
    let (scrape, every) = (scenario["scrape_s"].as_i64().unwrap(), scenario["evaluate_s"].as_i64().unwrap());
    let mut shown: Vec<(i64, Vec<String>)> = Vec::new();
    for second in (0..=scenario["end_s"].as_i64().unwrap()).step_by(scrape as usize) {
        feed(&store, scenario, second);
        if second % every != 0 {
            continue;
        }
        clock.set(TimestampMs(second * 1000));
        groups.evaluate_all(TimestampMs(second * 1000));
        let now = states(&groups);
        if shown.last().is_none_or(|(_, before)| *before != now) {
            shown.push((second, now));
        }
    }
    shown
}

fn expected(file: &str, scenario: &Json) -> Vec<(i64, Vec<String>)> {
    let states = scenario["files"][file].as_array().unwrap();
    let words = |list: &Json| list.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect();
    states.iter().map(|state| (state[0].as_i64().unwrap(), words(&state[1]))).collect()
}

/// Seconds at which an alert first shows a state.
fn first(timeline: &[(i64, Vec<String>)], alert: &str) -> Option<i64> {
    timeline.iter().find(|(_, states)| states.iter().any(|state| state.starts_with(alert))).map(|(second, _)| *second)
}

#[test]
fn documented_rules_as_prometheus() {
    let scenario = scenario();
    let timeline = run("rules/documented/grpo.yml", &scenario);
    assert_eq!(timeline, expected("rules/documented/grpo.yml", &scenario));
    // Failures at 20 minutes hold for less than five: they pend and never fire. Those from 60 minutes on repeat and do.
    assert_eq!(first(&timeline, "HighTrainingFailureRate pending"), Some(1200));
    assert_eq!(first(&timeline, "HighTrainingFailureRate firing"), Some(4290));
    // Over 100 percent from 60 to 100 minutes, with a minute's hold.
    assert_eq!(first(&timeline, "TrainingBudgetExceeded pending"), Some(3600));
    assert_eq!(first(&timeline, "TrainingBudgetExceeded firing"), Some(3660));
    // The warning is told as resolved the moment the limit is crossed, before the critical one fires.
    assert!(
        timeline.iter().any(|(second, states)| *second == 3600 && !states.iter().any(|state| state.starts_with("TrainingBudgetWarning")))
    );
    // Never, though a job iterates for two hours and a half: `and` wants equal labels, and only its left side has job_id.
    assert_eq!(first(&timeline, "LongRunningTrainingJob"), None);
}

#[test]
fn mended_rules_as_prometheus() {
    let scenario = scenario();
    let timeline = run("rules/grpo.yml", &scenario);
    assert_eq!(timeline, expected("rules/grpo.yml", &scenario));
    assert_eq!(first(&timeline, "LongRunningTrainingJob firing"), Some(3600));
    assert!(first(&timeline, "HighTrainingFailureRate firing").is_some());
}

#[test]
fn training_rules_as_prometheus() {
    let scenario = scenario();
    let timeline = run("rules/training.yml", &scenario);
    assert_eq!(timeline, expected("rules/training.yml", &scenario));
    for alert in ["TrainingLossNonFinite", "TrainingLossDiverging", "TrainingStalled", "TrainingCheckpointStale"] {
        assert!(first(&timeline, &format!("{alert} firing")).is_some(), "{alert}");
    }
}

#[test]
fn gpu_rules_as_prometheus() {
    let scenario = scenario();
    let timeline = run("rules/gpu.yml", &scenario);
    assert_eq!(timeline, expected("rules/gpu.yml", &scenario));
    for alert in
        ["GpuIdleButHolding", "GpuMemoryExhaustionSoon", "GpuXidCritical", "GpuEccUncorrectable", "GpuThermalThrottle", "GpuFellOffBus"]
    {
        assert!(first(&timeline, &format!("{alert} firing")).is_some(), "{alert}");
    }
}
