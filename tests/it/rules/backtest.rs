//! `promlet rules backtest`: what it says of a stored history is what the rules, evaluated moment by moment on the same samples, did.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use promlet::app::questions;
use promlet::clock::Clock;
use promlet::commands::http_flags::HttpFlags;
use promlet::commands::rules_backtest::{BacktestFlags, Format, backtest};
use promlet::commands::serve;
use promlet::config::load_rules;
use promlet::model::{DurationMs, Labels, STALE_NAN, TimestampMs};
use promlet::promql::{Engine, EngineOptions};
use promlet::rules::options::RuleTimings;
use promlet::rules::schedule::Schedule;
use promlet::rules::view::AlertState;
use promlet::rules::{RuleGroups, RulesOptions, RulesParts};
use promlet::storage::memory::MemoryStore;
use promlet::storage::{Append, GroupKey, GroupSource, Row};
use promlet::telemetry::Registry;
use promlet::tsdb::{RealDisk, Tsdb, TsdbOptions};
use serde_json::Value as Json;

const BEGIN: i64 = 1_700_000_000_000;
const HOURS: i64 = 12;
const STEP: i64 = 15_000;

const RULES: &str = r#"
groups:
  - name: records
    interval: 30s
    rules:
      - {record: "gpu:temp:avg5m", expr: "avg_over_time(gpu_temp[5m])"}
      - {record: "gpu:hot", expr: "gpu:temp:avg5m > 60"}
  - name: alerts
    interval: 30s
    limit: 50
    rules:
      - {alert: Hot, expr: "gpu_temp > 80", for: 2m, labels: {severity: page}, annotations: {summary: "{{ $value }}"}}
      - {alert: HotAverage, expr: "gpu:temp:avg5m > 70", for: 1m, labels: {severity: "{{ if gt $value 75.0 }}page{{ else }}ticket{{ end }}"}}
      - {alert: HotAndBusy, expr: "gpu:hot and on (gpu) gpu_busy > 0.5"}
      - {alert: Gone, expr: "absent(gpu_busy{gpu=\"1\"})", for: 1m, keep_firing_for: 5m}
      - {alert: Many, expr: "count(ALERTS{alertname=~\"Hot|Gone\", alertstate=\"firing\"}) > 1"}
      - {alert: Errors, expr: "rate(errors_total[10m]) > 0.01 and rate(errors_total[1h]) > 0"}
      - {alert: Relative, expr: "gpu_temp > 1.2 * scalar(avg(gpu:temp:avg5m offset 10m))"}
      - {alert: Never, expr: "gpu_temp > 1000"}
      - {alert: Always, expr: "vector(1)"}
      - {alert: NoSeries, expr: "nothing_here > 0"}
  - name: knots
    interval: 1m
    rules:
      - {record: "early", expr: "late or vector(0)"}
      - {record: "late", expr: "sum(gpu_temp > 50) or vector(1)"}
      - {record: "steps", expr: "(steps or vector(0)) + 1"}
      - {alert: Knot, expr: "early != late and steps % 7 > 3"}
      - {alert: Fails, expr: "gpu_busy * on () group_left gpu_temp"}
"#;

/// Three GPUs that are hot at times, one of which is away for an hour, and a counter that moves now and then.
fn fill(append: &dyn Append) {
    let mut writer = append.writer(&GroupKey { source: GroupSource::Push, name: "t".to_owned(), labels: Labels::empty() }).unwrap();
    let mut column = |name: &str, gpu: &str| writer.column(&Labels::from_pairs([("__name__", name), ("gpu", gpu)])).unwrap();
    let temps: Vec<_> = ["0", "1", "2"].iter().map(|gpu| column("gpu_temp", gpu)).collect();
    let busy: Vec<_> = ["0", "1", "2"].iter().map(|gpu| column("gpu_busy", gpu)).collect();
    let errors = column("errors_total", "0");
    let mut count = 0.0;
    for row in 0..HOURS * 3_600_000 / STEP {
        let mut cells = Row::new(TimestampMs(BEGIN + row * STEP));
        let away = (1200..1440).contains(&row);
        for (gpu, (temp, busy)) in temps.iter().zip(&busy).enumerate() {
            let phase = row as f64 / (60.0 + 37.0 * gpu as f64);
            if gpu == 1 && away {
                if row == 1200 {
                    cells.push(*busy, STALE_NAN);
                    cells.push(*temp, STALE_NAN);
                }
                continue;
            }
            cells.push(*temp, (65.0 + 25.0 * phase.sin() + ((row * 7919) % 13) as f64 / 2.0).round());
            cells.push(*busy, f64::from(u8::from((row / 50 + gpu as i64) % 3 == 0)));
        }
        if row % 397 < 9 {
            count += 1.0;
        }
        cells.push(errors, count);
        writer.commit(&cells).unwrap();
    }
}

