//! Fuzz targets for lexer, parser and evaluator, on a generator of our own: whatever the text, reading it ends in a tree or an error, and
//! evaluating the tree in an answer or an error, within the stated limits. Each text has a seed of its own; what fails prints the command
//! that asks for that text alone. Any number of others: `PROMLET_MUTATION=1000000..2000000 cargo test --test it mutated`.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use promlet::clock::Clock;
use promlet::model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA, Histogram, ResetHint};
use promlet::model::{DurationMs, Labels, TimestampMs, Value};
use promlet::promql::{
    Engine, EngineOptions, FUNCTIONS, Features, Function, Moment, QueryOptions, ValueType, hint, parse, prettify, print,
};
use promlet::storage::memory::MemoryStore;
use promlet::storage::{Append, Cell, GroupKey, GroupSource, Row};
use promlet::telemetry::Registry;

/// Texts that are changed; with one call of each function enough of the language to reach each part of it.
const SEEDS: [&str; 22] = [
    "sum by (job, instance) (rate(cpu_total{cpu=~\"[0-9]+\",job!=\"\"}[5m] offset -1m)) / ignoring (cpu) group_left (a) 2 ^ -3",
    "histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m:30s] @ end())))",
    "topk(3, cpu_total) or on (cpu) bottomk(2, {__name__=~\"c.*\"}) unless absent(nope[1m:])",
    "label_replace(cpu_total, \"a\", \"${1}-$2\", \"instance\", \"(h.*)-(?P<n>.+)\")",
    "count_values(\"v\", cpu_total) > bool 1e3 atan2 0x1F",
    "quantile_over_time(0.5, cpu_total[10m]) == on () vector(1_000)",
    "avg_over_time((cpu_total > 5)[1h:1m] @ 1000 offset 1h30m)",
    "\"a\\n\\u00e9\\x41\" == 'b' or `c`",
    "{\"quoted.name\", \"l.b\"=\"v\"}",
    "cpu_total[min_of(5m, step() * 2) + 1m]",
    "-+-cpu_total % 7 <= bool scalar(cpu_total) - time()",
    "limit_ratio(0.5, cpu_total) and limitk(2, cpu_total)",
    "rate(cpu_total[5m] anchored) + on (cpu) fill_left (0) cpu_total",
    "predict_linear(cpu_total[1h], 5m) * deriv(cpu_total[5m])",
    "info(cpu_total, {__name__=\"x_info\"}) # comment",
    "sort_by_label(max_over_time(cpu_total[999999d]), \"cpu\")",
    "sum(native) + avg(rate(native[5m])) - native offset 1m",
    "histogram_quantile(0.5, sum by (kind) (increase(native[2m]))) > histogram_avg(native)",
    "sum_over_time(native[10m:15s]) * 2 == -native / 3",
    "native </ 0.5 or native >/ -1 or stdvar(native) or quantile(0.5, native)",
    "irate(native{kind=~\"exp.*\"}[1m] smoothed) != bool delta(native[90s])",
    "group by (kind) (native) + ignoring (kind) count_values(\"v\", native)",
];
const PIECES: [&str; 32] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    "\"",
    "'",
    "`",
    "\\",
    "@",
    "-",
    "^",
    "=~",
    "!=",
    "1e308",
    "NaN",
    "Inf",
    "0x",
    "_",
    "5m",
    "[1y:1ms]",
    "offset",
    "by",
    "\u{e9}",
    "\u{0}",
    "#",
    "sum(",
    "native",
    "native[5m]",
];
/// Asks for one text alone, by its seed, or for others, `from..to`.
const REPLAY: &str = "PROMLET_MUTATION";

/// A small generator of our own: the same numbers everywhere.
struct Random(u64);

impl Random {
    /// Numbers of neighbouring seeds have nothing in common.
    fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d);
        random.below(2);
        random
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// A call of a function over floats, or over histograms.
fn call(function: &Function, metric: &str) -> String {
    let argument = |kind: &ValueType| match kind {
        ValueType::Vector => metric.to_owned(),
        ValueType::Matrix => format!("{metric}[5m]"),
        ValueType::Scalar => "0.5".to_owned(),
        ValueType::Text => "\"kind\"".to_owned(),
    };
    let args: Vec<String> = function.args.iter().map(argument).collect();
    format!("{}({})", function.name, args.join(", "))
}

