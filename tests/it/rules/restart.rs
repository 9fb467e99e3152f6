//! Restarts, reloads, failures and stale markers.

use std::collections::HashMap;
use std::sync::Arc;

use promlet::model::{DurationMs, Labels};
use promlet::rules::view::{AlertState, RuleHealth};
use promlet::rules::{Query, QueryResult, ResultSample, RuleOptions};

use super::bench::{Bench, Steps, alerting, group, options, query, recording, source};
use super::store::Store;

const HIGH: Steps = &[(0, 20.0)];
const MINUTE: i64 = 60;

fn high(store: &Store) -> Query {
    let sources: HashMap<_, _> = [source("m", &[("i", "1")], HIGH)].into();
    query(store.clone(), sources)
}

fn slow_rule() -> RuleOptions {
    alerting("Slow", "m > 10", 30 * MINUTE, &[], &[])
}

/// Minutes at which a fresh process first shows the alert firing, after one that ran until minute `down`.
fn fires_after_restart(down: i64, up: i64) -> i64 {
    let store = Store::default();
    let before = Bench::restored(store.clone(), high(&store));
    before.groups.apply(options(vec![group("g", vec![slow_rule()])]));
    for minute in 0..=down {
        before.evaluate(minute * MINUTE);
    }
    before.groups.stop();
    let after = Bench::new(store.clone(), high(&store));
    after.groups.apply(options(vec![group("g", vec![slow_rule()])]));
    (up..up + 120).find(|minute| !after.evaluate(minute * MINUTE).is_empty()).unwrap()
}

#[test]
fn state_is_restored_after_the_second_evaluation() {
    assert_eq!(fires_after_restart(32, 40), 42, "was firing: fires at the evaluation after the restoring one");
    assert_eq!(fires_after_restart(25, 40), 51, "5 minutes missing: a grace period of 10 after minute 41");
    assert_eq!(fires_after_restart(10, 25), 46, "20 minutes missing at minute 26");
    assert_eq!(fires_after_restart(10, 80), 110, "down longer than the outage tolerance: starts anew at minute 80");
}

#[test]
fn nothing_is_written_before_it_is_restored() {
    let store = Store::default();
    let bench = Bench::new(store.clone(), high(&store));
    bench.groups.apply(options(vec![group("g", vec![slow_rule()])]));
    for second in [0, 30, 60] {
        bench.evaluate(second);
    }
    let points = store.points("ALERTS_FOR_STATE{alertname=\"Slow\", i=\"1\"}");
    assert_eq!(points, [(60, Some(0.0))]);
}

#[test]
fn a_reload_keeps_state_and_ends_what_is_gone() {
    let store = Store::default();
    let bench = Bench::restored(store.clone(), high(&store));
    let rules = vec![slow_rule(), recording("gone", "m", &[]), recording("stays", "m", &[("k", "v")])];
    bench.groups.apply(options(vec![group("g", rules), group("other", vec![recording("far", "m", &[])])]));
    for second in [0, 30] {
        bench.evaluate(second);
    }
    let rules = vec![recording("stays", "m", &[("k", "v")]), alerting("Slow", "m > 11", 30 * MINUTE, &[], &[])];
    bench.groups.apply(options(vec![group("g", rules)]));
    assert_eq!(bench.active(), ["{i=\"1\"} Pending"], "also before the next evaluation");
    for second in [60, 90, 120] {
        bench.evaluate(second);
    }
    let since = store.points("ALERTS_FOR_STATE{alertname=\"Slow\", i=\"1\"}");
    assert_eq!(since.last(), Some(&(120, Some(0.0))), "active since the start, though its expression changed");
    assert_eq!(store.points("gone{i=\"1\"}").last(), Some(&(60, None)));
    assert_eq!(store.points("stays{i=\"1\", k=\"v\"}").last(), Some(&(120, Some(20.0))));
    let far = store.points("far{i=\"1\"}");
    assert_eq!(far, [(0, Some(20.0)), (30, Some(20.0)), (90, None)], "a removed group ends after two intervals");
}

#[test]
fn a_moved_rule_goes_on_without_a_stale_marker() {
    let store = Store::default();
    let bench = Bench::restored(store.clone(), high(&store));
    bench.groups.apply(options(vec![group("old", vec![recording("r", "m", &[])])]));
    bench.evaluate(0);
    bench.groups.apply(options(vec![group("new", vec![recording("r", "m", &[])])]));
    for second in [30, 60, 90] {
        bench.evaluate(second);
    }
    assert!(store.points("r{i=\"1\"}").iter().all(|(_, value)| value.is_some()));
}

