//! What one test runs on: its series, fed as time goes on, its rules in the engine that serves, and a store in memory.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::TestRulesFlags;
use crate::app::questions;
use crate::clock::Clock;
use crate::commands::serve;
use crate::config::rule_tests::{RuleTest, RuleTests};
use crate::config::rules::{Defaults, load_with};
use crate::model::{DurationMs, Labels, TimestampMs};
use crate::promql::{Engine, EngineOptions, QueryOptions, Value};
use crate::promqltest::{Feed, Load};
use crate::rules::options::RuleTimings;
use crate::rules::view::AlertState;
use crate::rules::{GroupOptions, RuleGroups, RulesOptions, RulesParts};
use crate::storage::memory::MemoryStore;
use crate::telemetry::Registry;

/// How long one expression may take.
const TIMEOUT: DurationMs = DurationMs(100_000);

pub struct Bench {
    clock: Clock,
    store: MemoryStore,
    engine: Arc<Engine>,
    groups: RuleGroups,
    /// In the order of evaluation.
    order: Vec<(PathBuf, String)>,
    feed: Feed,
}

impl Bench {
    /// Nothing is appended or evaluated yet; the errors are of series or of rule files.
    pub fn new(file: &RuleTests, test: &RuleTest, flags: &TestRulesFlags) -> Result<Self, Vec<String>> {
        let clock = Clock::manual(test.start);
        let store = MemoryStore::default();
        let series = test.series.iter().map(|(metric, values)| (metric.as_str(), values.as_str()));
        let feed = Load::of_series(test.interval, series).and_then(|load| load.feed(&store, test.start)).map_err(|error| vec![error])?;
        let mut options = rules_options(file, test, flags)?;
        let first_place = |group: &GroupOptions| file.group_eval_order.iter().position(|name| *name == group.name).unwrap_or(0);
        options.groups.sort_by_key(first_place);
        let order = options.groups.iter().map(|group| (group.file.clone(), group.name.clone())).collect();
        let registry = Registry::default();
        let engine_options = EngineOptions {
            timeout: TIMEOUT,
            default_subquery_step: file.evaluation_interval,
            cache_bytes: 0,
            features: questions::features(&flags.features),
            threads: 1,
            ..EngineOptions::default()
        };
        let engine = Arc::new(Engine::new(engine_options, Clock::system(), &registry));
        let parts = RulesParts {
            clock: clock.clone(),
            registry,
            query: questions::for_rules(Arc::new(ArcSwap::from(engine.clone())), Arc::new(store.clone()), Arc::new(|| None)),
            append: Arc::new(store.clone()),
            select: Arc::new(store.clone()),
            alerts: Arc::new(|_| {}),
        };
        let groups = RuleGroups::new(parts);
        // Groups of a later configuration look for no state of an earlier process: they write their alerts from the start.
        groups.apply(RulesOptions::default());
        groups.apply(options);
        Ok(Self { clock, store, engine, groups, order, feed })
    }

    /// Series and rules up to a time; the errors are those of rules.
    pub fn evaluate(&mut self, at: TimestampMs) -> Vec<String> {
        self.clock.set(at);
        if let Err(error) = self.feed.until(at) {
            return vec![error];
        }
        for (file, name) in &self.order {
            self.groups.evaluate_group(file, name, at);
        }
        let time = crate::yaml::scalar::format_go_duration(at - TimestampMs(0));
        let views = self.groups.view();
        let failed = views.iter().flat_map(|group| &group.rules).filter(|rule| !rule.last_error.is_empty());
        failed.map(|rule| format!("    rule: {}, time: {time}, err: {}", rule.name, rule.last_error)).collect()
    }

    /// Labels and annotations of every alert of this name that fires.
    pub fn firing(&self, alert: &str) -> Vec<(Labels, Labels)> {
        let views = self.groups.view();
        let rules = views.iter().flat_map(|group| &group.rules).filter(|rule| rule.name == alert);
        let alerts = rules.filter_map(|rule| rule.alerting.as_ref()).flat_map(|alerting| &alerting.alerts);
        let firing = alerts.filter(|alert| alert.state == AlertState::Firing);
        firing.map(|alert| (alert.labels.clone(), alert.annotations.clone())).collect()
    }

    /// An instant query over everything so far.
    pub fn ask(&self, expr: &str, at: TimestampMs) -> Result<Value, String> {
        let answer = self.engine.instant(&self.store, expr, at, &QueryOptions::default());
        answer.map(|answer| answer.value).map_err(|error| error.to_string())
    }
}

fn rules_options(file: &RuleTests, test: &RuleTest, flags: &TestRulesFlags) -> Result<RulesOptions, Vec<String>> {
    let defaults = Defaults { interval: test.interval, ignore_unknown_fields: flags.ignore_unknown_fields, ..Defaults::default() };
    let checkers = serve::environment(&flags.features).checkers;
    let (mut groups, mut errors) = (Vec::new(), Vec::new());
    for path in &file.rule_files {
        match load_with(path, &defaults, &checkers) {
            Ok(read) => groups.extend(read.groups),
            Err(problems) => errors.extend(problems.iter().map(ToString::to_string)),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(RulesOptions {
        groups,
        external_labels: test.external_labels.clone(),
        external_url: test.external_url.clone(),
        limits: RuleTimings::default(),
    })
}
