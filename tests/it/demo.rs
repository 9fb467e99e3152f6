//! What `promlet demo` announces, in virtual time: history, restart, and the shipped rules over the simulated exporters, second by second.

use std::collections::BTreeMap;
use std::sync::Arc;

use promlet::bundled;
use promlet::clock::Clock;
use promlet::config::{Checkers, load_rules};
use promlet::demo::gpus::Gpus;
use promlet::demo::history::{self, Feed, Target};
use promlet::demo::script::EVENTS;
use promlet::demo::trainer::Trainer;
use promlet::model::{DurationMs, Labels, TimestampMs};
use promlet::promql::{Engine, EngineOptions, QueryOptions, Value};
use promlet::rules::options::RuleTimings;
use promlet::rules::view::AlertState;
use promlet::rules::{GroupOptions, QueryResult, ResultSample, RuleGroups, RulesOptions, RulesParts};
use promlet::storage::{GroupKey, GroupSource};
use promlet::telemetry::Registry;
use promlet::tsdb::{CrashingDisk, Tsdb, TsdbOptions};

const START_MS: i64 = 1_700_000_000_000;
/// From the first line to the first scrape.
const FIRST_SCRAPE_SECOND: i64 = 4;
/// A little longer than the script.
const LAST_SECOND: i64 = 300;
/// Every second in truth; less often is as telling, and quicker.
const LIVE_STEP_SECONDS: usize = 3;
/// "Within a few seconds".
const LATE_MAX_SECONDS: i64 = 8;

fn target(job: &str) -> Target {
    let labels = Labels::from_pairs([("job", job), ("instance", "here:1")]);
    Target { key: GroupKey { source: GroupSource::Scrape, name: job.to_owned(), labels: labels.clone() }, labels }
}

fn open(disk: &CrashingDisk, clock: &Clock) -> Arc<Tsdb> {
    let mut options = TsdbOptions::new("data");
    options.no_lockfile = true;
    Arc::new(Tsdb::open(options, Arc::new(disk.clone()), clock.clone(), &Registry::default()).unwrap())
}

fn shipped_rules() -> Vec<GroupOptions> {
    let folder = tempfile::tempdir().unwrap();
    let load = |file: &bundled::File| {
        let path = folder.path().join(file.name);
        std::fs::write(&path, file.text).unwrap();
        load_rules(&path, &Checkers::none()).unwrap().groups
    };
    bundled::RULES.iter().flat_map(load).collect()
}

fn rules(store: &Arc<Tsdb>, clock: &Clock) -> RuleGroups {
    let (engine, read) = (Engine::new(EngineOptions::default(), clock.clone(), &Registry::default()), store.clone());
    let query = move |text: &str, at: TimestampMs| {
        let answer = engine.instant(read.as_ref(), text, at, &QueryOptions::default()).map_err(|error| error.to_string())?;
        let Value::Vector(samples) = answer.value else { return Err("no vector".to_owned()) };
        Ok(QueryResult::Vector(samples.into_iter().map(|s| ResultSample { labels: s.labels, value: s.value }).collect()))
    };
    let groups = RuleGroups::new(RulesParts {
        clock: clock.clone(),
        registry: Registry::default(),
        query: Arc::new(query),
        append: store.clone(),
        select: store.clone(),
        alerts: Arc::new(|_| ()),
    });
    let limits = RuleTimings { for_grace_period: DurationMs::seconds(60), ..RuleTimings::default() };
    groups.apply(RulesOptions { groups: shipped_rules(), limits, ..RulesOptions::default() });
    groups
}

fn evaluate(groups: &RuleGroups, clock: &Clock, second: i64) {
    let at = TimestampMs(START_MS + second * 1000);
    clock.set(at);
    groups.evaluate_all(at);
    for rule in groups.view().iter().flat_map(|group| &group.rules) {
        assert_eq!(rule.last_error, "", "{} at {second} s", rule.name);
    }
}

