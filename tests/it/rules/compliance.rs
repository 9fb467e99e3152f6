//! The alert-generator compliance suite on a virtual clock: rule files, the engine that serves, samples every 15 s, evaluations every 30 s at
//! several phases, a poll of alerts, rules and `ALERTS` every 30 s, and a sink in Alertmanager's place.
//!
//! What must be seen when, and by how much it may be late, is the suite's: an interval and two round trips; two intervals for the first
//! resolved post. Near a change either state passes. A post that is missing, late, double or not expected fails.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use promlet::app::questions;
use promlet::clock::Clock;
use promlet::commands::serve;
use promlet::config::rules::{Defaults, parse_rules};
use promlet::model::{Alert, DurationMs, Labels, METRIC_NAME, TimestampMs};
use promlet::promql::{Engine, EngineOptions, QueryOptions, Value};
use promlet::rules::view::{AlertState, RuleHealth};
use promlet::rules::{RuleGroups, RulesOptions, RulesParts};
use promlet::storage::memory::MemoryStore;
use promlet::storage::{Append, GroupKey, GroupSource, Row};
use promlet::telemetry::Registry;
use promlet::yaml::Source;

const SCRAPE: i64 = 15;
const INTERVAL: i64 = 30;
const RESEND: i64 = 60;
const ROUND_TRIP: i64 = 5;
const LATE: i64 = INTERVAL + 2 * ROUND_TRIP;
const KEPT_RESOLVED: i64 = 15 * 60;

/// What an alert is from a second on; the value is what its annotations say.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Is {
    Inactive,
    Pending(f64),
    Firing(f64),
}

/// One alert of a case.
struct Timeline {
    rule: &'static str,
    /// Beside `alertname`.
    labels: &'static [(&'static str, &'static str)],
    is: &'static [(i64, Is)],
}

/// Series, and from which second on each has which value.
type Samples = &'static [(&'static str, &'static [(&'static str, &'static str)], &'static [(i64, f64)])];

struct Case {
    rules: &'static str,
    samples: Samples,
    until: i64,
    alerts: &'static [Timeline],
}

/// By rule and labels: state and description.
type Poll = BTreeMap<String, (AlertState, String)>;

/// Everything that one run showed.
#[derive(Default)]
struct Shown {
    polls: Vec<(i64, Poll)>,
    /// `ALERTS` at each poll: rule and labels, with the state.
    series: Vec<(i64, BTreeSet<String>)>,
    posts: Vec<(i64, Alert)>,
    healthy: bool,
}

fn name_of(rule: &str, labels: &Labels) -> String {
    format!("{rule}{}", labels.without(&["alertname"]))
}

impl Case {
    fn run(&self, phase: i64, written_at: i64) -> Shown {
        let (clock, store, sink) = (Clock::manual(TimestampMs(0)), MemoryStore::default(), Arc::new(Mutex::new(Vec::new())));
        let engine =
            Arc::new(Engine::new(EngineOptions { cache_bytes: 0, ..EngineOptions::default() }, Clock::system(), &Registry::default()));
        let inbox: Arc<Mutex<Vec<Alert>>> = sink.clone();
        let groups = RuleGroups::new(RulesParts {
            clock: clock.clone(),
            registry: Registry::default(),
            query: questions::for_rules(Arc::new(ArcSwap::from(engine.clone())), Arc::new(store.clone()), Arc::new(|| None)),
            append: Arc::new(store.clone()),
            select: Arc::new(store.clone()),
            alerts: Arc::new(move |alerts| inbox.lock().unwrap().extend(alerts)),
        });
        groups.apply(RulesOptions::default());
        let defaults = Defaults { interval: DurationMs::seconds(INTERVAL), ..Defaults::default() };
        let source = Source::new("rules.yml", self.rules);
        let read = parse_rules(&source, "rules.yml".as_ref(), &defaults, &serve::environment(&[]).checkers);
        groups.apply(RulesOptions { groups: read.unwrap_or_else(|p| panic!("{}", p[0])).groups, ..RulesOptions::default() });
        let mut writer = store.writer(&GroupKey { source: GroupSource::Push, name: String::new(), labels: Labels::empty() }).unwrap();
        let mut shown = Shown { healthy: true, ..Shown::default() };
        for second in 0..=self.until {
            clock.set(TimestampMs(second * 1000));
            if second % SCRAPE == written_at {
                let mut row = Row::new(TimestampMs((second - written_at) * 1000));
                for (name, labels, values) in self.samples {
                    let labels = Labels::from_pairs(labels.iter().copied().chain([(METRIC_NAME, *name)]));
                    if let Some((_, value)) = values.iter().rev().find(|(from, _)| *from <= second - written_at) {
                        row.push(writer.column(&labels).unwrap(), *value);
                    }
                }
                writer.commit(&row).unwrap();
            }
            if second % INTERVAL == phase {
                groups.evaluate_all(TimestampMs(second * 1000));
                shown.posts.extend(sink.lock().unwrap().drain(..).map(|alert: Alert| (second, alert)));
            }
            if second % INTERVAL == 2 {
                shown.poll(second, &groups, &engine, &store);
            }
        }
        shown
    }
}

