//! Queries that were written to do harm: each ends with an error, within its limits, and gives back what it held.

use promlet::clock::Clock;
use promlet::model::{DurationMs, Labels, TimestampMs};
use promlet::promql::{Engine, EngineOptions, QueryError, QueryOptions};
use promlet::storage::memory::MemoryStore;
use promlet::storage::{Append, GroupKey, GroupSource, Row};
use promlet::telemetry::Registry;

const HOUR: i64 = 3_600_000;
/// What all of them are given.
const TIMEOUT: DurationMs = DurationMs(300);
const MEMORY: u64 = 64 << 20;
/// What a debug build on a busy machine may take to notice.
const NOTICED_WITHIN_S: u64 = 20;

/// 2000 series, an hour at 15 s.
fn store() -> MemoryStore {
    let store = MemoryStore::default();
    let mut writer = store.writer(&GroupKey { source: GroupSource::Push, name: "test".to_owned(), labels: Labels::empty() }).unwrap();
    let column = |n: usize| Labels::from_pairs([("__name__", "cpu_total"), ("instance", &*format!("host-{n}-abcdefghijklmnopqrstuvwxyz"))]);
    let columns: Vec<_> = (0..2000).map(|n| writer.column(&column(n)).unwrap()).collect();
    let mut row = Row::new(TimestampMs(0));
    for at in 0..240i64 {
        row.clear(TimestampMs(at * 15_000));
        for (n, column) in columns.iter().enumerate() {
            row.push(*column, (at * 31 + n as i64) as f64 * 0.37);
        }
        assert!(writer.commit(&row).unwrap().rejected.is_empty());
    }
    store
}

/// What a query must end with.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Samples,
    Memory,
    Timeout,
    /// A limit on the spot.
    Refused,
    /// Whichever limit is met first.
    Any,
}

fn end_of(error: &QueryError) -> End {
    match error {
        QueryError::TooManySamples => End::Samples,
        QueryError::TooMuchMemory { .. } => End::Memory,
        QueryError::Timeout => End::Timeout,
        _ => End::Refused,
    }
}

fn nested(times: usize, inner: &str, around: impl Fn(String) -> String) -> String {
    (0..times).fold(inner.to_owned(), |query, _| around(query))
}

#[test]
fn each_ends_with_an_error_and_gives_everything_back() {
    let store = store();
    let options = EngineOptions { max_samples: 5_000_000, max_memory: MEMORY, timeout: TIMEOUT, ..EngineOptions::default() };
    let clock = Clock::system();
    let engine = Engine::new(options, clock.clone(), &Registry::default());
    let doubling = |inner: &str| nested(30, inner, |q| format!("label_replace({q}, \"instance\", \"$1$1\", \"instance\", \"(.*)\")"));
    let large_program = format!("cpu_total{{instance=~\"{}[0-9]\"}}", "(?i:[a-y0-9-]{0,9}[b-z]?){0,100}".repeat(8));
    let cases: Vec<(String, End)> = vec![
        ("{__name__=~\".+\"}[30d:1s]".to_owned(), End::Any),
        ("count_values(\"v\", {__name__=~\".+\"} * on() group_left() vector(time()))".to_owned(), End::Any),
        ("max_over_time(max_over_time(max_over_time(cpu_total[1d:1s])[1d:1s])[1d:1s])".to_owned(), End::Any),
        ("sum_over_time(stddev_over_time(vector(1)[1d:1s])[1d:1s])".to_owned(), End::Timeout),
        ("sum_over_time(quantile_over_time(0.5, (vector(time()) % 7)[1d:1s])[1d:1s])".to_owned(), End::Timeout),
        ("sum_over_time(deriv((vector(time()) % 7)[1d:1s])[1d:1s])".to_owned(), End::Timeout),
        ("sum_over_time(increase((vector(time()) % 7)[1d:1s])[1d:1s])".to_owned(), End::Timeout),
        ("vector(1)[300y:1ms]".to_owned(), End::Refused),
        (doubling("cpu_total"), End::Any),
        (large_program, End::Timeout),
        (format!("label_join(cpu_total, \"x\", \"{}\", \"instance\", \"instance\")", "x".repeat(900_000)), End::Any),
    ];
    for (query, wanted) in cases {
        let shown = &query[..query.len().min(90)];
        let began = clock.monotonic();
        let bounds = (TimestampMs(0), TimestampMs(HOUR));
        let asked = match query.starts_with(['{', 'v']) {
            // A range vector has instant answers only.
            true => engine.instant(&store, &query, bounds.1, &QueryOptions::default()),
            false => engine.range(&store, &query, bounds, DurationMs(1000), &QueryOptions::default()),
        };
        let took = clock.monotonic().saturating_sub(began);
        let error = asked.err().unwrap_or_else(|| panic!("{shown} has an answer after {took:?}"));
        let end = end_of(&error);
        assert!(wanted == End::Any || end == wanted, "{shown}: {error}");
        assert!(took.as_secs() < NOTICED_WITHIN_S, "{shown} took {took:?}");
        assert_eq!(engine.memory().used(), 0, "{shown} keeps memory");
    }
    let patient = Engine::new(EngineOptions::default(), clock, &Registry::default());
    let query = doubling("cpu_total{instance=~\"host-7-.*\"}");
    let error = patient.instant(&store, &query, TimestampMs(HOUR), &QueryOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "a label value could become longer than the limit of 1048576 bytes");
}

#[test]
fn an_answer_holds_its_memory_until_it_is_dropped() {
    let store = store();
    let engine = Engine::new(EngineOptions { max_memory: MEMORY, ..EngineOptions::default() }, Clock::system(), &Registry::default());
    let ask = || engine.range(&store, "cpu_total", (TimestampMs(0), TimestampMs(HOUR)), DurationMs::seconds(15), &QueryOptions::default());
    let answers: Vec<_> = (0..9).map(|_| ask()).collect();
    // An answer is 2000 series of 241 points, 16 bytes each: nine of them are more than there is.
    let held = answers.iter().flatten().count();
    assert!((3..9).contains(&held), "{held}");
    assert!(answers.iter().any(|a| a.as_ref().is_err_and(|error| error.to_string().contains("raise --query.max-memory"))));
    assert!(engine.memory().used() > 0);
    drop(answers);
    assert_eq!(engine.memory().used(), 0);
    assert!(ask().is_ok());
}