fn flags(folder: &Path, extra: impl FnOnce(&mut BacktestFlags)) -> BacktestFlags {
    let mut flags = BacktestFlags {
        files: vec![folder.join("rules.yml")],
        since: DurationMs::seconds(10 * 3600),
        until: Some(TimestampMs(BEGIN + HOURS * 3_600_000)),
        step: None,
        url: String::new(),
        http: HttpFlags::default(),
        data: Some(folder.join("data")),
        config_file: None,
        alertmanager: None,
        format: Format::Json,
        features: Vec::new(),
    };
    extra(&mut flags);
    flags
}

/// A folder with rules, and with a data folder that has the samples.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    let options = TsdbOptions { retention_time: DurationMs(i64::MAX / 4), ..TsdbOptions::new(folder.path().join("data")) };
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let clock = Clock::manual(TimestampMs(BEGIN + HOURS * 3_600_000));
    let store = Tsdb::open(options, Arc::new(RealDisk), clock, &Registry::default()).unwrap();
    fill(&store);
    store.close().unwrap();
    folder
}

fn report(flags: &BacktestFlags) -> Json {
    serde_json::to_value(backtest(flags, &Clock::system()).unwrap()).unwrap()
}

fn rule<'j>(report: &'j Json, name: &str) -> &'j Json {
    report["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == name).unwrap()
}

/// `labels pending fired resolved` of each firing, by rule.
type Firings = BTreeMap<String, Vec<String>>;

fn seconds(text: &Json) -> i64 {
    text.as_str().map_or(-1, |text| text.parse::<jiff::Timestamp>().unwrap().as_millisecond() / 1000 - BEGIN / 1000)
}

fn firings(report: &Json) -> Firings {
    let mut found = Firings::new();
    for rule in report["rules"].as_array().unwrap().iter().filter(|rule| rule["alert"].is_object()) {
        let told = rule["alert"]["episodes"].as_array().unwrap().iter().map(|one| {
            let labels: Vec<String> = one["labels"].as_object().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
            let [pending, fired, resolved] = ["pendingSince", "firedAt", "resolvedAt"].map(|key| seconds(&one[key]));
            format!("{} {pending} {fired} {resolved}", labels.join(","))
        });
        let mut told: Vec<String> = told.collect();
        told.sort();
        found.insert(rule["name"].as_str().unwrap().to_owned(), told);
    }
    found
}

