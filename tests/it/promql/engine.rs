//! The engine by itself: limits, cancellation, threads, deep trees.

use promlet::clock::Clock;
use promlet::model::{DurationMs, Labels, TimestampMs};
use promlet::promql::{Answer, Cancel, Engine, EngineOptions, Features, QueryError, QueryOptions, Value};
use promlet::storage::memory::MemoryStore;
use promlet::storage::{Append, GroupKey, GroupSource, Row};
use promlet::telemetry::Registry;

/// Counters of so many series and rows, 15 s apart, that fall now and then and are no integers.
pub fn store(series: usize, rows: usize) -> MemoryStore {
    let store = MemoryStore::default();
    let mut writer = store.writer(&GroupKey { source: GroupSource::Push, name: "test".to_owned(), labels: Labels::empty() }).unwrap();
    let columns: Vec<_> = (0..series)
        .map(|n| {
            let (instance, cpu) = (format!("host-{}", n % 7), n.to_string());
            writer.column(&Labels::from_pairs([("__name__", "cpu_total"), ("instance", instance.as_str()), ("cpu", cpu.as_str())])).unwrap()
        })
        .collect();
    let mut row = Row::new(TimestampMs(0));
    for at in 0..rows {
        row.clear(TimestampMs(at as i64 * 15_000));
        for (n, column) in columns.iter().enumerate() {
            row.push(*column, ((at * 31 + n * 17) % 1009) as f64 * 0.1 + (at % 100) as f64);
        }
        assert!(writer.commit(&row).unwrap().rejected.is_empty());
    }
    store
}

fn engine(options: EngineOptions) -> Engine {
    Engine::new(options, Clock::system(), &Registry::default())
}

fn range(engine: &Engine, store: &MemoryStore, query: &str, end: i64) -> Result<Answer, QueryError> {
    engine.range(store, query, (TimestampMs(0), TimestampMs(end)), DurationMs::seconds(60), &QueryOptions::default())
}

/// Labels, times and bits.
fn bits(answer: Answer) -> Vec<(Labels, Vec<(i64, u64)>)> {
    let Value::Matrix(series) = answer.value else { panic!("a range query gives a matrix") };
    series.into_iter().map(|s| (s.labels, s.floats.into_iter().map(|(t, v)| (t.0, v.to_bits())).collect())).collect()
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let store = store(140, 3000);
    for query in [
        "sum by (instance) (rate(cpu_total[5m]))",
        "avg(cpu_total)",
        "max by (instance) (cpu_total * 2)",
        "quantile_over_time(0.9, cpu_total[10m])",
        "topk(3, increase(cpu_total[10m]))",
    ] {
        let answers = [1, 2, 5].map(|threads| {
            let engine = engine(EngineOptions { threads, ..EngineOptions::default() });
            bits(range(&engine, &store, query, 3000 * 15_000).unwrap())
        });
        assert!(!answers[0].is_empty());
        assert!(answers[0] == answers[1] && answers[0] == answers[2], "{query}");
    }
}

#[test]
fn limits_end_a_query_with_prometheuss_words() {
    let store = store(20, 50);
    let small = engine(EngineOptions { max_samples: 200, ..EngineOptions::default() });
    let error = range(&small, &store, "cpu_total", 750_000).unwrap_err();
    assert_eq!(error.to_string(), "query processing would load too many samples into memory in query execution");
    assert_eq!(error.error_type(), "execution");
    // Millions of steps for one sample are refused before they are computed.
    let hostile = range(&small, &store, "max_over_time({__name__=~\".+\"}[30d:1s])", 60_000).unwrap_err();
    assert!(matches!(hostile, QueryError::TooManySamples), "{hostile}");
    let hasty = engine(EngineOptions { timeout: DurationMs::ZERO, ..EngineOptions::default() });
    let late = range(&hasty, &store, "cpu_total", 750_000).unwrap_err();
    assert_eq!((late.to_string().as_str(), late.error_type()), ("query timed out in expression evaluation", "timeout"));
}

#[test]
fn a_cancelled_query_ends() {
    let store = store(2, 10);
    let cancel = Cancel::default();
    cancel.cancel();
    let options = QueryOptions { cancel, ..QueryOptions::default() };
    let error = engine(EngineOptions::default()).instant(&store, "cpu_total", TimestampMs(0), &options).unwrap_err();
    assert!(matches!(error, QueryError::Canceled), "{error}");
}

#[test]
fn deep_and_long_expressions_are_evaluated() {
    let store = store(1, 10);
    let engine = engine(EngineOptions::default());
    for query in [
        format!("{}sum(cpu_total){}", "(".repeat(400), ")".repeat(400)),
        format!("sum(cpu_total){}", " + 0".repeat(400)),
        format!("{}sum(cpu_total){}", "abs(".repeat(400), ")".repeat(400)),
        format!("sum(cpu_total){}", " or vector(1)".repeat(400)),
        format!("{}sum(cpu_total)", "-".repeat(400)),
        format!("sum(cpu_total){}", "[5m:1m]".replace("[5m:1m]", " unless vector(1) > 2").repeat(200)),
    ] {
        let answer = engine.instant(&store, &query, TimestampMs(0), &QueryOptions::default()).unwrap();
        let Value::Vector(vector) = answer.value else { panic!("an instant vector") };
        assert!(!vector.is_empty(), "{}", &query[..30]);
    }
}

#[test]
fn gated_parts_need_their_feature() {
    let refused = |query: &str, features: Features| promlet::promql::parse(query, features).unwrap_err()[0].message.clone();
    let stock = Features::default();
    assert!(refused("mad_over_time(x[5m])", stock).contains("\"mad_over_time\" is not enabled"));
    assert!(refused("limitk(1, x)", stock).contains("experimental"));
    assert!(refused("rate(x[5m] anchored)", stock).contains("experimental"));
    assert!(refused("x + fill(0) y", stock).contains("experimental"));
    assert!(promlet::promql::parse("mad_over_time(x[5m]) + fill(0) limitk(1, rate(x[5m] smoothed))", Features::all()).is_ok());
}

#[test]
fn a_range_query_needs_a_vector_or_scalar_and_a_step() {
    let engine = engine(EngineOptions::default());
    let store = MemoryStore::default();
    let error = range(&engine, &store, "up[5m]", 60_000).unwrap_err();
    assert_eq!(error.to_string(), "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector");
    let bounds = (TimestampMs(0), TimestampMs(1));
    assert!(engine.range(&store, "up", bounds, DurationMs::ZERO, &QueryOptions::default()).is_err());
}