impl Shown {
    fn poll(&mut self, second: i64, groups: &RuleGroups, engine: &Engine, store: &MemoryStore) {
        let mut seen = BTreeMap::new();
        for rule in groups.view().iter().flat_map(|group| &group.rules) {
            self.healthy &= rule.health != RuleHealth::Err;
            for alert in &rule.alerting.as_ref().unwrap().alerts {
                let description = alert.annotations.get("description").unwrap_or("").to_owned();
                seen.insert(name_of(&rule.name, &alert.labels), (alert.state, description));
            }
        }
        self.polls.push((second, seen));
        let at = TimestampMs(second * 1000);
        let Value::Vector(samples) = engine.instant(store, "ALERTS", at, &QueryOptions::default()).unwrap().value else { panic!() };
        let state = |labels: &Labels| {
            let rule = labels.get("alertname").unwrap();
            // A label of that name that the alert has itself is lost in the series.
            let word = labels.get("alertstate").unwrap();
            format!("{} {word}", name_of(rule, &labels.without(&[METRIC_NAME, "alertstate"])))
        };
        self.series.push((second, samples.iter().map(|sample| state(&sample.labels)).collect()));
    }
}

impl Timeline {
    fn name(&self) -> String {
        name_of(self.rule, &Labels::from_pairs(self.labels.iter().copied()))
    }

    /// What it may be at a second: what it was at some moment within the tolerance.
    fn may_be(&self, second: i64) -> Vec<Is> {
        let at = |second: i64| self.is.iter().rev().find(|(from, _)| *from <= second).map_or(Is::Inactive, |(_, is)| *is);
        let mut may = vec![at(second - LATE)];
        may.extend(self.is.iter().filter(|(from, _)| (second - LATE..=second).contains(from)).map(|(_, is)| *is));
        may
    }

    /// Beginnings and ends of its firing, with the second from which resolved posts must have ceased.
    fn firings(&self, until: i64) -> Vec<(i64, i64, i64)> {
        let mut found: Vec<(i64, i64, i64)> = Vec::new();
        let mut firing = None;
        for (from, is) in self.is {
            match (is, firing) {
                (Is::Firing(_), None) => firing = Some(*from),
                (Is::Firing(_), Some(_)) => {}
                (_, Some(began)) => {
                    found.push((began, *from, from + KEPT_RESOLVED));
                    firing = None;
                }
                (_, None) => {}
            }
            if let (Is::Pending(_) | Is::Firing(_), Some(last)) = (is, found.last_mut())
                && firing.is_none_or(|began| began == *from)
            {
                last.2 = last.2.min(*from);
            }
        }
        found.extend(firing.map(|began| (began, until, until)));
        found
    }

    fn judge_states(&self, shown: &Shown, wrong: &mut Vec<String>) {
        let name = self.name();
        let in_series = name_of(self.rule, &Labels::from_pairs(self.labels.iter().copied()).without(&["alertstate"]));
        for ((second, seen), (_, series)) in shown.polls.iter().zip(&shown.series) {
            let (is, may) = (seen.get(&name), self.may_be(*second));
            let fits = |expected: &Is| match (expected, is) {
                (Is::Inactive, None) => true,
                (Is::Pending(value), Some((AlertState::Pending, text))) => *text == format!("The value is {value} {value}"),
                (Is::Firing(value), Some((AlertState::Firing, text))) => *text == format!("The value is {value} {value}"),
                _ => false,
            };
            if !may.iter().any(fits) {
                wrong.push(format!("{second}: {name} is {is:?}, and may be {may:?}"));
            }
            let word = |is: &Is| match is {
                Is::Inactive => None,
                Is::Pending(_) => Some(format!("{in_series} pending")),
                Is::Firing(_) => Some(format!("{in_series} firing")),
            };
            let of_it: Vec<&String> = series.iter().filter(|one| one.rsplit_once(' ').is_some_and(|(of, _)| of == in_series)).collect();
            let fits = |expected: &Is| word(expected).iter().collect::<Vec<_>>() == of_it;
            if !may.iter().any(fits) {
                wrong.push(format!("{second}: ALERTS has {of_it:?}, and may have {may:?}"));
            }
        }
    }