/// The same rules in the same engine, group by group and moment by moment, with instant queries over one store.
fn moment_by_moment(file: &Path, start: TimestampMs, from: TimestampMs, to: TimestampMs) -> Firings {
    let store = MemoryStore::default();
    fill(&store);
    let clock = Clock::manual(start);
    let engine = Engine::new(EngineOptions { cache_bytes: 0, ..EngineOptions::default() }, Clock::system(), &Registry::default());
    let parts = RulesParts {
        clock: clock.clone(),
        registry: Registry::default(),
        query: questions::for_rules(Arc::new(ArcSwap::from_pointee(engine)), Arc::new(store.clone()), Arc::new(|| None)),
        append: Arc::new(store.clone()),
        select: Arc::new(store),
        alerts: Arc::new(|_| {}),
    };
    let groups = RuleGroups::new(parts);
    groups.apply(RulesOptions::default());
    let options = load_rules(file, &serve::environment(&[]).checkers).unwrap().groups;
    groups.apply(RulesOptions { groups: options.clone(), limits: RuleTimings::default(), ..RulesOptions::default() });
    let mut moments = Vec::new();
    for group in &options {
        let schedule = Schedule::new(&group.file, &group.name, group.interval);
        let mut at = schedule.tick_before(start);
        while at <= to {
            if at >= start {
                moments.push((at, group));
            }
            at = at + group.interval;
        }
    }
    moments.sort_by_key(|(at, _)| *at);
    let mut open: BTreeMap<(String, Labels), (i64, i64)> = BTreeMap::new();
    let mut found: Firings = options.iter().flat_map(|g| g.rules.iter().filter_map(alert_name)).map(|name| (name, Vec::new())).collect();
    let mut tell = |name: &str, labels: &Labels, (pending, fired): (i64, i64), resolved: i64| {
        let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        found.get_mut(name).unwrap().push(format!("{} {pending} {fired} {resolved}", pairs.join(",")));
    };
    let since = |at: TimestampMs| (at.0 - BEGIN) / 1000;
    for (at, group) in moments {
        clock.set(at);
        groups.evaluate_group(&group.file, &group.name, at);
        let view = groups.view().into_iter().find(|view| view.name == group.name).unwrap();
        for rule in view.rules {
            let Some(alerting) = rule.alerting else { continue };
            let firing: Vec<_> = alerting.alerts.iter().filter(|alert| alert.state == AlertState::Firing).collect();
            for alert in &firing {
                open.entry((rule.name.clone(), alert.labels.clone())).or_insert((since(alert.active_at), since(at)));
            }
            let ended: Vec<_> = open
                .keys()
                .filter(|(name, labels)| *name == rule.name && !firing.iter().any(|one| one.labels == *labels))
                .cloned()
                .collect();
            for key in ended {
                let times = open.remove(&key).unwrap();
                if at >= from {
                    tell(&key.0, &key.1, times, since(at));
                }
            }
        }
    }
    for ((name, labels), times) in open {
        tell(&name, &labels, times, -1);
    }
    found.values_mut().for_each(|told| told.sort());
    found
}

fn alert_name(rule: &promlet::rules::RuleOptions) -> Option<String> {
    match rule {
        promlet::rules::RuleOptions::Alerting { alert, .. } => Some(alert.clone()),
        promlet::rules::RuleOptions::Recording { .. } => None,
    }
}

#[test]
fn ranges_tell_what_evaluation_moment_by_moment_did() {
    let folder = folder();
    let flags = flags(folder.path(), |_| {});
    let told = backtest(&flags, &Clock::system()).unwrap();
    let window = told.window;
    let told = serde_json::to_value(told).unwrap();
    let (backtested, lived) = (firings(&told), moment_by_moment(&flags.files[0], window.start, window.from, window.to));
    for (name, lived) in &lived {
        assert_eq!(backtested[name], *lived, "{name}");
    }
    for name in ["Hot", "HotAverage", "HotAndBusy", "Gone", "Many", "Errors", "Relative", "Knot"] {
        assert!(lived[name].len() >= 2 || name == "Gone", "{name} is to fire: {:?}", lived[name]);
    }
    assert_eq!(lived["Gone"].len(), 1);
}

#[test]
fn the_report_says_what_never_fired_what_always_does_and_what_reads_nothing() {
    let folder = folder();
    let told = report(&flags(folder.path(), |_| {}));
    assert_eq!(told["neverFired"], serde_json::json!(["Never", "NoSeries", "Fails"]));
    assert_eq!(told["alwaysFiring"], serde_json::json!(["Always"]));
    assert_eq!(told["withoutSeries"], serde_json::json!(["NoSeries"]));
    assert_eq!(rule(&told, "NoSeries")["missing"], serde_json::json!(["nothing_here"]));
    let hot = &rule(&told, "Hot")["alert"];
    assert_eq!(hot["threshold"], "> 80");
    let peaks = hot["episodes"].as_array().unwrap().iter().map(|one| one["peak"].as_str().unwrap().parse::<f64>().unwrap());
    assert!(peaks.clone().count() > 3 && peaks.clone().all(|peak| peak > 80.0 && peak <= 96.0), "{:?}", peaks.collect::<Vec<_>>());
    let fails = rule(&told, "Fails");
    assert!(fails["failed"].as_u64().unwrap() >= 600, "{fails}");
    assert!(fails["firstError"].as_str().unwrap().contains("many-to-many"), "{fails}");
    assert_eq!(rule(&told, "gpu:temp:avg5m")["seriesMax"], 3);
    assert!(told["historyBegins"].is_null(), "{}", told["historyBegins"]);
    assert!(told["receivers"].as_array().unwrap().is_empty());
}