fn seeds() -> Vec<String> {
    let calls = FUNCTIONS.iter().flat_map(|function| [call(function, "cpu_total"), call(function, "native")]);
    SEEDS.iter().map(|text| (*text).to_owned()).chain(calls).collect()
}

fn mutated(random: &mut Random, seeds: &[String]) -> String {
    let mut chars: Vec<char> = seeds[random.below(seeds.len())].chars().collect();
    for _ in 0..random.below(4) {
        let at = random.below(chars.len() + 1);
        match random.below(4) {
            0 => drop(chars.drain(at..(at + random.below(6)).min(chars.len()))),
            1 => drop(chars.splice(at..at, PIECES[random.below(PIECES.len())].chars())),
            2 => {
                let from = random.below(chars.len());
                let piece: Vec<char> = chars[from..(from + random.below(20)).min(chars.len())].to_vec();
                drop(chars.splice(at..at, piece));
            }
            _ => {
                let other: Vec<char> = seeds[random.below(seeds.len())].chars().collect();
                let from = random.below(other.len());
                drop(chars.splice(at.., other[from..].iter().copied()));
            }
        }
    }
    chars.into_iter().collect()
}

/// Tries so many texts, or those whose seeds the environment names; the sum of what `one` counts, none of the latter.
fn try_all(test: &str, count: u64, one: impl Fn(&mut Random, &str) -> usize) -> Option<usize> {
    let seeds = seeds();
    let try_one = |seed: u64| {
        let mut random = Random::new(seed);
        let text = mutated(&mut random, &seeds);
        catch_unwind(AssertUnwindSafe(|| one(&mut random, &text))).unwrap_or_else(|panic| {
            eprintln!("{text:?} failed; again: {REPLAY}={seed} cargo test --test it {test}");
            resume_unwind(panic)
        })
    };
    if let Ok(asked) = std::env::var(REPLAY) {
        let (from, to) = asked.split_once("..").unwrap_or((&asked, ""));
        let from: u64 = from.parse().unwrap();
        let tried: usize = (from..to.parse().unwrap_or(from + 1)).map(try_one).sum();
        println!("{tried} were answered");
        return None;
    }
    Some((0..count).map(try_one).sum())
}

/// Characters of the language's own kinds and of others, in no order at all.
fn noise(random: &mut Random) -> String {
    let piece = |random: &mut Random| match random.below(4) {
        0 => PIECES[random.below(PIECES.len())].to_owned(),
        1 => char::from_u32(random.below(0x11_0000) as u32).unwrap_or('\u{fffd}').to_string(),
        _ => char::from(random.below(128) as u8).to_string(),
    };
    (0..random.below(60)).map(|_| piece(random)).collect()
}

#[test]
fn any_text_is_read_to_an_end() {
    try_all("any_text_is_read", 20_000, |random, _| {
        let text = noise(random);
        catch_unwind(|| drop(parse(&text, Features::all()))).unwrap_or_else(|panic| {
            eprintln!("it was {text:?}");
            resume_unwind(panic)
        });
        0
    });
}

#[test]
fn reading_never_panics_and_what_is_printed_is_read_again() {
    let read = try_all("reading_never_panics", 20_000, |_, text| match parse(text, Features::all()) {
        Ok(expr) => {
            let printed = print(&expr);
            for again in [&printed, &prettify(&expr)] {
                let tree = parse(again, Features::all()).unwrap_or_else(|e| panic!("it is printed as {again:?}: {}", e[0]));
                assert_eq!(print(&tree), printed);
            }
            1
        }
        Err(errors) => {
            let error = &errors[0];
            assert!(error.span.start <= error.span.end && error.span.start <= text.len() + 1, "{error}");
            hint::of(text, &promlet::promql::QueryError::Parse(errors));
            0
        }
    });
    assert!(read.is_none_or(|read| read > 3000), "only {read:?} texts were PromQL");
}