#[test]
fn a_failing_rule_keeps_its_alerts_and_says_why() {
    let store = Store::default();
    let works = high(&store);
    let query: Query = Arc::new(move |expr, at| if at.0 == 30_000 { Err("engine down".to_owned()) } else { works(expr, at) });
    let bench = Bench::restored(store.clone(), query);
    bench.groups.apply(options(vec![group("g", vec![alerting("Now", "m > 10", 0, &[], &[])])]));
    assert_eq!(bench.groups.view()[0].rules[0].alerting.as_ref().unwrap().state, AlertState::Unknown);
    bench.evaluate(0);
    bench.evaluate(30);
    let view = bench.groups.view();
    let rule = &view[0].rules[0];
    assert_eq!((rule.health, rule.last_error.as_str()), (RuleHealth::Err, "engine down"));
    assert_eq!(bench.active(), ["{i=\"1\"} Firing"]);
    bench.evaluate(60);
    let view = bench.groups.view();
    assert_eq!((view[0].rules[0].health, view[0].rules[0].last_error.as_str()), (RuleHealth::Ok, ""));
    let failures = bench.registry.counter("prometheus_rule_evaluation_failures_total", "", &[("rule_group", "rules.yml;g")]);
    assert_eq!(failures.get(), 1);
}

#[test]
fn duplicates_after_labels_are_an_error_without_samples() {
    let store = Store::default();
    let two = |name: &str| Labels::from_pairs([("i", name)]);
    let query: Query =
        Arc::new(move |_, _| Ok(QueryResult::Vector(vec![ResultSample::float(two("1"), 1.0), ResultSample::float(two("2"), 1.0)])));
    let bench = Bench::restored(store.clone(), query);
    bench
        .groups
        .apply(options(vec![group("g", vec![alerting("Dup", "x", 0, &[("i", "same")], &[]), recording("dup", "x", &[("i", "same")])])]));
    assert!(bench.evaluate(0).is_empty());
    let view = bench.groups.view();
    assert_eq!(view[0].rules[0].last_error, "vector contains metrics with the same labelset after applying alert labels");
    assert_eq!(view[0].rules[1].last_error, "vector contains metrics with the same labelset after applying rule labels");
    assert!(store.points("dup{i=\"same\"}").is_empty());
}

#[test]
fn a_chain_of_recording_rules_sees_values_of_the_same_tick_and_an_offset_moves_all() {
    let store = Store::default();
    let bench = Bench::restored(store.clone(), high(&store));
    let mut shifted = group("g", vec![recording("a", "m", &[]), recording("b", "a", &[])]);
    shifted.query_offset = DurationMs::seconds(10);
    bench.groups.apply(options(vec![shifted]));
    bench.evaluate(60);
    assert_eq!(store.points("a{i=\"1\"}"), [(50, Some(20.0))]);
    assert_eq!(store.points("b{i=\"1\"}"), [(50, Some(20.0))]);
}

#[test]
fn a_broken_template_becomes_the_text() {
    let store = Store::default();
    let bench = Bench::restored(store.clone(), high(&store));
    let annotations = [("empty", "{{ $labels.absent }}"), ("bad", "{{ $labels.i.x }}"), ("query", "{{ query \"a b\" }}")];
    bench.groups.apply(options(vec![group("g", vec![alerting("T", "m > 10", 0, &[], &annotations)])]));
    let sent = bench.evaluate(0);
    let bad = sent[0].annotations.get("bad").unwrap();
    assert!(bad.starts_with("<error expanding template: error executing template __alert_T: template: __alert_T:1:"), "{bad}");
    assert!(bad.ends_with("executing \"__alert_T\" at <$labels.i.x>: can't evaluate field x in type string>"), "{bad}");
    assert_eq!(sent[0].annotations.get("empty"), Some(""), "it is there all the same");
    let failed = sent[0].annotations.get("query").unwrap();
    assert!(failed.ends_with("executing \"__alert_T\" at <query \"a b\">: error calling query: cannot read a b>"), "{failed}");
}

#[test]
fn templates_see_external_labels_and_alerts_leave_without_them() {
    let store = Store::default();
    let bench = Bench::restored(store.clone(), high(&store));
    let mut with =
        options(vec![group("g", vec![alerting("E", "m > 10", 0, &[], &[("text", "{{ $externalLabels.site }} {{ externalURL }}")])])]);
    with.external_labels = Labels::from_pairs([("i", "outer"), ("site", "home")]);
    bench.groups.apply(with);
    let sent = bench.evaluate(0);
    assert_eq!(sent[0].labels.to_string(), "{alertname=\"E\", i=\"1\"}");
    assert_eq!(sent[0].annotations.get("text"), Some("home http://promlet:9090"));
}
