//! Seeded mutations: whatever the text, reading it ends in a tree or an error, and evaluating the tree in an answer or an error,
//! within the stated limits.

use promlet::clock::Clock;
use promlet::model::{DurationMs, TimestampMs};
use promlet::promql::{Engine, EngineOptions, Features, Moment, QueryOptions, hint, parse, prettify, print};
use promlet::telemetry::Registry;

/// Texts that are changed; enough of the language to reach each part of it.
const SEEDS: [&str; 16] = [
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
];
const PIECES: [&str; 30] = [
    "(", ")", "[", "]", "{", "}", ":", ",", "\"", "'", "`", "\\", "@", "-", "^", "=~", "!=", "1e308", "NaN", "Inf", "0x", "_", "5m",
    "[1y:1ms]", "offset", "by", "\u{e9}", "\u{0}", "#", "sum(",
];

/// A small generator of our own: the same numbers everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

fn mutated(random: &mut Random) -> String {
    let mut chars: Vec<char> = SEEDS[random.below(SEEDS.len())].chars().collect();
    for _ in 0..=random.below(5) {
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
                let other: Vec<char> = SEEDS[random.below(SEEDS.len())].chars().collect();
                let from = random.below(other.len());
                drop(chars.splice(at.., other[from..].iter().copied()));
            }
        }
    }
    chars.into_iter().collect()
}

#[test]
fn reading_never_panics_and_what_is_printed_is_read_again() {
    let mut random = Random(1);
    let mut read = 0;
    for _ in 0..20_000 {
        let text = mutated(&mut random);
        match parse(&text, Features::all()) {
            Ok(expr) => {
                read += 1;
                let printed = print(&expr);
                for again in [&printed, &prettify(&expr)] {
                    let tree = parse(again, Features::all()).unwrap_or_else(|e| panic!("{text:?} is printed as {again:?}: {}", e[0]));
                    assert_eq!(print(&tree), printed, "{text:?}");
                }
            }
            Err(errors) => {
                let error = &errors[0];
                assert!(error.span.start <= error.span.end && error.span.start <= text.len() + 1, "{text:?}: {error}");
                hint::of(&text, &promlet::promql::QueryError::Parse(errors));
            }
        }
    }
    assert!(read > 1000, "only {read} texts were PromQL");
}

#[test]
fn evaluation_ends_within_its_limits() {
    let store = super::engine::store(12, 200);
    let options = EngineOptions {
        max_samples: 50_000,
        timeout: DurationMs::seconds(2),
        features: Features::all(),
        threads: 2,
        ..EngineOptions::default()
    };
    let engine = Engine::new(options, Clock::system(), &Registry::default());
    let (mut random, mut answered) = (Random(2), 0);
    for _ in 0..1500 {
        let text = mutated(&mut random);
        let began = Clock::system().monotonic();
        let instant = engine.instant(&store, &text, TimestampMs(1_500_000), &QueryOptions::default());
        let bounds = (TimestampMs(0), TimestampMs(3_000_000));
        let range = engine.range(&store, &text, bounds, DurationMs::seconds(60), &QueryOptions::default());
        answered += usize::from(instant.is_ok()) + usize::from(range.is_ok());
        if instant.is_ok() && random.below(4) == 0 {
            let _ = engine.explain(&store, &text, Moment::At(TimestampMs(1_500_000)), &QueryOptions::default());
        }
        let took = Clock::system().monotonic().saturating_sub(began);
        assert!(took.as_secs() < 30, "{text:?} took {took:?}");
    }
    assert!(answered > 100, "only {answered} answers");
}