/// Counters, and histograms of each kind with gaps, resets, floats and stale markers between them.
fn store() -> MemoryStore {
    let store = super::engine::store(12, 200);
    let mut writer = store.writer(&GroupKey { source: GroupSource::Push, name: "native".to_owned(), labels: Labels::empty() }).unwrap();
    let kinds = ["exponential", "fine", "gauge", "custom", "other", "mixed"];
    let columns: Vec<_> =
        kinds.iter().map(|kind| writer.column(&Labels::from_pairs([("__name__", "native"), ("kind", kind)])).unwrap()).collect();
    let mut random = Random::new(7);
    for at in 0..200i64 {
        let mut row = Row::new(TimestampMs(at * 15_000));
        for (kind, column) in columns.iter().enumerate() {
            match random.below(20) {
                0 => {}
                1 => row.push(*column, f64::from_bits(0x7ff0_0000_0000_0002)),
                _ if kind == 5 && at % 3 == 0 => row.push(*column, at as f64),
                _ => row.cells.push(Cell { column: *column, value: Value::Histogram(Arc::new(histogram(kind, at, &mut random))) }),
            }
        }
        writer.commit(&row).unwrap();
    }
    store
}

fn histogram(kind: usize, at: i64, random: &mut Random) -> Histogram {
    let counts: Vec<f64> = (0..4).map(|n| (at % 50 * (n + 1)) as f64 + random.below(3) as f64).collect();
    let spans = vec![BucketSpan { offset: random.below(3) as i32 - 1, length: 3 }, BucketSpan { offset: 1, length: 1 }];
    let total: f64 = counts.iter().sum();
    let mut made = Histogram {
        schema: [0, 8, -4, CUSTOM_BUCKETS_SCHEMA, CUSTOM_BUCKETS_SCHEMA, 1][kind],
        count: total,
        sum: [total * 0.3, f64::NAN, f64::INFINITY][usize::from(random.below(30) == 0) * random.below(3)],
        positive_spans: spans.clone(),
        positive_counts: counts.clone(),
        ..Histogram::default()
    };
    if made.uses_custom_buckets() {
        made.positive_spans = vec![BucketSpan { offset: 0, length: 4 }];
        made.custom_bounds = if kind == 3 { vec![-1.0, 0.0, 2.5] } else { vec![0.0, 0.1, 2.5, 10.0] };
    } else {
        (made.negative_spans, made.negative_counts) = (spans, counts);
        (made.zero_threshold, made.zero_count) = (0.1 * random.below(3) as f64, 2.0);
        made.count = 2.0 * total + 2.0;
    }
    if kind == 2 {
        made.reset_hint = ResetHint::Gauge;
    }
    made
}

#[test]
fn evaluation_ends_within_its_limits() {
    let store = store();
    let options = EngineOptions {
        max_samples: 50_000,
        timeout: DurationMs::seconds(2),
        features: Features::all(),
        threads: 2,
        ..EngineOptions::default()
    };
    let engine = Engine::new(options, Clock::system(), &Registry::default());
    for text in seeds() {
        // The functions over what they are for, unchanged: whatever the answer is, it is one.
        let _ = engine.instant(&store, &text, TimestampMs(1_500_000), &QueryOptions::default());
    }
    let answered = try_all("evaluation_ends_within", 2500, |random, text| {
        let began = Clock::system().monotonic();
        let instant = engine.instant(&store, text, TimestampMs(1_500_000), &QueryOptions::default());
        let bounds = (TimestampMs(0), TimestampMs(3_000_000));
        let range = engine.range(&store, text, bounds, DurationMs::seconds(60), &QueryOptions::default());
        if instant.is_ok() && random.below(4) == 0 {
            let _ = engine.explain(&store, text, Moment::At(TimestampMs(1_500_000)), &QueryOptions::default());
        }
        let took = Clock::system().monotonic().saturating_sub(began);
        assert!(took.as_secs() < 30, "it took {took:?}");
        usize::from(instant.is_ok()) + usize::from(range.is_ok())
    });
    assert!(answered.is_none_or(|answered| answered > 1000), "only {answered:?} answers");
}
