//! The four groups of the alert-generator compliance suite, evaluated every 30 s in virtual time.

use std::collections::HashMap;
use std::sync::Arc;

use promlet::model::{Alert, Labels};
use promlet::rules::{Query, QueryResult, ResultSample};

use super::bench::{Bench, Steps, alerting, group, options, query, source};
use super::store::Store;

const INTERVAL: i64 = 30;

type LabelPairs<'a> = &'a [(&'a str, &'a str)];
/// A metric's name, labels and values.
type Source<'a> = (&'a str, LabelPairs<'a>, Steps);

/// What a run showed: changes of the active alerts as `(second, states)`, and what was sent when.
struct Run {
    states: Vec<(i64, String)>,
    sent: Vec<(i64, Alert)>,
}

/// Seconds at which an alert was posted, with its end as seconds where it is resolved.
fn posts(alerts: &[(i64, Alert)], name: &str) -> Vec<(i64, bool)> {
    let of_name = alerts.iter().filter(|(_, alert)| alert.name() == name);
    of_name.map(|(at, alert)| (*at, alert.ends_at.0 <= at * 1000)).collect()
}

fn changes(bench: &Bench, until: i64) -> Run {
    let (mut states, mut sent) = (Vec::<(i64, String)>::new(), Vec::new());
    for second in (0..=until).step_by(INTERVAL as usize) {
        sent.extend(bench.evaluate(second).into_iter().map(|alert| (second, alert)));
        let state = bench.active().join(", ");
        if states.last().map_or("", |(_, last)| last) != state {
            states.push((second, state));
        }
    }
    Run { states, sent }
}