/// Active alerts and their states, by name and job or agent.
fn active(groups: &RuleGroups) -> BTreeMap<String, AlertState> {
    let mut found = BTreeMap::new();
    for rule in groups.view().iter().flat_map(|group| group.rules.clone()) {
        for alert in rule.alerting.iter().flat_map(|alerting| &alerting.alerts) {
            let of = alert.labels.get("job_id").or_else(|| alert.labels.get("agent_id")).unwrap_or("?");
            found.insert(format!("{} {of}", rule.name), alert.state);
        }
    }
    found
}

/// Second, alert and what became of it, for all that turned pending, fired or was resolved.
fn play() -> Vec<(i64, String, &'static str)> {
    let (disk, clock) = (CrashingDisk::default(), Clock::manual(TimestampMs(START_MS)));
    let (trainer_target, gpu_target) = (target("agentcore-training"), target("gpu"));
    let store = open(&disk, &clock);
    let start = TimestampMs(START_MS);
    let (mut trainer, mut gpus): (Trainer, Gpus) =
        history::write(store.as_ref(), &trainer_target, &gpu_target, start, &|| false).unwrap().expect("nobody stops it");
    let groups = rules(&store, &clock);
    (-1200..0).step_by(15).chain([-1]).for_each(|second| evaluate(&groups, &clock, second));
    groups.stop();
    store.close().unwrap();
    drop((groups, store));

    let store = open(&disk, &clock);
    let groups = rules(&store, &clock);
    let mut feeds = [Feed::open(store.as_ref(), &trainer_target).unwrap(), Feed::open(store.as_ref(), &gpu_target).unwrap()];
    let (mut before, mut seen) = (BTreeMap::new(), Vec::new());
    for second in (FIRST_SCRAPE_SECOND..=LAST_SECOND).step_by(LIVE_STEP_SECONDS) {
        let at = TimestampMs(START_MS + second * 1000);
        trainer.advance(second);
        gpus.advance(LIVE_STEP_SECONDS as i64, trainer.active_jobs());
        feeds[0].row(at, &trainer.families()).unwrap();
        feeds[1].row(at, &gpus.families()).unwrap();
        evaluate(&groups, &clock, second);
        let now = active(&groups);
        for name in now.keys().chain(before.keys()).collect::<std::collections::BTreeSet<_>>() {
            match (before.get(name), now.get(name)) {
                (was, Some(AlertState::Firing)) if was != Some(&AlertState::Firing) => seen.push((second, name.clone(), "fires")),
                (None, Some(AlertState::Pending)) => seen.push((second, name.clone(), "turns pending")),
                (Some(AlertState::Firing), None) => seen.push((second, name.clone(), "is resolved")),
                _ => {}
            }
        }
        before = now;
    }
    seen
}

#[test]
fn every_line_of_the_script_happens_on_time_and_nothing_else() {
    let seen = play();
    let announced = |second: i64, name: &str, what: &str| {
        EVENTS
            .iter()
            .any(|event| event.what.starts_with(&format!("{name} {what}")) && (second - event.at_seconds).abs() <= LATE_MAX_SECONDS)
    };
    for event in &EVENTS {
        let (name, rest) = event.what.split_once(' ').unwrap();
        let happened = seen.iter().any(|(second, of, what)| {
            of.starts_with(name) && rest.starts_with(what) && (second - event.at_seconds).abs() <= LATE_MAX_SECONDS
        });
        assert!(happened, "{} s {}: {seen:?}", event.at_seconds, event.what);
    }
    for (second, of, what) in seen.iter().filter(|(_, _, what)| *what != "turns pending") {
        assert!(announced(*second, of.split_once(' ').unwrap().0, what), "{second} s {of} {what} is not announced: {seen:?}");
    }
    let restored: Vec<&str> =
        seen.iter().filter(|(s, _, what)| *s == FIRST_SCRAPE_SECOND && *what == "turns pending").map(|(_, of, _)| of.as_str()).collect();
    assert!(
        ["HighTrainingFailureRate agent-beta", "SlowTrajectoryGeneration agent-gamma"].iter().all(|of| restored.contains(of)),
        "{seen:?}"
    );
}
