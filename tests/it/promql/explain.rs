//! Why an answer is empty: `tests/promql/explain.tsv` holds a query, the time in seconds (or start-end:step), the part that is named,
//! the reason, and its text, with further parts behind bars.

use std::sync::Arc;

use promlet::clock::Clock;
use promlet::model::histogram::BucketSpan;
use promlet::model::{DurationMs, Histogram, Labels, Metadata, MetricType, TimestampMs, Value};
use promlet::promql::{Engine, EngineOptions, Features, Moment, QueryOptions};
use promlet::storage::memory::MemoryStore;
use promlet::storage::{Append, Cell, GroupKey, GroupSource, Row};
use promlet::telemetry::Registry;

/// Name and labels, first and last second; a value every 15 s.
type Series = (&'static [(&'static str, &'static str)], i64, i64, f64);

const SERIES: [Series; 26] = [
    (&[("__name__", "up"), ("job", "api"), ("instance", "a")], 0, 1200, 1.0),
    (&[("__name__", "up"), ("job", "api"), ("instance", "b")], 0, 1200, 1.0),
    (&[("__name__", "up"), ("job", "db"), ("instance", "c")], 0, 1200, 0.0),
    (&[("__name__", "requests_total"), ("job", "api"), ("host", "a")], 0, 1200, 7.0),
    (&[("__name__", "requests_total"), ("job", "api"), ("host", "b")], 0, 1200, 7.0),
    (&[("__name__", "batch_seconds"), ("job", "batch")], 0, 300, 3.0),
    (&[("__name__", "late_seconds"), ("job", "batch")], 900, 1200, 3.0),
    (&[("__name__", "temperature"), ("room", "x")], 0, 1200, 21.5),
    (&[("__name__", "latency_bucket"), ("host", "a"), ("le", "0.1")], 0, 1200, 1.0),
    (&[("__name__", "latency_bucket"), ("host", "a"), ("le", "1")], 0, 1200, 2.0),
    (&[("__name__", "latency_bucket"), ("host", "a"), ("le", "+Inf")], 0, 1200, 3.0),
    (&[("__name__", "latency_sum"), ("host", "a")], 0, 1200, 2.5),
    (&[("__name__", "latency_count"), ("host", "a")], 0, 1200, 3.0),
    (&[("__name__", "odd_bucket"), ("le", "fast")], 0, 1200, 3.0),
    (&[("__name__", "open_bucket"), ("le", "1")], 0, 1200, 3.0),
    (&[("__name__", "open_bucket"), ("le", "2")], 0, 1200, 3.0),
    (&[("__name__", "node_load1"), ("instance", "a:9100")], 0, 1200, 0.5),
    (&[("__name__", "node_load1"), ("instance", "b:9100")], 0, 1200, 1.5),
    (&[("__name__", "host_info"), ("instance", "a"), ("rack", "r1")], 0, 1200, 1.0),
    (&[("__name__", "cpu"), ("host", "a"), ("zone", "1"), ("job", "node")], 0, 1200, 1.0),
    (&[("__name__", "cpu"), ("host", "b"), ("zone", "2"), ("job", "node")], 0, 1200, 1.0),
    (&[("__name__", "mem"), ("host", "a"), ("zone", "2"), ("job", "node")], 0, 1200, 1.0),
    (&[("__name__", "mem"), ("host", "b"), ("zone", "1"), ("job", "node")], 0, 1200, 1.0),
    (&[("__name__", "limit"), ("job", "node"), ("kind", "soft")], 0, 1200, 0.0),
    (&[("__name__", "http_server_requests_total"), ("job", "api")], 0, 1200, 5.0),
    (&[("__name__", "version"), ("job", "node")], 0, 1200, 1.0),
];

fn store() -> MemoryStore {
    let store = MemoryStore::default();
    for (labels, from, to, value) in SERIES {
        let name = format!("{labels:?}");
        let mut writer = store.writer(&GroupKey { source: GroupSource::Push, name, labels: Labels::empty() }).unwrap();
        let column = writer.column(&Labels::from_pairs(labels.iter().copied())).unwrap();
        for at in (from..=to).step_by(15) {
            let mut row = Row::new(TimestampMs(at * 1000));
            row.push(column, value);
            writer.commit(&row).unwrap();
        }
        if labels[0].1 == "temperature" {
            writer.describe("temperature", &Metadata { metric_type: MetricType::Gauge, ..Metadata::default() }).unwrap();
        }
    }
    let mut writer = store.writer(&GroupKey { source: GroupSource::Push, name: "native".to_owned(), labels: Labels::empty() }).unwrap();
    let sizes = writer.column(&Labels::from_pairs([("__name__", "sizes"), ("host", "a")])).unwrap();
    let mixed = [1.0, 2.0].map(|n| writer.column(&Labels::from_pairs([("__name__", "mixed".to_owned()), ("n", n.to_string())])).unwrap());
    let histogram = Arc::new(Histogram {
        count: 2.0,
        sum: 3.0,
        positive_spans: vec![BucketSpan { offset: 0, length: 1 }],
        positive_counts: vec![2.0],
        ..Histogram::default()
    });
    for at in (0..=1200).step_by(15) {
        let mut row = Row::new(TimestampMs(at * 1000));
        for column in [sizes, mixed[0]] {
            row.cells.push(Cell { column, value: Value::Histogram(Arc::clone(&histogram)) });
        }
        row.push(mixed[1], 7.0);
        writer.commit(&row).unwrap();
    }
    store
}

fn engine() -> Engine {
    let features = Features { experimental_functions: true, ..Features::default() };
    Engine::new(EngineOptions { features, ..EngineOptions::default() }, Clock::system(), &Registry::default())
}

/// `600`, or `0-600:60` for a range.
fn moment(text: &str) -> Moment {
    let seconds = |text: &str| TimestampMs(text.parse::<i64>().unwrap() * 1000);
    match text.split_once('-') {
        None => Moment::At(seconds(text)),
        Some((start, rest)) => {
            let (end, step) = rest.split_once(':').unwrap();
            Moment::Range { start: seconds(start), end: seconds(end), step: DurationMs::seconds(step.parse().unwrap()) }
        }
    }
}

#[test]
fn empty_answers_have_a_place_and_a_reason() {
    let (store, engine) = (store(), engine());
    let mut wrong = String::new();
    for line in include_str!("../../promql/explain.tsv").lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [query, seconds, place, reason, text] = fields[..] else { panic!("five fields: {line}") };
        let story = engine.explain(&store, query, moment(seconds), &QueryOptions::default()).unwrap_or_else(|e| panic!("{query}: {e}"));
        let heard = story.empty.map_or_else(String::new, |e| {
            let also: String = e.also.iter().map(|e| format!(" | {}: {}: {}", e.expr, e.reason.as_str(), e.text)).collect();
            format!("{}\t{}\t{}{also}", e.expr, e.reason.as_str(), e.text)
        });
        let expected = format!("{place}\t{reason}\t{text}");
        if heard != expected {
            wrong += &format!("{query}\n  expected {expected}\n  heard    {heard}\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn the_tree_counts_series_points_and_samples() {
    let (store, engine) = (store(), engine());
    let range = Moment::Range { start: TimestampMs(300_000), end: TimestampMs(600_000), step: DurationMs::seconds(60) };
    let story = engine.explain(&store, "sum by (job) (rate(requests_total[1m])) / 2", range, &QueryOptions::default()).unwrap();
    assert!(story.empty.is_none() && story.hints.is_empty());
    let root = story.tree;
    assert_eq!((root.series_in, root.series_out, root.points), (1, 1, 6));
    let sum = &root.parts[0];
    assert_eq!((sum.expr.as_str(), sum.series_in, sum.series_out, sum.points), ("sum by (job) (rate(requests_total[1m]))", 2, 1, 6));
    let selector = &sum.parts[0].parts[0];
    assert_eq!((selector.expr.as_str(), selector.kind, selector.series_out, selector.points), ("requests_total[1m]", "matrix", 2, 12));
    // Four samples in each of six windows of two series.
    assert_eq!((selector.samples, sum.samples, root.samples), (48, 48, 48));
}

#[test]
fn a_rate_of_a_gauge_is_noticed() {
    let (store, engine) = (store(), engine());
    let hints = |query: &str| engine.explain(&store, query, Moment::At(TimestampMs(610_000)), &QueryOptions::default()).unwrap().hints;
    assert_eq!(hints("rate(temperature[5m])"), ["temperature is a gauge, and rate takes each fall for a reset: use delta or deriv"]);
    let short = "needs two samples in a window, and 29s often holds fewer: they are about 15s apart, so use [1m] or longer";
    assert_eq!(hints("rate(requests_total[29s])"), [format!("rate {short}")]);
    let both = "sum(irate(requests_total[29s])) + scalar(predict_linear(temperature[29s], 60)) + sum(irate(requests_total[29s]))";
    assert_eq!(hints(both), [format!("irate {short}"), format!("predict_linear {short}")]);
    for fine in ["rate(requests_total[30s])", "delta(temperature[1m])", "avg_over_time(temperature[15s])", "rate(requests_total[5s])"] {
        assert!(hints(fine).is_empty(), "{fine}: {:?}", hints(fine));
    }
}

#[test]
fn what_surprises_is_named() {
    let (store, engine) = (store(), engine());
    let hints = |query: &str| engine.explain(&store, query, Moment::At(TimestampMs(600_000)), &QueryOptions::default()).unwrap().hints;
    for (query, wanted) in [
        ("sum by (jbo) (up)", "sum by (jbo): no series that goes in has a label \"jbo\" (nearest: \"job\")"),
        ("max without (zone) (temperature)", "max without (zone): no series that goes in has a label \"zone\": there are \"room\""),
        ("temperature + scalar(up)", "scalar(...) is NaN: it needs exactly one series, and up gives 3"),
        ("vector(scalar(upp))", "scalar(...) is NaN: it needs exactly one series, and upp gives 0"),
        (
            r#"label_replace(node_load1, "host", "$1", "instance", "[a-z]+")"#,
            "label_replace changes nothing: no value of instance matches \"[a-z]+\" as a whole: instance is \"a:9100\", \"b:9100\"",
        ),
        (r#"label_replace(up, "a", "$1", "hst", "(.+)")"#, "label_replace changes nothing: no series has a label \"hst\""),
        ("abs(limit / limit)", "all values are NaN from limit / limit on: 0 divided by 0"),
        (
            "sum(histogram_quantile(0.9, open_bucket))",
            "all values are NaN from histogram_quantile(0.9, open_bucket) on: there are no observations in the window, or no bucket with le=\"+Inf\"",
        ),
    ] {
        assert_eq!(hints(query).first().map(String::as_str), Some(wanted), "{query}: {:?}", hints(query));
    }
    for fine in ["sum by (job) (up)", "scalar(temperature)", "up / 0", r#"label_replace(up, "a", "$1", "job", "(.*)")"#, "1 - 1"] {
        assert!(hints(fine).is_empty(), "{fine}: {:?}", hints(fine));
    }
}

#[test]
fn errors_say_what_to_write_instead() {
    let (store, engine) = (store(), engine());
    for line in include_str!("../../promql/hints.tsv").lines() {
        let (query, hint) = line.split_once('\t').unwrap();
        let error = engine.instant(&store, query, TimestampMs(600_000), &QueryOptions::default()).unwrap_err();
        assert_eq!(promlet::promql::hint::of(query, &error).as_deref(), Some(hint), "{query}: {error}");
    }
}