    fn judge_posts(&self, shown: &Shown, until: i64, wrong: &mut Vec<String>) {
        let name = self.name();
        let is_ours = |alert: &Alert| name_of(alert.name(), &alert.labels) == name;
        let mut posts = shown.posts.iter().filter(|(_, alert)| is_ours(alert)).peekable();
        for (began, ended, silent) in self.firings(until) {
            let (mut last, mut starts_at) = (None::<i64>, None);
            while let Some((second, alert)) = posts.next_if(|(second, alert)| alert.ends_at.0 > second * 1000) {
                let due = last.map_or(began..=began + LATE, |last| last + RESEND..=last + RESEND + LATE);
                let lasts = alert.ends_at.0 / 1000 - second;
                let starts = alert.starts_at.0 / 1000;
                if !due.contains(second) || *second > ended + LATE || !(began..=began + LATE).contains(&starts) || lasts != 4 * RESEND {
                    wrong.push(format!("{second}: {name} fires, due {due:?}, from {starts}, for {lasts} s"));
                }
                if starts_at.is_some_and(|before| before != starts) {
                    wrong.push(format!("{second}: {name} has another start"));
                }
                (last, starts_at) = (Some(*second), Some(starts));
            }
            if last.is_none_or(|last| last + RESEND + LATE < ended.min(until - LATE)) {
                wrong.push(format!("{name} fires from {began} to {ended}; the last post was at {last:?}"));
            }
            if ended >= until {
                continue;
            }
            let mut last = None::<i64>;
            while let Some((second, alert)) = posts.next_if(|(second, alert)| alert.ends_at.0 <= second * 1000 && *second <= silent + LATE)
            {
                let due = last.map_or(ended..=ended + 2 * INTERVAL + 2 * ROUND_TRIP, |last| last + RESEND..=last + RESEND + LATE);
                let end = alert.ends_at.0 / 1000;
                if !due.contains(second) || !(ended..=ended + LATE).contains(&end) {
                    wrong.push(format!("{second}: {name} is resolved, due {due:?}, with the end {end}"));
                }
                last = Some(*second);
            }
            if last.is_none_or(|last| last + RESEND + LATE < silent.min(until - LATE)) {
                wrong.push(format!("{name} is resolved from {ended}, told until {silent}; the last post was at {last:?}"));
            }
        }
        wrong.extend(posts.map(|(second, alert)| format!("{second}: nothing was expected of {name}, ends at {}", alert.ends_at.0 / 1000)));
    }
}

/// Runs a case at several phases of evaluation and writing.
fn judge(case: &Case) {
    for (phase, written_at) in [(0, 0), (7, 1), (15, 14), (22, 3), (29, 9)] {
        let shown = case.run(phase, written_at);
        let mut wrong = Vec::new();
        for alert in case.alerts {
            alert.judge_states(&shown, &mut wrong);
            alert.judge_posts(&shown, case.until, &mut wrong);
        }
        let names: BTreeSet<String> = case.alerts.iter().map(Timeline::name).collect();
        let foreign = shown.posts.iter().map(|(_, alert)| name_of(alert.name(), &alert.labels)).filter(|name| !names.contains(name));
        wrong.extend(foreign.map(|name| format!("nobody expects {name}")));
        let unknown = shown.polls.iter().flat_map(|(_, seen)| seen.keys()).filter(|name| !names.contains(*name));
        wrong.extend(unknown.map(|name| format!("nobody expects to see {name}")));
        assert!(shown.healthy && wrong.is_empty(), "evaluated at +{phase} s, written at +{written_at} s:\n{}", wrong.join("\n"));
    }
}

use Is::{Firing, Inactive, Pending};

#[test]
fn pending_and_firing_and_resolved() {
    judge(&Case {
        rules: r#"
groups:
  - name: PendingAndFiringAndResolved
    rules:
      - alert: PendingAndFiringAndResolved_SimpleAlert
        expr: m{rulegroup="PendingAndFiringAndResolved"} > 10
        for: 6m
        labels: {foo: bar, rulegroup: PendingAndFiringAndResolved}
        annotations: {description: "The value is {{ $value }} {{ .Value }}", link: "{{ $expr := \"m\" }}{{ graphLink $expr }}"}
"#,
        samples: &[(
            "m",
            &[("rulegroup", "PendingAndFiringAndResolved")],
            &[(0, 9.0), (120, 11.0), (315, 15.0), (795, 19.0), (1035, 9.0), (1335, 15.0), (2010, 8.0)],
        )],
        until: 2250,
        alerts: &[Timeline {
            rule: "PendingAndFiringAndResolved_SimpleAlert",
            labels: &[("foo", "bar"), ("rulegroup", "PendingAndFiringAndResolved")],
            is: &[
                (120, Pending(11.0)),
                (315, Pending(15.0)),
                (480, Firing(15.0)),
                (795, Firing(19.0)),
                (1035, Inactive),
                (1335, Pending(15.0)),
                (1695, Firing(15.0)),
                (2010, Inactive),
            ],
        }],
    });
}