fn bench(sources: &[Source<'_>], rules: Vec<promlet::rules::RuleOptions>) -> Bench {
    let store = Store::default();
    let sources: HashMap<_, _> = sources.iter().map(|(name, labels, steps)| source(name, labels, steps)).collect();
    let bench = Bench::restored(store.clone(), query(store, sources));
    bench.groups.apply(options(vec![group("g", rules)]));
    bench
}

/// Every minute from `from` to `to`.
fn minutely(from: i64, to: i64, resolved: bool) -> Vec<(i64, bool)> {
    (from..=to).step_by(60).map(|at| (at, resolved)).collect()
}

#[test]
fn pending_firing_resolved_and_again() {
    const VALUES: Steps = &[(0, 9.0), (120, 11.0), (315, 15.0), (795, 19.0), (1035, 9.0), (1335, 15.0), (2010, 8.0)];
    let annotations = [("description", "The value is {{ $value }} {{ .Value }}"), ("summary", "{{ $labels.foo }}")];
    let rule = alerting("Simple", "m > 10", 360, &[("severity", "page")], &annotations);
    let bench = bench(&[("m", &[("foo", "bar")], VALUES)], vec![rule]);
    let Run { states, sent } = changes(&bench, 2250);

    let pending = "{foo=\"bar\", severity=\"page\"} Pending".to_owned();
    let firing = "{foo=\"bar\", severity=\"page\"} Firing".to_owned();
    let shown =
        [(120, pending.clone()), (480, firing.clone()), (1050, String::new()), (1350, pending), (1710, firing), (2010, String::new())];
    assert_eq!(states, shown);

    let expected =
        [minutely(480, 1020, false), minutely(1050, 1290, true), minutely(1710, 1950, false), minutely(2010, 2250, true)].concat();
    assert_eq!(posts(&sent, "Simple"), expected);
    let text = |alert: &Alert| alert.annotations.get("description").unwrap_or("").to_owned();
    for (second, alert) in &sent {
        let (value, start) = match second {
            0..810 => ("15", 480),
            810..1710 => ("19", 480),
            _ => ("15", 1710),
        };
        assert_eq!(text(alert), format!("The value is {value} {value}"), "at {second}");
        assert_eq!(alert.starts_at.0, start * 1000, "at {second}");
        match second {
            480..=1020 | 1710..=1950 => assert_eq!(alert.ends_at.0, (second + 240) * 1000, "four resend delays after it was sent"),
            1050..=1290 => assert_eq!(alert.ends_at.0, 1_050_000),
            _ => assert_eq!(alert.ends_at.0, 2_010_000),
        }
        assert_eq!(alert.generator_url, "http://promlet:9090/graph?g0.expr=m+%3E+10&g0.tab=1");
    }
    let own = bench.store.points("ALERTS{alertname=\"Simple\", alertstate=\"pending\", foo=\"bar\", severity=\"page\"}");
    assert_eq!(own.first(), Some(&(120, Some(1.0))));
    assert!(own.contains(&(480, None)), "pending ends with a stale marker when it fires");
    let since = bench.store.points("ALERTS_FOR_STATE{alertname=\"Simple\", foo=\"bar\", severity=\"page\"}");
    assert_eq!((since[0], since[30]), ((120, Some(120.0)), (1020, Some(120.0))));
    assert_eq!(since[31], (1050, None));
}

#[test]
fn pending_that_never_fires_is_never_sent() {
    const VALUES: Steps = &[(0, 5.0), (120, 11.0), (285, 9.0)];
    let rules = vec![alerting("Pending", "m > 10", 180, &[], &[]), alerting("Inactive", "m > 99", 180, &[], &[])];
    let bench = bench(&[("m", &[], VALUES)], rules);
    let Run { states, sent } = changes(&bench, 600);
    assert_eq!(states, [(120, "{} Pending".to_owned()), (300, String::new())]);
    assert!(sent.is_empty());
}

#[test]
fn zero_for_and_small_for_with_every_template_function() {
    const VALUES: Steps = &[(0, 5.0), (120, 15.0), (315, 9.0), (1395, 11.0), (1590, 9.0)];
    let functions = "{{humanize 1048576.0}} {{humanize1024 1048576.0}} {{humanizeDuration 135.3563}} {{humanizePercentage 0.959}} {{humanizeTimestamp 1643114203.0}}";
    let strings = "{{title \"this part\"}} {{toUpper \"is testing\"}} {{toLower \"THE STRINGS\"}}. {{stripPort \"[::1]:7815\"}} {{stripPort \"127.0.0.1:7815\"}}. {{if match \"[0-9]+\" \"1234\"}}{{ \"7815\" }}{{end}}. {{reReplaceAll \"localhost:(.*)\" \"replaced $1\" \"localhost:text\"}}. {{- \" .\"}}";
    let queries = "{{define \"x\"}}{{range sortByLabel \"id\" .arg0}}{{.Labels.id}}:{{. | value}},{{end}}{{end}}{{with query \"q\"}}first_id:{{. | sortByLabel \"id\" | first | label \"id\"}},{{template \"x\" (args .)}}{{end}}";
    let annotations = [("functions", functions), ("queries", queries), ("strings", strings)];
    let rules = vec![alerting("Zero", "m > 10", 0, &[], &annotations), alerting("Small", "m > 13", 15, &[], &[])];
    let ids: [Source<'_>; 4] = [
        ("m", &[], VALUES),
        ("q", &[("id", "102")], &[(0, 2.0)]),
        ("q", &[("id", "101")], &[(0, 1.0)]),
        ("q", &[("id", "103")], &[(0, 3.0)]),
    ];
    let bench = bench(&ids, rules);
    let Run { states, sent } = changes(&bench, 2700);
    let both = |a: &str, b: &str| format!("{{}} {a}, {{}} {b}");
    let (one, none) = ("{} Firing".to_owned(), String::new());
    assert_eq!(states, [(120, both("Firing", "Pending")), (150, both("Firing", "Firing")), (330, none.clone()), (1410, one), (1590, none)]);
    // Kept and told for a quarter of an hour after it was resolved.
    let zero = [minutely(120, 300, false), minutely(330, 1230, true), minutely(1410, 1530, false), minutely(1590, 2490, true)].concat();
    assert_eq!(posts(&sent, "Zero"), zero);
    assert_eq!(posts(&sent, "Small"), [minutely(150, 270, false), minutely(330, 1230, true)].concat());
    let texts = &sent[0].1.annotations;
    assert_eq!(texts.get("functions"), Some("1.049M 1Mi 2m 15s 95.9% 2022-01-25 12:36:43 +0000 UTC"));
    assert_eq!(texts.get("strings"), Some("This Part IS TESTING the strings. ::1 127.0.0.1. 7815. replaced text. ."));
    assert_eq!(texts.get("queries"), Some("first_id:101,101:1,102:2,103:3,"));
}

#[test]
fn new_alerts_join_and_the_second_rule_sees_the_first() {
    const ONE: Steps = &[(0, 1.0), (120, 11.0), (1095, 1.0)];
    const TWO: Steps = &[(0, 1.0), (480, 11.0), (975, 1.0)];
    let store = Store::default();
    let sources: HashMap<_, _> = [source("m", &[("foo", "a"), ("n", "1")], ONE), source("m", &[("foo", "b"), ("n", "2")], TWO)].into();
    let plain = query(store.clone(), sources);
    let alerts = store.clone();
    // count(ALERTS{alertname="First", alertstate="firing"}) by (alertstate) == 2
    let query: Query = Arc::new(move |expr, at| {
        if expr != "count" {
            return plain(expr, at);
        }
        let of_first = |labels: &Labels| labels.get("alertname") == Some("First") && labels.get("alertstate") == Some("firing");
        let firing = alerts.now("ALERTS", at).into_iter().filter(|(labels, _)| of_first(labels)).count();
        let labels = Labels::from_pairs([("alertstate", "firing"), ("foo", "query's")]);
        Ok(QueryResult::Vector(if firing == 2 { vec![ResultSample::float(labels, 2.0)] } else { vec![] }))
    });
    let bench = Bench::restored(store, query);
    let second = alerting("Second", "count", 0, &[("foo", "rule's")], &[("text", "{{ $labels.foo }} {{ $value }}")]);
    bench.groups.apply(options(vec![group("g", vec![alerting("First", "m > 10", 180, &[], &[]), second])]));
    let Run { states, sent } = changes(&bench, 1200);
    let (a, b) = (|s: &str| format!("{{foo=\"a\", n=\"1\"}} {s}"), |s: &str| format!("{{foo=\"b\", n=\"2\"}} {s}"));
    let both = "{alertstate=\"firing\", foo=\"rule's\"} Firing".to_owned();
    let expected = [
        (120, a("Pending")),
        (300, a("Firing")),
        (480, [a("Firing"), b("Pending")].join(", ")),
        (660, [a("Firing"), b("Firing"), both].join(", ")),
        (990, a("Firing")),
        (1110, String::new()),
    ];
    assert_eq!(states, expected);
    let second = sent.iter().find(|(_, alert)| alert.name() == "Second").unwrap();
    assert_eq!(second.0, 660, "in the same evaluation");
    assert_eq!(second.1.annotations.get("text"), Some("query's 2"));
}