#[test]
fn a_history_that_is_too_short_is_said_and_a_longer_step_holds() {
    let folder = folder();
    let told = report(&flags(folder.path(), |flags| {
        flags.since = DurationMs::seconds(48 * 3600);
        flags.step = Some(DurationMs::seconds(120));
    }));
    let begins = seconds(&told["historyBegins"]);
    assert!((0..=720).contains(&begins), "{begins}");
    assert!(told["notes"][0].as_str().unwrap().starts_with("the history does not reach back to 2023-11-1"), "{}", told["notes"]);
    assert_eq!(rule(&told, "Hot")["intervalSeconds"], 120.0);
    let error = backtest(&flags(folder.path(), |flags| flags.step = Some(DurationMs(1))), &Clock::system()).err().unwrap();
    assert!(error.contains("more than the limit of 5000000") && error.contains("--step"), "{error}");
    let error = backtest(&flags(folder.path(), |flags| flags.data = Some(folder.path().join("none"))), &Clock::system()).err().unwrap();
    assert!(error.contains("no such data folder"), "{error}");
}

const ROUTES: &str = r##"
route:
  receiver: all
  group_by: [alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 1h
  routes:
    - {receiver: pager, matchers: [severity="page"]}
receivers:
  - name: all
    webhook_configs: [{url: "http://127.0.0.1:9/all"}]
  - name: pager
    slack_configs: [{api_url: "http://127.0.0.1:9/slack", channel: "#ops"}]
    webhook_configs: [{url: "http://127.0.0.1:9/page"}]
  - name: unused
    webhook_configs: [{url: "http://127.0.0.1:9/unused"}]
inhibit_rules:
  - {source_matchers: [alertname="Always"], target_matchers: [alertname="Errors"]}
"##;

#[test]
fn routes_tell_whom_it_would_have_reached() {
    let folder = folder();
    let routes = folder.path().join("alertmanager.yml");
    std::fs::write(&routes, ROUTES).unwrap();
    let told = report(&flags(folder.path(), |flags| flags.alertmanager = Some(routes)));
    let heard = |receiver: &str, integration: &str| {
        let all = told["receivers"].as_array().unwrap().iter();
        all.clone().find(|one| one["receiver"] == receiver && one["integration"] == integration).unwrap().clone()
    };
    assert_eq!(heard("unused", "webhook[0]")["messages"], 0);
    let sent = |wanted: &dyn Fn(&Json) -> bool| told["notifications"].as_array().unwrap().iter().filter(|one| wanted(one)).count();
    let about = |name: &str| sent(&|one| one["groupLabels"]["alertname"] == name);
    assert_eq!(about("Errors"), 0, "inhibited");
    // It fired before the window and fires on: only repeats, one an hour.
    assert_eq!(sent(&|one| one["groupLabels"]["alertname"] == "Always" && one["reason"] == "repeat interval elapsed"), about("Always"));
    assert!((9..=10).contains(&about("Always")), "{}", about("Always"));
    assert!(sent(&|one| one["groupLabels"]["alertname"] == "Hot" && one["receiver"] == "pager") > 3);
    assert_eq!(sent(&|one| one["integration"] == "slack[0]" && one["status"] == "resolved"), 0, "Slack says nothing of ends by default");
    assert!(sent(&|one| one["receiver"] == "pager" && one["integration"] == "webhook[0]" && one["status"] == "resolved") > 2);
    let page = heard("pager", "webhook[0]");
    let reasons: u64 = page["byReason"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(page["messages"].as_u64().unwrap(), reasons);
    assert_eq!(page["messages"].as_u64().unwrap() as usize, sent(&|one| one["receiver"] == "pager" && one["integration"] == "webhook[0]"));
}