#[test]
fn pending_and_resolved_and_always_inactive() {
    judge(&Case {
        rules: r#"
groups:
  - name: PendingAndResolved_AlwaysInactive
    rules:
      - {alert: PendingAndResolved, expr: m > 10, for: 3m, annotations: {description: "The value is {{ $value }} {{ .Value }}"}}
      - {alert: AlwaysInactive, expr: m > 99, for: 3m, annotations: {description: "The value is {{ $value }} {{ .Value }}"}}
"#,
        samples: &[("m", &[], &[(0, 5.0), (120, 11.0), (285, 9.0)])],
        until: 700,
        alerts: &[
            Timeline { rule: "PendingAndResolved", labels: &[], is: &[(120, Pending(11.0)), (285, Inactive)] },
            Timeline { rule: "AlwaysInactive", labels: &[], is: &[] },
        ],
    });
}

#[test]
fn zero_for_and_small_for() {
    judge(&Case {
        rules: r#"
groups:
  - name: ZeroFor_SmallFor
    rules:
      - {alert: ZeroFor, expr: m > 10, annotations: {description: "The value is {{ $value }} {{ .Value }}"}}
      - {alert: SmallFor, expr: m > 13, for: 15s, annotations: {description: "The value is {{ $value }} {{ .Value }}"}}
"#,
        samples: &[("m", &[], &[(0, 5.0), (120, 15.0), (315, 9.0), (1395, 11.0), (1590, 9.0)])],
        until: 2700,
        alerts: &[
            Timeline { rule: "ZeroFor", labels: &[], is: &[(120, Firing(15.0)), (315, Inactive), (1395, Firing(11.0)), (1590, Inactive)] },
            // It fires at the next evaluation.
            Timeline { rule: "SmallFor", labels: &[], is: &[(120, Pending(15.0)), (150, Firing(15.0)), (315, Inactive)] },
        ],
    });
}

#[test]
fn new_alerts_and_order() {
    judge(&Case {
        rules: r#"
groups:
  - name: NewAlerts_OrderCheck
    rules:
      - {alert: Rule1, expr: m > 10, for: 3m, annotations: {description: "The value is {{ $value }} {{ .Value }}"}}
      - alert: Rule2
        expr: label_replace(sum by (alertstate) (ALERTS{alertname="Rule1", alertstate="firing"}), "foo", "query", "", "") == 2
        labels: {foo: bar}
        annotations: {description: "The value is {{ $value }} {{ .Value }}", ba_dum: "{{ $labels.foo }}"}
"#,
        samples: &[
            ("m", &[("variant", "one")], &[(0, 5.0), (120, 11.0), (1095, 8.0)]),
            ("m", &[("variant", "two")], &[(0, 5.0), (480, 11.0), (975, 8.0)]),
        ],
        until: 2100,
        alerts: &[
            Timeline { rule: "Rule1", labels: &[("variant", "one")], is: &[(120, Pending(11.0)), (300, Firing(11.0)), (1095, Inactive)] },
            Timeline { rule: "Rule1", labels: &[("variant", "two")], is: &[(480, Pending(11.0)), (660, Firing(11.0)), (975, Inactive)] },
            Timeline { rule: "Rule2", labels: &[("alertstate", "firing"), ("foo", "bar")], is: &[(660, Firing(2.0)), (975, Inactive)] },
        ],
    });
}

#[test]
fn labels_that_become_equal_are_an_error_and_no_alert() {
    let case = Case {
        rules: "groups: [{name: g, rules: [{alert: Same, expr: m > 10, labels: {variant: one}}]}]",
        samples: &[("m", &[("variant", "one")], &[(0, 11.0)]), ("m", &[("variant", "two")], &[(0, 11.0)])],
        until: 300,
        alerts: &[],
    };
    let shown = case.run(0, 0);
    assert!(!shown.healthy && shown.posts.is_empty());
    assert!(shown.polls.iter().all(|(_, seen)| seen.is_empty()) && shown.series.iter().all(|(_, series)| series.is_empty()));
}
